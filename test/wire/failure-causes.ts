// One cause for each row of the failure table: what makes it happen for real. A row without a cause does not compile.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { constants } from "node:http2";
import { Worker } from "node:worker_threads";
import { vi } from "vitest";
import { failures } from "../../gateway/failures.ts";
import { requestStep } from "../../gateway/edge/steps/step.ts";
import { EndpointPool } from "../../gateway/edge/upstream/endpoint-pool.ts";
import type { ExternalPolicy, Mapping } from "../../routing/model/mapping.ts";
import { plainSettings, type FrontSettings } from "../../routing/model/table-change.ts";
import type { Breaker } from "../../routing/model/upstream.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { guardOf, policyWith } from "../policies.ts";
import { plainGuard } from "../../routing/model/guard.ts";
import { is, named } from "../routing/build.ts";
import { eventually } from "../turns.ts";
import { plainTerms } from "../../routing/model/host-tls.ts";
import { certificateSet, hostDeclaration } from "./certificates.ts";
import { freePort } from "../ports.ts";
import { GrpcService, httpAuth, rateLimits, serveGuarded } from "./external-services.ts";
import type { RawClient } from "./client.ts";
import { endpointsOn, irisTo, plainFront, post, type Gateway, type GatewayOptions } from "./gateway.ts";
import { certPem, keyPem } from "./identity.ts";
import { Http2Origin } from "./http2-origin.ts";
import { answerEach, Origin, requestsIn } from "./origin.ts";

/** What a cause works with. */
export interface Bench {
  readonly gateway: Gateway;
  /** Serves `/seldon/prod/iris/`, and answers when told to. */
  readonly origin: Origin;
  readonly client: RawClient;
  /** Field lines that say in which form the client wants to be told. */
  readonly fields: string;
  /** Called when the row was seen. */
  readonly after: (call: () => unknown) => void;
}

export interface Cause {
  readonly options?: GatewayOptions;
  /** The failure comes before the fields are read: it is told in text. */
  readonly blind?: true;
  /** The answer had begun: there is no status, the client sees a cut. */
  readonly cut?: true;
  /** A gRPC call: its status is in the head. */
  readonly grpc?: true;
  /** The client comes by TLS. */
  readonly secure?: true;
  /** Nobody's exchange: there is no line in the access log. */
  readonly unlogged?: true;
  /** The gateway has no table yet. */
  readonly tableless?: true;
  cause(bench: Bench): void | Promise<void>;
}

const path = "/seldon/prod/iris/x";

/** The table says this of every request. */
function withFront({ gateway }: Bench, front: Partial<FrontSettings>, act: () => void): void {
  gateway.change({ settings: { ...plainSettings, front: { ...plainFront, ...front } } });
  act();
}

/** A POST that asks for the failure in the form of the bench. */
function ask({ client, fields }: Bench, body = "x", target = path): void {
  client.write(post(body, fields, target));
}

/** The origin does this when it has the whole request. */
function whenAsked({ origin }: Bench, act: (socket: Socket) => void): void {
  origin.behaviour = (connection) => {
    if (requestsIn(connection.text).length > 0) act(connection.socket);
  };
}

/** An HTTP/2 upstream that resets each stream with this code. */
async function resetBy(bench: Bench, code: number): Promise<void> {
  const origin = await new Http2Origin(({ stream }) => stream.close(code)).listen();
  bench.after(() => origin.close());
  bench.gateway.serveIris([origin.port], {}, { protocol: "http2" });
  ask(bench);
}

/** A listener in a thread that never accepts again once its port is told. */
const deafListener = `
const { createServer } = require('node:net');
const { parentPort } = require('node:worker_threads');
const server = createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});`;

