// The admin port: health, metrics, routes, Problems. Fastify, in the control worker: it may be busy, traffic never waits for it.
import { fastify, type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from "fastify";
import { visible } from "../../routing/text/visible.ts";
import { isNamespace } from "../options/option.ts";
import { accessTo, type Doors } from "./access.ts";
import { badRequest, notFound, queryOf } from "./answers.ts";
import { adminListener } from "./connections.ts";
import type { AdminOptions, Endpoint, Handler } from "./endpoint.ts";
import { endpoints } from "./endpoints.ts";
import { EventStreams } from "./event-streams.ts";
import { fixedFamilies } from "./families/fixed-families.ts";
import { isOwnHost } from "./hosts.ts";
import { slicesOfThread } from "../shared/slices.ts";
import { narrowed, nobody, type Viewer } from "../api/viewer.ts";

const openApiPath = endpoints.openapi.path;

/** Characters of one parameter in a path: no name and no request id is longer. */
const maxParamLength = 512;

/** Between two lines of the log about answers that could not be made. */
const faultsMs = 1000;

export interface AdminServer {
  readonly host: string;
  readonly port: number;
  /** A change became live after so many seconds. */
  live(seconds: number): void;
  /** Streams end, so that their readers ask another replica. */
  drain(): void;
  close(): Promise<void>;
}

/** Listens; rejects with one clear sentence when it cannot. */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const { admin, view, blocks } = options;
  const host = admin.host ?? "::";
  const families = fixedFamilies({
    blocks,
    served: () => view.served,
    countedClients: options.countedClients,
    endpointsWithoutNumbers: () => view.counted.endpointsWithoutNumbers,
    releaseRequestsLeftOut: () => view.counted.releaseRequestsLeftOut,
    tableBytes: () => view.tableBytes,
    problems: () => view.gatherProblems(slicesOfThread()),
    sourceKind: options.sourceKind,
    sourceAgeSeconds: options.sourceAgeSeconds,
    certificates: options.certificates,
    comparisons: () => options.compared.all,
    rollouts: options.rollouts,
    nowMs: options.nowMs,
  });
  const app = fastify({
    forceCloseConnections: true,
    bodyLimit: 1024,
    serverFactory: adminListener,
    routerOptions: { maxParamLength },
    frameworkErrors: (_, __, reply) => {
      void badRequest(
        reply,
        `a part of the path is not UTF-8, or has more than ${maxParamLength} characters: read ${openApiPath}`,
      );
    },
    // No route has a schema, so what compiles them is not loaded.
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
  });
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
  const declared = Object.values<Endpoint>(endpoints);
  const paths = [...new Set(declared.map(({ path }) => path))];
  app.setNotFoundHandler((request, reply) =>
    notFound(
      reply,
      `the admin port does not serve ${request.url.split("?", 1)[0]}: ask ${paths.slice(0, -1).join(", ")} or ${paths.at(-1)!}`,
    ),
  );
  let toldMs = -Infinity;
  app.setErrorHandler<FastifyError>((error, _, reply) => {
    const { statusCode = 500, message } = error;
    if (statusCode < 500)
      return reply
        .code(statusCode)
        .send({ error: "bad-request", sentence: `${visible(message)}: read ${openApiPath}` });
    const nowMs = options.nowMs();
    if (Math.abs(nowMs - toldMs) >= faultsMs) {
      toldMs = nowMs;
      options.faulted(error.stack ?? message);
    }
    const sentence = "this answer could not be made because of a bug of the gateway: its log says more (gateway-fault)";
    return reply.code(statusCode).send({ error: "internal", sentence });
  });
  const doors: Doors = { host, token: admin.token, viewers: options.viewers, reviewed: options.reviewed };
  const streams = new EventStreams();
  for (const endpoint of declared)
    serve(app, endpoint, endpoint.serve({ ...options, families, streams, declared }), doors, streams);
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
  return {
    host,
    port,
    live: (seconds) => families.live(seconds),
    drain: () => streams.end(),
    close: () => {
      streams.end();
      return app.close();
    },
  };
}

function serve(
  app: FastifyInstance,
  { method, path, alias, access, parameters, answer, maxBodyBytes }: Endpoint,
  handler: Handler,
  doors: Doors,
  streams: EventStreams,
): void {
  const viewers = new WeakMap<FastifyRequest, Viewer>();
  const names = Object.keys(parameters);
  // A misspelt parameter would widen the answer.
  const stray = (reply: FastifyReply, query: URLSearchParams): FastifyReply | undefined => {
    const found = [...query.keys()].find((name) => !names.includes(name));
    if (found === undefined && (query.get("replica") ?? "self") !== "self")
      return badRequest(reply, "replica is not known: write replica=self, or leave it out");
    return found === undefined
      ? undefined
      : badRequest(
          reply,
          `the parameter ${visible(found.slice(0, 63))} is not known here: write ${names.length === 0 ? "none" : names.join(", ")}`,
        );
  };
  const onRequest = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const query = queryOf(request);
    const asked = namespaceOf(request, query);
    if (asked !== null && !isNamespace(asked))
      return badRequest(
        reply,
        "namespace is no name of a namespace: write lower-case letters, digits and -, at most 63",
      );
    const address = request.socket.remoteAddress ?? "";
    const found = await accessTo(doors, request.headers.authorization, asked, address);
    if (found.kind === "refused") {
      if (found.status === 503) void reply.header("retry-after", "1");
      if (found.status === 401) void reply.header("www-authenticate", "Bearer");
      return reply.code(found.status).send({ error: found.error, sentence: found.sentence });
    }
    if (access === "admin" && !found.viewer.isAdmin)
      return reply.code(403).send({ error: "forbidden", sentence: "this needs the token of --admin-token" });
    const wrong = stray(reply, query);
    if (wrong !== undefined) return wrong;
    const seen = (viewer: Viewer): Viewer => (asked === null ? viewer : narrowed(viewer, asked));
    viewers.set(request, seen(found.viewer));
    if (answer.events !== null)
      streams.hold(request, async () => {
        const now = await accessTo(doors, request.headers.authorization, asked, address);
        return now.kind === "viewer" ? seen(now.viewer) : null;
      });
    return undefined;
  };
  for (const url of alias === "" ? [path] : [path, alias])
    app.route({
      method,
      url: url.replaceAll(/\{(\w+)\}/g, ":$1"),
      bodyLimit: maxBodyBytes,
      handler: (request, reply) => handler(request, reply, viewers.get(request) ?? nobody),
      ...(access === "everyone" ? {} : { onRequest }),
    });
}

/** The namespace that is asked about, in the path or the query; null: all. */
function namespaceOf({ params }: FastifyRequest, query: URLSearchParams): string | null {
  return (params as Readonly<Record<string, string>>)["namespace"] ?? query.get("namespace");
}

function noSchemas(): never {
  throw new Error("a route has a schema: give fastify back what compiles schemas");
}
