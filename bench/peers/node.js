// node:http as one would write it by hand; the fifty routes are Hono's, on its own
// adapter for Node.
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import { app } from "./functions/routes.js";

const { WORKLOAD, PORT, UPSTREAM } = process.env;

function answer(res, value) {
  const body = JSON.stringify(value);
  res.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
  res.end(body);
}

async function readJSON(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks));
}

const get = async (path) => (await fetch(UPSTREAM + path)).json();
const chunk = Buffer.from("x".repeat(1023) + "\n");

const listeners = {
  hello: (req, res) => answer(res, { hello: "world" }),
  async bff(req, res) {
    const [user, orders, picks] = await Promise.all([get("/user"), get("/orders"), get("/picks")]);
    answer(res, { user: { id: user.id, name: user.name }, orders: orders.items.slice(0, 3), total: orders.total, picks });
  },
  async transform(req, res) {
    const { rows } = await readJSON(req);
    const items = rows
      .filter((row) => row.active)
      .map((row) => ({ id: row.id, name: row.name, amount: row.price * row.quantity, tags: row.tags.join(" ") }));
    answer(res, { items, sum: items.reduce((sum, item) => sum + item.amount, 0) });
  },
  routes: getRequestListener(app.fetch),
  stream(req, res) {
    let left = 16;
    const body = new Readable({
      read() {
        this.push(left-- > 0 ? chunk : null);
      },
    });
    res.writeHead(200, { "content-type": "text/plain" });
    body.pipe(res);
  },
};

createServer(listeners[WORKLOAD]).listen(Number(PORT), "127.0.0.1");
