export interface Product {
  id: number;
  name: string;
  price: { amount: number; currency: string }; // amount in cents
}

export const products: Product[] = [
  { id: 1, name: "Kettle, enamel, 1.5 l", price: { amount: 4900, currency: "EUR" } },
  { id: 2, name: "Teapot, cast iron", price: { amount: 8900, currency: "EUR" } },
  { id: 3, name: "Tea strainer", price: { amount: 1250, currency: "EUR" } },
  { id: 4, name: "Cup, stoneware", price: { amount: 1800, currency: "EUR" } },
  { id: 5, name: "Tray, beech", price: { amount: 3400, currency: "EUR" } },
];
