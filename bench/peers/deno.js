// The same modules as on Hadron, served by Deno.
const env = Deno.env.toObject();
const { default: module } = await import(`./functions/${env.WORKLOAD}.js`);
Deno.serve({ port: Number(env.PORT), hostname: "127.0.0.1", onListen() {} }, (request) => module.fetch(request, env));
