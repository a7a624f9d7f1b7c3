// Payment is what the payment processor answers. A gift card has no card.
export interface Payment {
  order: number;
  amount: number; // in cents
  method: "card" | "gift_card";
  card?: { network: string; last4: string };
}

// pay stands for the processor's API.
export async function pay(order: number): Promise<Payment> {
  const amount = 1000 + (order % 7) * 450;
  if (order % 12 === 0) {
    return { order, amount, method: "gift_card" };
  }
  const network = order % 2 === 0 ? "visa" : "mastercard";
  return { order, amount, method: "card", card: { network, last4: String(1000 + (order % 9000)) } };
}
