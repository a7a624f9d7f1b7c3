// Fastify with routes of its own.
import { Readable } from "node:stream";
import Fastify from "fastify";

const { WORKLOAD, PORT, UPSTREAM } = process.env;
const app = Fastify();
const get = async (path) => (await fetch(UPSTREAM + path)).json();
const chunk = Buffer.from("x".repeat(1023) + "\n");

const plugins = {
  hello: () => app.get("/", async () => ({ hello: "world" })),
  bff: () =>
    app.get("/", async () => {
      const [user, orders, picks] = await Promise.all([get("/user"), get("/orders"), get("/picks")]);
      return { user: { id: user.id, name: user.name }, orders: orders.items.slice(0, 3), total: orders.total, picks };
    }),
  transform: () =>
    app.post("/", async (request) => {
      const items = request.body.rows
        .filter((row) => row.active)
        .map((row) => ({ id: row.id, name: row.name, amount: row.price * row.quantity, tags: row.tags.join(" ") }));
      return { items, sum: items.reduce((sum, item) => sum + item.amount, 0) };
    }),
  routes() {
    app.addHook("onSend", async (request, reply) => {
      reply.header("x-powered-by", "bench");
    });
    for (let i = 0; i < 50; i++) {
      app.get(`/api/resource${i}/:id`, async (request) => ({ resource: i, id: request.params.id, page: request.query.page ?? "1" }));
    }
  },
  stream: () =>
    app.get("/", async (request, reply) => {
      let left = 16;
      reply.type("text/plain");
      return new Readable({
        read() {
          this.push(left-- > 0 ? chunk : null);
        },
      });
    }),
};

plugins[WORKLOAD]();
await app.listen({ port: Number(PORT), host: "127.0.0.1" });
