// The reviews of one product.
//
//   GET /fn/shop/catalog/reviews/3
interface Review {
  stars: number;
  text: string;
}

const texts = ["Does what it should.", "A present, and a good one.", "Smaller than it looks.", "Would buy again."];

export default {
  async fetch(request: Request): Promise<Response> {
    const product = Number(new URL(request.url).pathname.slice(1));
    if (!Number.isInteger(product) || product < 1) {
      return Response.json({ error: "ask for the reviews of a product: /3" }, { status: 400 });
    }
    await search();
    return Response.json({ product, reviews: reviewsOf(product) });
  },
};

// search stands for a slow store: it takes 5 to 40 ms, during which this VM
// can serve other requests.
function search(): Promise<void> {
  return new Promise((done) => setTimeout(done, 5 + Math.random() * 35));
}

function reviewsOf(product: number): Review[] {
  return texts.slice(0, 1 + (product % texts.length)).map((text, i) => ({ stars: 5 - ((product + i) % 3), text }));
}
