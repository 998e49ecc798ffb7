// Peers behind the names of external services that speak no such protocol, or do not end: the caller is refused as if nobody were there, by the gateway's own
// timer at the latest, and other deployments are served meanwhile.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tokenMs, TokenSigner } from "../../gateway/callers/oauth-token.ts";
import type { ExternalPolicy } from "../../routing/model/mapping.ts";
import { redisAt } from "../redis-server.ts";
import { eventually } from "../turns.ts";
import type { RawClient } from "./client.ts";
import { http1Peers, http2Peers, redisGreeting, redisPeers, type Peer } from "./endless-peers.ts";
import { grpcAuth, httpAuth, rateLimits, serveGuarded, type Guarding } from "./external-services.ts";
import { Gateway, irisTo, post, type GatewayOptions } from "./gateway.ts";
import { oauthClient } from "./oauth-clients.ts";
import { Origin, type OriginConnection } from "./origin.ts";

const timeoutMs = 700;
const stepMs = 50;

const plain: ExternalPolicy = { bypassAuth: false, authContextExtensions: {}, labels: null };
const labelled: ExternalPolicy = {
  ...plain,
  labels: [{ domain: "ambassador", labels: [{ kind: "generic", key: "generic_key", value: "heavy" }] }],
};

interface Service {
  readonly name: string;
  readonly peers: Readonly<Record<string, Peer>>;
  readonly guarding?: (port: number) => Guarding;
  readonly options?: (port: number) => GatewayOptions;
  /** What the peer answers as its protocol wants it. */
  readonly proper?: (text: string) => string | null;
  /** What makes the gateway ask it. */
  readonly question: string;
  /** The caller's answer. */
  readonly status: number;
  /** A peer that does not answer loses its connection. */
  readonly givenUp: boolean;
}

const called = { question: post("x"), givenUp: false };
const iris = oauthClient("prod", "iris", "iris-key", "iris-secret");
const oauthKeys = [new Uint8Array(32).fill(1)];
/** Nobody but Redis knows whether it is revoked. */
const token = new TokenSigner(oauthKeys).sign(iris, Date.now() + tokenMs);
const withToken = {
  question: post("{}", `Authorization: Bearer ${token}\r\n`, "/api/v1.0/predictions"),
  givenUp: true,
};
const onRedis = (port: number): GatewayOptions => ({ redis: redisAt(port), oauth: [iris], oauthKeys });

const services: readonly Service[] = [
  {
    ...called,
    name: "an AuthService of HTTP",
    peers: http1Peers,
    guarding: (authPort) => ({ auth: { ...httpAuth, timeoutMs }, authPort }),
    status: 403,
  },
  {
    ...called,
    name: "an AuthService of gRPC",
    peers: http2Peers,
    guarding: (authPort) => ({ auth: { ...grpcAuth, timeoutMs }, authPort }),
    status: 403,
  },
  ...[true, false].map((failureModeDeny): Service => ({
    ...called,
    name: `a RateLimitService, failure_mode_deny ${failureModeDeny}`,
    peers: http2Peers,
    guarding: (limitsPort) => ({
      rateLimit: { ...rateLimits, timeoutMs, failureModeDeny },
      limitsPort,
      target: { externalPolicy: labelled },
    }),
    status: failureModeDeny ? 500 : 200,
  })),
  { ...withToken, name: "a Redis of revoked tokens", peers: redisPeers, options: onRedis, status: 503 },
  {
    ...withToken,
    name: "a Redis of revoked tokens that greets",
    peers: redisPeers,
    options: onRedis,
    proper: redisGreeting,
    status: 503,
  },
];

describe.each(services)("$name", ({ peers, guarding, options, proper, question, status, givenUp }) => {
  let gateway: Gateway;
  let model: Origin;
  let service: Origin;
  let client: RawClient;
  let behind: Peer;
  /** Connections on which the peer is what it is. */
  let met: OriginConnection[];

  beforeEach(async () => {
    met = [];
    model = await new Origin().listen();
    service = await new Origin((connection) => {
      if (met.includes(connection)) return;
      const text = proper?.(connection.text) ?? null;
      connection.text = "";
      if (text !== null) return void connection.socket.write(text);
      met.push(connection);
      connection.socket.write(behind.first);
      if (behind.ends) connection.socket.end();
    }).listen();
  });
  afterEach(async () => {
    client.destroy();
    await gateway.goOnUntil(() => gateway.counted("inFlight") === 0, "nothing in flight");
    expect([gateway.counted("externalInFlight"), gateway.counted("heldBytes"), gateway.faults]).toEqual([0, 0, 0]);
    gateway.close();
    await Promise.all([model.close(), service.close()]);
  });

  const drip = (): void => {
    for (const { socket } of met) if (behind.drop !== "" && socket.writable) socket.write(behind.drop);
  };

  test.each(Object.keys(peers))("that %s", async (name) => {
    behind = peers[name]!;
    gateway = new Gateway(options?.(service.port));
    // A worker waits some time for Redis before it serves.
    await gateway.during(gateway.listen());
    client = await gateway.open(false);
    const free = {
      ...irisTo("iris", { externalPolicy: { ...plain, bypassAuth: true } }),
      id: "free",
      match: {
        ...irisTo("iris").match,
        path: { kind: "prefix", prefix: "/seldon/prod/free/", caseSensitive: true } as const,
      },
    };
    serveGuarded(gateway, model.port, { ...guarding?.(service.port), mappings: [free] });
    if (proper !== undefined) await eventually(() => gateway.counted("redisReady") === 1, "the greeting");
    client.write(question);
    await eventually(() => met.length > 0, "the question");
    expect((await gateway.ask(false, post("x", "", "/seldon/prod/free/p"))).status).toBe(200);
    for (let ms = 0; ms < timeoutMs + 2 * stepMs && client.text === ""; ms += stepMs) {
      drip();
      await gateway.advance(stepMs);
    }
    expect((await client.answers(1))[0]!.status).toBe(status);
    expect(model.text.match(/POST \//g)).toHaveLength(status === 200 ? 2 : 1);
    if (!givenUp) return;
    const dripping = setInterval(drip, stepMs);
    try {
      await gateway.goOnUntil(() => met[0]!.closed, "the end of the connection");
    } finally {
      clearInterval(dripping);
    }
  });
});
