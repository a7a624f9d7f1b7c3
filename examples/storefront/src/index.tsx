// A page rendered on the server with Preact, with prices and dates as its reader
// writes them.
//
//   GET /fn/shop/web/storefront?lang=de
import { render } from "preact-render-to-string";
import { Shelf, type Product } from "./shelf";

interface Env {
  HADRON_URL: string; // the platform's own address; Hadron sets it for every function
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const wanted = new URL(request.url).searchParams.get("lang") ?? "en";
    const lang = Intl.NumberFormat.supportedLocalesOf([wanted])[0] ?? "en";
    const response = await fetch(`${env.HADRON_URL}/fn/shop/catalog/products`);
    if (!response.ok) {
      throw new Error(`products answered ${response.status}`);
    }
    const products: Product[] = await response.json();
    const page = render(<Shelf lang={lang} products={products} today={new Date()} />);
    return new Response("<!doctype html>" + page, { headers: { "content-type": "text/html; charset=utf-8" } });
  },
};
