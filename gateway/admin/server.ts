// The admin port: health, metrics, routes, Problems. Fastify, in the control worker: it may be busy, traffic never waits for it.
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { accessTo } from "./access.ts";
import { notFound } from "./answers.ts";
import { adminTimes, connectionLimit, limitConnections, openFilesLimit } from "./connections.ts";
import type { AdminOptions, Endpoint, Handler } from "./endpoint.ts";
import { endpoints } from "./endpoints.ts";
import { isOwnHost } from "./hosts.ts";
import { fixedFamilies } from "./fixed-families.ts";
import { slicesOfThread } from "./slices.ts";

export interface AdminServer {
  readonly host: string;
  readonly port: number;
  /** A change became live after so many seconds. */
  live(seconds: number): void;
  close(): Promise<void>;
}

/** Listens; rejects with one clear sentence when it cannot. */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const { admin, view, blocks } = options;
  const host = admin.host ?? "::";
  const families = fixedFamilies({
    blocks,
    endpointStates: () => view.endpointStates,
    breakers: () => view.breakers,
    served: () => view.served,
    countedClients: options.countedClients,
    tableBytes: () => view.tableBytes,
    problems: () => view.gatherProblems(slicesOfThread()),
    sourceKind: options.sourceKind,
    sourceAgeSeconds: options.sourceAgeSeconds,
    certificates: options.certificates,
  });
  const app = fastify({
    forceCloseConnections: true,
    bodyLimit: 1024,
    connectionTimeout: adminTimes.stalledMs,
    keepAliveTimeout: adminTimes.idleMs,
    requestTimeout: adminTimes.requestMs,
    http: { headersTimeout: adminTimes.headMs, connectionsCheckingInterval: adminTimes.checkMs },
    // No route has a schema, so what compiles them is not loaded.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  });
  limitConnections(app.server, connectionLimit(openFilesLimit()));
  app.addHook("onRequest", async (request, reply) => {
    const { host: hosts = [] } = request.raw.headersDistinct;
    // A second Host, or an authority in the request line, would be another answer to who is asked.
    if (hosts.length < 2 && isOwnHost(hosts[0], admin.hosts) && request.raw.url?.startsWith("/") === true)
      return undefined;
    return reply.code(421).send({
      error: "misdirected",
      sentence:
        "the admin port answers to addresses and to localhost: ask it by one of them, or start with --admin-host NAME",
    });
  });
  const paths = [...new Set(Object.values(endpoints).map(({ path }) => path))];
  app.setNotFoundHandler((request, reply) =>
    notFound(
      reply,
      `the admin port does not serve ${request.url.split("?", 1)[0]}: ask ${paths.slice(0, -1).join(", ")} or ${paths.at(-1)!}`,
    ),
  );
  for (const endpoint of Object.values<Endpoint>(endpoints))
    serve(app, endpoint, endpoint.serve({ ...options, families }), admin.token, host);
  try {
    await app.listen({ host, port: admin.port });
  } catch (error) {
    throw new Error(
      `Sluice cannot listen on the admin port ${host}:${admin.port} (${(error as NodeJS.ErrnoException).code ?? "unknown"}): write --admin HOST:PORT with another address`,
      { cause: error },
    );
  }
  const address = app.server.address();
  const port = typeof address === "object" && address !== null ? address.port : admin.port;
  return { host, port, live: (seconds) => families.live(seconds), close: () => app.close() };
}

function serve(
  app: FastifyInstance,
  { method, path, alias, access, maxBodyBytes }: Endpoint,
  handler: Handler,
  token: string | null,
  host: string,
): void {
  const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const found = accessTo(host, token, request.headers.authorization);
    if (found === "no-token-set")
      return reply.code(403).send({
        error: "forbidden",
        sentence:
          "beyond loopback this needs a token: start with --admin-token or SLUICE_ADMIN_TOKEN, or bind --admin 127.0.0.1:8877",
      });
    if (found === "wrong-token")
      return reply.code(401).header("www-authenticate", "Bearer").send({
        error: "unauthorized",
        sentence: 'write the header "authorization: Bearer TOKEN" with the token of --admin-token',
      });
    return undefined;
  };
  for (const url of alias === "" ? [path] : [path, alias])
    app.route({ method, url, bodyLimit: maxBodyBytes, handler, ...(access === "token" ? { onRequest } : {}) });
}

function noSchemas(): never {
  throw new Error("a route has a schema: give fastify back what compiles schemas");
}
