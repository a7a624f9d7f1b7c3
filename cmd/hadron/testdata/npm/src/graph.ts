import { buildSchema, graphql } from "graphql";

const schema = buildSchema(`
  type Book { id: ID!, title: String!, author: Author }
  type Author { name: String!, books: [Book!]! }
  type Query { book(id: ID!): Book, books(first: Int = 2): [Book!]! }
`);

const books = [
  { id: "1", title: "Walden", by: "Thoreau" },
  { id: "2", title: "Emma", by: "Austen" },
  { id: "3", title: "Persuasion", by: "Austen" },
].map((b) => ({ id: b.id, title: b.title, author: async () => author(b.by) }));

const owners: Record<string, string[]> = { Thoreau: ["1"], Austen: ["2", "3"] };

function author(name: string) {
  return { name, books: () => books.filter((b) => owners[name].includes(b.id)) };
}

const rootValue = {
  book: ({ id }: { id: string }) => {
    if (id === "bad") {
      throw new Error("no such shelf");
    }
    return books.find((b) => b.id === id) ?? null;
  },
  books: ({ first }: { first: number }) => books.slice(0, first),
};

export function query(source: string) {
  return graphql({ schema, source, rootValue });
}
