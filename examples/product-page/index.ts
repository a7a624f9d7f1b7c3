// A backend for the shop's front end: one request from the browser becomes two to
// other functions, in parallel, and their answers are merged for this one page.
//
//   GET /fn/shop/web/product-page/3
interface Env {
  HADRON_URL: string; // the platform's own address; Hadron sets it for every function
}

interface Product {
  id: number;
  name: string;
  price: { amount: number; currency: string };
}

interface Reviews {
  reviews: { stars: number; text: string }[];
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const id = new URL(request.url).pathname.slice(1);
    const [product, reviews] = await Promise.all([
      call(env, `shop/catalog/products/${id}`),
      // The page is worth showing without reviews, so their failure is not its own.
      call(env, `shop/catalog/reviews/${id}`).catch((error) => {
        console.warn("no reviews for this page", { product: id, error: String(error) });
        return null;
      }),
    ]);
    if (product.status === 404) {
      return Response.json({ error: "no such product" }, { status: 404 });
    }
    if (!product.ok) {
      throw new Error(`products answered ${product.status}`);
    }
    return Response.json(page(await product.json(), reviews?.ok ? await reviews.json() : null));
  },
};

// call asks another function. Such a fetch never leaves the platform: Hadron takes
// it to the function itself, with the trace of this request.
function call(env: Env, path: string): Promise<Response> {
  return fetch(`${env.HADRON_URL}/fn/${path}`);
}

function page(product: Product, reviews: Reviews | null) {
  return {
    title: product.name,
    price: `${(product.price.amount / 100).toFixed(2)} ${product.price.currency}`,
    stars: reviews ? average(reviews.reviews.map((r) => r.stars)) : null,
    reviews: reviews?.reviews.map((r) => r.text) ?? [],
  };
}

function average(numbers: number[]): number | null {
  if (numbers.length === 0) {
    return null;
  }
  return Math.round((10 * numbers.reduce((sum, n) => sum + n, 0)) / numbers.length) / 10;
}
