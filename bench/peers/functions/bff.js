// A backend for one page: three calls at a time, merged into what the page shows.
export default {
  async fetch(request, env) {
    const get = async (path) => (await fetch(env.UPSTREAM + path)).json();
    const [user, orders, picks] = await Promise.all([get("/user"), get("/orders"), get("/picks")]);
    return Response.json({
      user: { id: user.id, name: user.name },
      orders: orders.items.slice(0, 3),
      total: orders.total,
      picks,
    });
  },
};
