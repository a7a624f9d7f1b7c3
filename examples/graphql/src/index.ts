// A graph in front of other functions: a query asks for what it needs, and only then
// is the function behind it called.
//
//   GET  /fn/shop/web/graphql?query={product(id:3){name,stars}}
//   POST /fn/shop/web/graphql    {"query": "query($id: Int!) { product(id: $id) { name } }", "variables": {"id": 3}}
import { buildSchema, graphql } from "graphql";
import { product, type Env } from "./shop";

// Made once for a VM, while the module loads.
const schema = buildSchema(`
  type Query { product(id: Int!): Product }
  type Product { id: Int!, name: String!, price: Price!, stars: Float, reviews: [Review!]! }
  type Price { amount: Int!, currency: String! }
  type Review { stars: Int!, text: String! }
`);

interface Question {
  query?: string;
  variables?: Record<string, unknown>;
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { query, variables } = await question(request);
    if (typeof query !== "string") {
      return Response.json({ errors: [{ message: "send a query" }] }, { status: 400 });
    }
    const result = await graphql({ schema, source: query, variableValues: variables, rootValue: { product }, contextValue: env });
    return Response.json(result);
  },
};

async function question(request: Request): Promise<Question> {
  if (request.method === "POST") {
    return await request.json().catch(() => ({}));
  }
  return { query: new URL(request.url).searchParams.get("query") ?? undefined };
}
