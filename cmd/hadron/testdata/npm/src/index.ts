// What each package is asked to do, and what the test expects, stand in
// cmd/hadron/npm_test.go.
import { Hono } from "hono";
import { dates } from "./dates";
import { query } from "./graph";
import { tokens } from "./tokens";
import { lists } from "./lists";
import { page } from "./page";
import { shapes } from "./shapes";
import { throughPackage } from "./fail";

const app = new Hono();

app.use(async (c, next) => {
  await next();
  c.header("x-served-by", "hono");
});

// As many routes as a grown application has, of each kind the router knows.
for (let i = 0; i < 10; i++) {
  app.get(`/static/${i}`, (c) => c.text(`static ${i}`));
  app.get(`/params/${i}/:id`, (c) => c.json({ route: i, id: c.req.param("id") }));
  app.get(`/digits/${i}/:id{[0-9]+}`, (c) => c.text(`digits ${c.req.param("id")}`));
  app.get(`/rest/${i}/*`, (c) => c.text(`rest ${c.req.path}`));
  app.post(`/forms/${i}`, async (c) => c.json(await c.req.json(), 201));
}

app.get("/dates", (c) => c.json(dates()));
app.get("/graphql", async (c) => c.json(await query(c.req.query("q") ?? "")));
app.get("/tokens", async (c) => c.json(await tokens()));
app.get("/lists", (c) => c.json(lists()));
app.get("/page", (c) => c.html(page(c.req.query("name") ?? "")));
app.post("/shapes", async (c) => c.json(shapes(await c.req.json())));
app.get("/fail", (c) => c.json(throughPackage()));
app.get("/stream", (c) => c.body(new Response("streamed").body));
app.onError((error) => {
  throw error;
});

export default app;
