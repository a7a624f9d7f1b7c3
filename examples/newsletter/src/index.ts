// A Hono app, just as it would run on any Workers-style platform: Hono's own export
// has the fetch handler that Hadron calls.
//
//   GET  /fn/growth/newsletter/api
//   GET  /fn/growth/newsletter/api/subscribers/count
//   POST /fn/growth/newsletter/api/subscribers    {"email": "ada@shop.example"}
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";

type Env = { Bindings: { NEWSLETTER: string } };

// State of the module lives as long as its VM, is not shared with other VMs and may
// vanish between calls: good for a cache or this demonstration, not for subscribers.
const subscribers = new Set<string>();

const app = new Hono<Env>();

app.use(async (c, next) => {
  const start = performance.now();
  await next();
  c.header("Server-Timing", `app;dur=${(performance.now() - start).toFixed(1)}`);
});

app.get("/", (c) => c.json({ newsletter: c.env.NEWSLETTER, subscribers: subscribers.size }));

app.get("/subscribers/count", (c) => c.json({ count: subscribers.size }));

app.post("/subscribers", async (c) => {
  const { email } = await c.req.json<{ email?: unknown }>().catch(() => {
    throw new HTTPException(400, { message: "send JSON" });
  });
  if (typeof email !== "string" || !/^[^@\s]+@[^@\s]+$/.test(email)) {
    throw new HTTPException(422, { message: "that is no address" });
  }
  subscribers.add(email.toLowerCase());
  return c.json({ subscribed: true }, 201);
});

app.onError((error, c) => {
  if (error instanceof HTTPException) {
    return c.json({ error: error.message }, error.status);
  }
  // Thrown on, it counts as the function's error, with its stack.
  throw error;
});

export default app;
