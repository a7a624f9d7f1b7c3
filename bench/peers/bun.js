// The same modules as on Hadron, served by Bun.
const env = process.env;
const { default: module } = await import(`./functions/${env.WORKLOAD}.js`);
Bun.serve({ port: Number(env.PORT), hostname: "127.0.0.1", fetch: (request) => module.fetch(request, env) });
