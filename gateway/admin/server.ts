// The admin port: health, metrics, routes, Problems. Fastify, in the control worker: it may be busy, traffic never waits for it.
import { fastify, type FastifyInstance } from "fastify";
import type { Settings } from "../options/settings.ts";
import { accessTo } from "./access.ts";
import { serveApi, type ApiParts } from "./api.ts";
import { adminTimes, connectionLimit, limitConnections, openFilesLimit } from "./connections.ts";
import { serveRevocation, type TokenRevoker } from "./oauth-api.ts";
import { isOwnHost } from "./hosts.ts";
import { SharedAnswers } from "./shared-answers.ts";
import { streamShared } from "./send-shared.ts";
import { fixedFamilies, type CertificateExpiry, type FixedFamilies } from "./fixed-families.ts";
import { writeSeries } from "./series.ts";
import { slicesOfThread } from "./slices.ts";
import type { AdminView } from "./view.ts";

export interface AdminOptions extends ApiParts {
  readonly admin: Settings["admin"];
  readonly view: AdminView;
  /** Counter blocks, the base block first. */
  readonly blocks: readonly Float64Array[];
  /** Clients that limits of rate count now. */
  readonly countedClients: () => number;
  readonly sourceKind: string;
  readonly sourceAgeSeconds: () => number;
  /** Why the Source does not know what to serve, for /readyz; null: it does. */
  readonly notReady: () => string | null;
  /** When certificates end. */
  readonly certificates: () => readonly CertificateExpiry[];
  /** Ends tokens of the OAuth gateway; null: there is none. */
  readonly revoker: TokenRevoker | null;
  /** Does any data worker turn? */
  readonly turns: () => boolean;
}

export interface AdminServer {
  readonly host: string;
  readonly port: number;
  /** A change became live after so many seconds. */
  live(seconds: number): void;
  close(): Promise<void>;
}

const textType = "text/plain; charset=utf-8";

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
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      error: "not-found",
      sentence: `the admin port does not serve ${request.url.split("?", 1)[0]}: ask /healthz, /readyz, /metrics, /api/routes, /api/who, /api/problems or /api/explain`,
    }),
  );
  serveHealth(app, options);
  serveMetrics(app, families, options);
  await app.register(async (api) => {
    api.addHook("onRequest", async (request, reply) => {
      const access = accessTo(host, admin.token, request.headers.authorization);
      if (access === "no-token-set")
        return reply.code(403).send({
          error: "forbidden",
          sentence:
            "beyond loopback this needs a token: start with --admin-token or SLUICE_ADMIN_TOKEN, or bind --admin 127.0.0.1:8877",
        });
      if (access === "wrong-token")
        return reply.code(401).header("www-authenticate", "Bearer").send({
          error: "unauthorized",
          sentence: 'write the header "authorization: Bearer TOKEN" with the token of --admin-token',
        });
      return undefined;
    });
    serveApi(api, view, options);
    serveRevocation(api, options.revoker);
  });
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

function serveHealth(app: FastifyInstance, { view, notReady, turns }: AdminOptions): void {
  for (const path of ["/healthz", "/ambassador/v0/check_alive"]) {
    app.get(path, (_, reply) =>
      turns()
        ? reply.type(textType).send("sluice is alive\n")
        : reply.code(503).type(textType).send("sluice is not alive: no data worker turns\n"),
    );
  }
  for (const path of ["/readyz", "/ambassador/v0/check_ready"]) {
    app.get(path, (_, reply) => {
      if (view.ready) return reply.type(textType).send("sluice is ready\n");
      const reason = notReady();
      return reply
        .code(503)
        .type(textType)
        .send(`sluice is not ready${reason === null ? "" : `: ${reason}`}\n`);
    });
  }
}

function serveMetrics(app: FastifyInstance, families: FixedFamilies, { blocks, view }: AdminOptions): void {
  const few = new SharedAnswers(
    async () => Buffer.from(await families.text(slicesOfThread())),
    () => performance.now(),
  );
  app.get("/metrics", (_, reply) =>
    streamShared(reply, few, "text/plain; version=0.0.4; charset=utf-8", (reader) =>
      writeSeries(reader, blocks, () => view.usedSlots, slicesOfThread()),
    ),
  );
}

function noSchemas(): never {
  throw new Error("a route has a schema: give fastify back what compiles schemas");
}
