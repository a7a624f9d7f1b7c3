export interface Product {
  id: number;
  name: string;
  price: { amount: number; currency: string };
}

export function Shelf({ lang, products, today }: { lang: string; products: Product[]; today: Date }) {
  return (
    <html lang={lang}>
      <head>
        <meta charset="utf-8" />
        <title>The shop</title>
      </head>
      <body>
        <h1>{today.toLocaleDateString(lang, { dateStyle: "full" })}</h1>
        <ul>{products.map((p) => <li key={p.id}>{p.name}: {price(p, lang)}</li>)}</ul>
      </body>
    </html>
  );
}

function price({ price: { amount, currency } }: Product, lang: string): string {
  return (amount / 100).toLocaleString(lang, { style: "currency", currency });
}
