// A function with a bug in it, to see what Hadron makes of one: an order paid with
// a gift card, which every twelfth is, throws two calls deep in receipt.ts.
//
//   GET /fn/pay/core/charge?order=7      paid by card
//   GET /fn/pay/core/charge?order=12     paid by gift card: fails
import { receipt } from "./receipt.ts";
import { pay } from "./processor.ts";

export default {
  async fetch(request: Request): Promise<Response> {
    const order = Number(new URL(request.url).searchParams.get("order") ?? "1");
    if (!Number.isInteger(order) || order < 1) {
      return Response.json({ error: "give the order's number: ?order=7" }, { status: 400 });
    }
    const payment = await pay(order);
    console.log("charged", { order, amount: payment.amount, method: payment.method });
    return Response.json(receipt(payment));
  },
};