/** A port whose backlog is full: the kernel drops whoever asks for a connection. */
async function fullBacklog(bench: Bench): Promise<number> {
  const worker = new Worker(deafListener, { eval: true });
  bench.after(() => worker.terminate());
  const [port] = (await once(worker, "message")) as [number];
  for (let fillers = 0; fillers < 64; fillers++) {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    bench.after(() => socket.destroy());
    const connected = await Promise.race([
      once(socket, "connect").then(() => true),
      new Promise<boolean>((resolve) => {
        setTimeout(() => resolve(false), 200);
      }),
    ]);
    if (!connected) return port;
  }
  throw new Error("the backlog does not fill");
}

/** A Mapping whose rewrite is by this regex, and a long path. */
function rewritten(bench: Bench, pattern: string, substitution: string): void {
  const iris = irisTo("iris");
  bench.gateway.serve(
    [{ ...iris, target: { ...iris.target, rewrite: { kind: "regex", pattern, substitution } } as typeof iris.target }],
    [upstreamOf("iris")],
    [endpointsOn("iris", [bench.origin.port])],
  );
  ask(bench, "x", `${path}${"a".repeat(5000)}`);
}

const withKeys: GatewayOptions = { policy: policyWith("keys") };

/** A request to what only this provider's clients may call. */
function guarded(bench: Bench, provider: string): void {
  bench.gateway.serve(
    [{ ...irisTo("iris"), guard: guardOf(provider) }],
    [upstreamOf("iris")],
    [endpointsOn("iris", [bench.origin.port])],
  );
  ask(bench);
}

/** A service that answers so. */
async function externalOrigin(bench: Bench, answer: string): Promise<Origin> {
  const service = await new Origin(answerEach(answer)).listen();
  bench.after(() => service.close());
  return service;
}

const labelled: ExternalPolicy = {
  bypassAuth: false,
  authContextExtensions: {},
  labels: [{ domain: "ambassador", labels: [{ kind: "generic", key: "generic_key", value: "a" }] }],
};

async function overLimit(bench: Bench, resourceExhausted: boolean): Promise<void> {
  const service = await GrpcService.rateLimit(() => ({ overall_code: "OVER_LIMIT" }));
  bench.after(() => service.close());
  serveGuarded(bench.gateway, bench.origin.port, {
    rateLimit: { ...rateLimits, resourceExhausted, timeoutMs: 5000 },
    limitsPort: service.port,
    target: { externalPolicy: labelled },
  });
  ask(bench);
}

const oneRequest: Breaker = {
  priority: "default",
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1,
  maxRetries: 3,
};

