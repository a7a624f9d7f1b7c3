// The catalogue: one product, or all of them.
//
//   GET /fn/shop/catalog/products      the list
//   GET /fn/shop/catalog/products/3    one of them
import { products } from "./products.ts";

export default {
  async fetch(request: Request): Promise<Response> {
    // The function sees its own part of the path only: "/" or "/3".
    const id = new URL(request.url).pathname.slice(1);
    if (id === "") {
      return Response.json(products);
    }
    const product = products.find((p) => String(p.id) === id);
    if (!product) {
      // An answer of 4xx is not an error of the function: nobody is paged for it.
      return Response.json({ error: `there is no product ${id}` }, { status: 404 });
    }
    return Response.json(product);
  },
};
