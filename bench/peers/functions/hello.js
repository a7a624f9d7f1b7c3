// The least a function can do.
export default {
  fetch() {
    return Response.json({ hello: "world" });
  },
};