export const causes: Readonly<Record<keyof typeof failures, Cause>> = {
  underscoreName: {
    cause: (bench) =>
      withFront(bench, { underscores: "refuse" }, () =>
        bench.client.write(post("x", `x_a: 1\r\n${bench.fields}`, path)),
      ),
  },
  escapedSlash: {
    cause: (bench) => withFront(bench, { refusesEscapedSlashes: true }, () => ask(bench, "x", `${path}%2fy`)),
  },
  malformed: { cause: ({ client, fields }) => client.write(`GET ${path} HTTP/1.1\r\nHost: a, b\r\n${fields}\r\n`) },
  // DATA before SETTINGS.
  brokenRules: { cause: ({ client }) => client.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\0\0\0\0\0\x01") },
  notHttp: { blind: true, cause: ({ client }) => client.write("SSH2 hello there\r\n\r\n") },
  proxyHeader: {
    options: { proxyProtocol: { on: "plain", from: null } },
    cause: ({ client, fields }) => client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`),
  },
  proxyTimeout: {
    options: { proxyProtocol: { on: "plain", from: null }, limits: { headTimeoutMs: 100 } },
    cause: ({ client }) => client.write("PROXY TCP4 192.0.2.7"),
  },
  regexWork: {
    // Patterns of which none has a small automaton, and a text that repeats nothing.
    cause: (bench) => {
      const iris = irisTo("iris");
      const headers = Array.from({ length: 20 }, (_, index) => ({
        name: `x-${index}`,
        value: { kind: "regex", pattern: `.*a.{9${index % 10}}b|.*${index}` } as const,
      }));
      bench.gateway.serve(
        [{ ...iris, match: { ...iris.match, headers } }],
        [upstreamOf("iris")],
        [endpointsOn("iris", [bench.origin.port])],
      );
      const text = Array.from({ length: 560 }, (_, at) => "abc"[(Math.imul(at, at * 40503 + 17) >>> 11) & 1]).join("");
      bench.client.write(
        `GET ${path} HTTP/1.1\r\nHost: a\r\n${bench.fields}${headers.map(({ name }, index) => `${name}: ${text}${index}\r\n`).join("")}\r\n`,
      );
    },
  },
  unauthenticated: { options: withKeys, cause: (bench) => guarded(bench, "keys") },
  forbidden: {
    options: {
      steps: [requestStep("refusing", () => ({ kind: "fail", failure: failures.forbidden, detail: "not this one" }))],
    },
    cause: (bench) => ask(bench),
  },
  nobodyAdmitted: { options: withKeys, cause: (bench) => guarded(bench, "absent") },
  rateLimited: {
    cause: async (bench) => {
      bench.gateway.serve(
        [
          {
            ...irisTo("iris"),
            guard: { ...plainGuard, limits: [{ permits: 1, periodMs: 60_000, burst: 1, per: { kind: "all" } }] },
          },
        ],
        [upstreamOf("iris")],
        [endpointsOn("iris", [bench.origin.port])],
      );
      const first = await bench.gateway.open(false);
      bench.after(() => first.destroy());
      first.write(post("x", "", path));
      await eventually(() => requestsIn(bench.origin.text).length > 0, "the first at the model");
      ask(bench);
    },
  },
  sharesUnavailable: {
    options: {
      steps: [requestStep("refusing", () => ({ kind: "fail", failure: failures.sharesUnavailable, detail: "" }))],
    },
    cause: (bench) => ask(bench),
  },
  identityUnavailable: { options: { policy: null }, cause: (bench) => ask(bench) },
  rewriteTooLong: { cause: (bench) => rewritten(bench, "[^/]", "x".repeat(1000)) },
  rewriteTooExpensive: { cause: (bench) => rewritten(bench, "(a)(.{0,50}.*.*z)?", "b") },
  pathClimbs: {
    cause: (bench) => {
      const iris = irisTo("iris");
      bench.gateway.serve(
        [
          {
            ...iris,
            match: { ...iris.match, path: { kind: "prefix", prefix: "/seldon/prod/iris", caseSensitive: true } },
          },
        ],
        [upstreamOf("iris")],
        [endpointsOn("iris", [bench.origin.port])],
      );
      ask(bench, "x", "/seldon/prod/iris../secret");
    },
  },
  methodRefused: { cause: ({ client, fields }) => client.write(`TRACE ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`) },
  lineTooLong: {
    blind: true,
    cause: ({ client }) => client.write(`GET /${"a".repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`),
  },
  headTooLarge: {
    blind: true,
    cause: ({ client }) => client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n${"x: 1\r\n".repeat(101)}\r\n`),
  },
  bodyTooLarge: { options: { limits: { bodyBytes: 10 } }, cause: (bench) => ask(bench, "eleven here") },
  unknownExpectation: {
    cause: ({ client, fields }) => client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n${fields}\r\n`),
  },
  malformedBody: {
    cause: ({ client, fields }) =>
      client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n${fields}\r\nx\r\n`),
  },
  malformedText: {
    blind: true,
    grpc: true,
    cause: ({ client }) =>
      client.write(
        `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc-web-text\r\nAccept: application/grpc-web\r\nContent-Length: 4\r\n\r\n!!!!`,
      ),
  },
  upgradeRefused: {
    cause: ({ client, fields }) =>
      client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n${fields}\r\n`),
  },
  misdirected: {
    secure: true,
    cause: (bench) => {
      const client = { caPem: certPem, crlPem: null, required: true };
      bench.gateway.plane.setCertificates(
        certificateSet([
          hostDeclaration(
            "asked",
            ["gateway"],
            { certPem, keyPem },
            { terms: { ...plainTerms, client }, clientName: "ca" },
          ),
        ]),
      );
      ask(bench);
    },
  },
  tlsNeeded: {
    grpc: true,
    cause: ({ gateway, client }) => {
      gateway.plane.setCertificates(
        certificateSet([hostDeclaration("secure", ["gateway"], { certPem, keyPem }, { cleartext: "redirect" })]),
      );
      client.write(
        `POST /seldon.protos.Seldon/Predict HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/grpc-web\r\nContent-Length: 0\r\n\r\n`,
      );
    },
  },
  headTimeout: {
    blind: true,
    options: { limits: { headTimeoutMs: 100 } },
    cause: ({ client }) => client.write("GET /x"),
  },
  bodyTimeout: {
    options: { limits: { bodyIdleTimeoutMs: 100 } },
    cause: ({ client, fields }) =>
      client.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n${fields}\r\nhalf`),
  },
  clientGone: {
    cause: async (bench) => {
      ask(bench);
      await eventually(() => requestsIn(bench.origin.text).length === 1, "the request at the origin");
      bench.client.destroy();
    },
  },
  clientEnded: {
    options: { limits: { halfClosedIdleMs: 100 } },
    cut: true,
    cause: async (bench) => {
      whenAsked(bench, (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"));
      ask(bench);
      await bench.client.until(({ text }) => text.endsWith("half"));
      bench.client.socket.end();
    },
  },
  clientStalled: {
    options: { limits: { writeStallTimeoutMs: 200 } },
    cut: true,
    cause: (bench) => {
      const body = "y".repeat(20_000_000);
      whenAsked(bench, (socket) => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`));
      bench.client.socket.pause();
      ask(bench);
    },
  },
  connectionLimit: {
    options: { limits: { connections: 1 } },
    unlogged: true,
    cause: async ({ gateway, client }) => {
      const second = await gateway.open(false);
      await second.until(() => second.ended || second.closed);
      client.destroy();
    },
  },
  addressRefused: {
    cause: (bench) => {
      const iris = irisTo("iris");
      bench.gateway.serve(
        [{ ...iris, guard: { ...iris.guard, deny: ["127.0.0.0/8"] } }],
        [upstreamOf("iris")],
        [endpointsOn("iris", [bench.origin.port])],
      );
      ask(bench);
    },
  },
  authDenied: {
    cause: async (bench) => {
      const service = await externalOrigin(bench, "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n");
      serveGuarded(bench.gateway, bench.origin.port, { auth: httpAuth, authPort: service.port });
      ask(bench);
    },
  },
  authUnavailable: {
    cause: async (bench) => {
      serveGuarded(bench.gateway, bench.origin.port, { auth: httpAuth, authPort: await freePort() });
      ask(bench);
    },
  },
  authUnreadable: {
    cause: (bench) => {
      serveGuarded(bench.gateway, bench.origin.port, { auth: "closed" });
      ask(bench);
    },
  },
  limitReached: { cause: (bench) => overLimit(bench, false) },
  limitExhausted: { cause: (bench) => overLimit(bench, true) },
  limitsUnavailable: {
    cause: async (bench) => {
      serveGuarded(bench.gateway, bench.origin.port, {
        rateLimit: { ...rateLimits, failureModeDeny: true },
        limitsPort: await freePort(),
        target: { externalPolicy: labelled },
      });
      ask(bench);
    },
  },
  limitsUnreadable: {
    cause: (bench) => {
      serveGuarded(bench.gateway, bench.origin.port, { rateLimit: "closed", target: { externalPolicy: labelled } });
      ask(bench);
    },
  },
  noRoute: { cause: (bench) => ask(bench, "x", "/nowhere") },
  namespaceNeeded: {
    grpc: true,
    cause: ({ gateway, client, fields }) => {
      const iris = irisTo("iris");
      const headers = [named("seldon", is("iris")), named("namespace", is("prod"))];
      gateway.serve([{ ...iris, match: { ...iris.match, path: { kind: "grpc" }, headers } }], [upstreamOf("iris")], []);
      client.write(
        `POST /seldon.protos.Seldon/Predict HTTP/1.1\r\nHost: a\r\nSeldon: iris\r\nContent-Length: 0\r\nContent-Type: application/grpc\r\n${fields}\r\n`,
      );
    },
  },
  notRead: { tableless: true, cause: (bench) => ask(bench) },
  allWeightsZero: {
    cause: (bench) => {
      const iris = irisTo("iris");
      bench.gateway.serve(
        [{ ...iris, role: { ...iris.role, weight: 0, share: 0 } as Mapping["role"] }],
        [upstreamOf("iris")],
        [endpointsOn("iris", [bench.origin.port])],
      );
      ask(bench);
    },
  },
  onlyShadows: {
    cause: (bench) => {
      const shadow: Mapping = { ...irisTo("iris"), role: { kind: "shadow", percent: 100 } };
      bench.gateway.serve([shadow], [upstreamOf("iris")], [endpointsOn("iris", [bench.origin.port])]);
      ask(bench);
    },
  },
  noHealthyUpstream: {
    cause: (bench) => {
      bench.gateway.serveIris([]);
      ask(bench);
    },
  },
  noAddress: {
    options: { limits: { connectTimeoutMs: 100 } },
    cause: (bench) => {
      // A name that nobody resolves.
      bench.gateway.serve(
        [irisTo("named")],
        [upstreamOf("named", "iris.invalid")],
        [{ key: "named", ready: true, endpoints: [] }],
      );
      ask(bench);
    },
  },
  overflow: {
    cause: async (bench) => {
      bench.gateway.serveIris([bench.origin.port], {}, { breakers: [oneRequest] });
      const first = await bench.gateway.open(false);
      bench.after(() => first.destroy());
      first.write(post("first"));
      await eventually(() => requestsIn(bench.origin.text).length === 1, "the first request at the origin");
      ask(bench);
    },
  },
  connectRefused: {
    cause: async (bench) => {
      bench.gateway.serveIris([await freePort()]);
      ask(bench);
    },
  },
  connectTimeout: {
    options: { limits: { connectTimeoutMs: 200 } },
    cause: async (bench) => {
      bench.gateway.serveIris([await fullBacklog(bench)]);
      ask(bench);
    },
  },
  upstreamClosed: {
    cause: (bench) => {
      whenAsked(bench, (socket) => socket.resetAndDestroy());
      ask(bench);
    },
  },
  upstreamCut: {
    cut: true,
    cause: (bench) => {
      whenAsked(bench, (socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"));
      ask(bench);
    },
  },
  upstreamProtocol: {
    cause: (bench) => {
      whenAsked(bench, (socket) =>
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
      );
      ask(bench);
    },
  },
  upstreamReset: { cause: (bench) => resetBy(bench, constants.NGHTTP2_INTERNAL_ERROR) },
  upstreamRefused: { cause: (bench) => resetBy(bench, constants.NGHTTP2_REFUSED_STREAM) },
  upstreamCancelled: { cause: (bench) => resetBy(bench, constants.NGHTTP2_CANCEL) },
  upstreamOverloaded: { cause: (bench) => resetBy(bench, constants.NGHTTP2_ENHANCE_YOUR_CALM) },
  upstreamTimeout: {
    cause: (bench) => {
      bench.gateway.serveIris([bench.origin.port], { timeout: { ms: 100, setBy: null } });
      ask(bench);
    },
  },
  streamIdle: {
    cause: (bench) => {
      bench.gateway.serveIris([bench.origin.port], {
        timeout: { ms: 0, setBy: "x" },
        idleTimeout: { ms: 100, setBy: "Mapping prod/x idle_timeout_ms" },
      });
      ask(bench);
    },
  },
  fault: {
    cause: (bench) => {
      // A bug of the gateway itself, met while an answer is read.
      const planted = vi.spyOn(EndpointPool.prototype, "answered").mockImplementationOnce(() => {
        throw new Error("planted");
      });
      bench.after(() => planted.mockRestore());
      whenAsked(bench, (socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"));
      ask(bench);
    },
  },
};
