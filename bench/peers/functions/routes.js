// An application of fifty routes with a middleware, as frameworks are used.
import { Hono } from "hono";

export const app = new Hono();
app.use(async (c, next) => {
  await next();
  c.header("x-powered-by", "bench");
});
for (let i = 0; i < 50; i++) {
  app.get(`/api/resource${i}/:id`, (c) => c.json({ resource: i, id: c.req.param("id"), page: c.req.query("page") ?? "1" }));
}
export default app;
