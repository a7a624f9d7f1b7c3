import type { Payment } from "./processor.ts";

export function receipt(payment: Payment) {
  return {
    order: payment.order,
    paid: (payment.amount / 100).toFixed(2),
    with: cardLine(payment),
  };
}

function cardLine(payment: Payment): string {
  // The bug: the exclamation mark promises a card, and a gift card has none.
  const card = payment.card!;
  return `${card.network.toUpperCase()} ending in ${card.last4}`;
}
