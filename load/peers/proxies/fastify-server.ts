// The process of the fastify peer: `node fastify-server.ts PORT UPSTREAM`.
import proxy from "@fastify/http-proxy";
import { fastify } from "fastify";

const [port, upstream] = process.argv.slice(2);
if (port === undefined || upstream === undefined) throw new Error("usage: fastify-server.ts PORT UPSTREAM");

const app = fastify({ bodyLimit: 16 * 1024 * 1024 });
await app.register(proxy, {
  upstream,
  prefix: "/seldon/:namespace/:name",
  rewritePrefix: "/",
  undici: { connections: 256, pipelining: 1, keepAliveTimeout: 3_600_000 },
});
await app.listen({ host: "127.0.0.1", port: Number(port) });
