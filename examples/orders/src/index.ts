// Hono with Zod: what comes in is checked against a shape, and what is wrong with it
// is told to the one who sent it, as a 422 that pages nobody.
//
//   GET  /fn/shop/core/orders/price/mug/3
//   POST /fn/shop/core/orders    {"email": "ada@shop.example", "lines": [{"sku": "mug", "quantity": 2}]}
import { Hono } from "hono";
import { Order, prices, total } from "./order";

const app = new Hono();

app.get("/", (c) => c.json({ skus: Object.keys(prices) }));

app.get("/price/:sku/:quantity{[0-9]+}", (c) => {
  const order = Order.shape.lines.safeParse([{ sku: c.req.param("sku"), quantity: Number(c.req.param("quantity")) }]);
  return order.success ? c.json({ total: total(order.data) }) : c.json({ error: "no such article" }, 404);
});

app.post("/", async (c) => {
  const order = Order.safeParse(await c.req.json().catch(() => null));
  if (!order.success) {
    return c.json({ issues: order.error.issues.map((issue) => ({ at: issue.path.join("."), message: issue.message })) }, 422);
  }
  const id = crypto.randomUUID();
  console.info("order taken", { id, lines: order.data.lines.length });
  return c.json({ id, total: total(order.data.lines) }, 201);
});

export default app;
