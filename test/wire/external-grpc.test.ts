// Authorization and limits over gRPC: `envoy.service.auth.v3` and `envoy.service.ratelimit.v3`, on servers of grpc-js with the published protos.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ExternalPolicy } from "../../routing/model/mapping.ts";
import type { LabelGroup } from "../../routing/model/rate-limit-labels.ts";
import { framed } from "../../gateway/edge/message/grpc-message.ts";
import { eventually } from "../turns.ts";
import { fieldOf, type RawClient, type WireAnswer } from "./client.ts";
import { freePort } from "../ports.ts";
import { grpcAuth, GrpcService, rateLimits, serveGuarded, type Judge } from "./external-services.ts";
import { Gateway, post, transports } from "./gateway.ts";
import { Http2Client, type Http2Reply } from "./http2-client.ts";
import { Http2Origin } from "./http2-origin.ts";
import { answerEach, Origin, requestsIn } from "./origin.ts";

let gateway: Gateway;
let origin: Origin;
let service: GrpcService | null = null;
let client: RawClient;

const plain: ExternalPolicy = { bypassAuth: false, authContextExtensions: {}, labels: null };

async function answerTo(request: string): Promise<WireAnswer> {
  client.write(request);
  return (await gateway.during(client.answers(1)))[0]!;
}

async function authorize(
  judge: Judge,
  more: Partial<typeof grpcAuth> = {},
  policy: Partial<ExternalPolicy> = {},
): Promise<GrpcService> {
  service = await GrpcService.auth(judge);
  serveGuarded(gateway, origin.port, {
    auth: { ...grpcAuth, ...more },
    authPort: service.port,
    target: { externalPolicy: { ...plain, ...policy } },
  });
  return service;
}

async function limit(
  judge: Judge,
  labels: readonly LabelGroup[],
  more: Partial<typeof rateLimits> = {},
): Promise<GrpcService> {
  service = await GrpcService.rateLimit(judge);
  serveGuarded(gateway, origin.port, {
    rateLimit: { ...rateLimits, timeoutMs: 5000, ...more },
    limitsPort: service.port,
    target: { externalPolicy: { ...plain, labels } },
  });
  return service;
}

async function open(secure: boolean): Promise<void> {
  gateway = await new Gateway().listen();
  client = await gateway.open(secure);
}

/** Of a unary call. */
async function grpcReply(): Promise<Http2Reply> {
  const caller = await Http2Client.open(gateway, false);
  const stream = caller.start({
    ":method": "POST",
    ":path": "/seldon/prod/iris/x",
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.end(framed(0, Buffer.from("x")));
  const reply = await gateway.during(caller.reply(stream));
  caller.destroy();
  return reply;
}

const sets = (key: string, value: string, more: object = {}): object => ({ header: { key, value }, ...more });
const generic: LabelGroup = { domain: "ambassador", labels: [{ kind: "generic", key: "generic_key", value: "heavy" }] };

beforeEach(async () => {
  origin = await new Origin(answerEach("HTTP/1.1 200 OK\r\nserver: model\r\ncontent-length: 2\r\n\r\nok")).listen();
});

afterEach(async () => {
  client.destroy();
  await gateway.goOnUntil(() => gateway.counted("inFlight") === 0, "nothing in flight");
  expect([gateway.counted("externalInFlight"), gateway.counted("heldBytes")]).toEqual([0, 0]);
  gateway.close();
  service?.close();
  service = null;
  await origin.close();
});

describe.each(transports)("authorization over %s", (_name, secure) => {
  beforeEach(() => open(secure));

  test("the service is told all of the request, the address of its client, and what its Mapping says to it", async () => {
    const { requests } = await authorize(() => ({}), {}, { authContextExtensions: { tier: "gold" } });
    expect(
      (await answerTo(post("ab", "X-A: 1\r\nX-A: 2\r\nX-Forwarded-For: 6.6.6.6\r\n", "/seldon/prod/iris/p?q=1")))
        .status,
    ).toBe(200);
    const scheme = secure ? "https" : "http";
    const headers = {
      ":method": "POST",
      ":path": "/seldon/prod/iris/p?q=1",
      ":authority": "gateway",
      ":scheme": scheme,
      "x-a": "1,2",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": scheme,
      "x-forwarded-host": "gateway",
    };
    expect(requests).toEqual([
      {
        attributes: {
          source: { address: { socket_address: { address: "127.0.0.1" } } },
          request: {
            time: { seconds: expect.closeTo(Date.now() / 1000, -3), nanos: expect.any(Number) },
            http: {
              method: "POST",
              path: "/seldon/prod/iris/p?q=1",
              host: "gateway",
              scheme,
              protocol: "HTTP/1.1",
              size: 2,
              headers,
            },
          },
          context_extensions: { tier: "gold" },
        },
      },
    ]);
  });

  test("headers of the request are set, appended and taken out, and so are those of the answer", async () => {
    await authorize(() => ({
      ok_response: {
        headers: [
          sets("X-User", "ann"),
          sets("x-a", "2", { append: { value: true } }),
          sets(":path", "/stolen"),
          sets("content-length", "9"),
        ],
        headers_to_remove: ["authorization", "x-gone"],
        query_parameters_to_remove: ["token"],
        response_headers_to_add: [
          sets("x-seen", "yes"),
          sets("server", "hidden", { append_action: "OVERWRITE_IF_EXISTS" }),
          sets("x-none", "a", { append_action: "OVERWRITE_IF_EXISTS" }),
          sets("x-new", "b", { append_action: "ADD_IF_ABSENT" }),
          sets("server", "c", { append_action: "ADD_IF_ABSENT" }),
        ],
      },
    }));
    const answer = await answerTo(
      post(
        "ab",
        "X-User: root\r\nx_user: root\r\nX-A: 1\r\nAuthorization: t\r\nX-Gone: 1\r\n",
        "/seldon/prod/iris/p?token=t&q=1",
      ),
    );
    const [request] = requestsIn(origin.text);
    expect(request!.toLowerCase().match(/^(?:post|x[-_](?:user|a|gone)|authorization|content-length)\b.*$/gm)).toEqual([
      "post /p?q=1 http/1.1",
      "x-a: 1",
      "x-user: ann",
      "x-a: 2",
      "content-length: 2",
    ]);
    expect(
      answer.head
        .toLowerCase()
        .match(/^(?:x-(?:seen|none|new)|server): .*$/gm)
        ?.toSorted(),
    ).toEqual(["server: hidden", "x-new: b", "x-seen: yes"]);
  });

  test("a refusal with status, headers and body of the service's; without any it is 403", async () => {
    const { requests } = await authorize(() => ({
      status: { code: 16 },
      denied_response: {
        status: { code: 401 },
        headers: [sets("www-authenticate", "Bearer"), sets("Content-Type", "application/json")],
        body: '{"no":1}',
      },
    }));
    const answer = await answerTo(post("x"));
    expect([
      answer.status,
      answer.body,
      fieldOf(answer, "www-authenticate"),
      fieldOf(answer, "content-type"),
      origin.text,
      gateway.flagged("UAEX"),
    ]).toEqual([401, '{"no":1}', "Bearer", "application/json", "", 1]);
    service!.judge = () => ({ status: { code: 7 } });
    client.write(post("x"));
    expect((await gateway.during(client.answers(2)))[1]!.status).toBe(403);
    expect(requests).toHaveLength(2);
  });

  test.each([204, 205, 304])(
    "a refusal with status %i has no body: what the service wrote as one is nobody's next answer",
    async (code) => {
      await authorize(() => ({
        status: { code: 7 },
        denied_response: { status: { code }, body: "HTTP/1.1 200 OK\r\n\r\n" },
      }));
      const answer = await answerTo(post("x"));
      expect([
        answer.status,
        fieldOf(answer, "content-length"),
        client.text.slice(client.text.indexOf("\r\n\r\n") + 4),
      ]).toEqual([code, code === 205 ? "0" : null, ""]);
      const caller = await Http2Client.open(gateway, secure);
      const stream = caller.start({ ":method": "POST", ":path": "/seldon/prod/iris/x" });
      stream.end("x");
      const reply = await gateway.during(caller.reply(stream));
      expect([reply.headers[":status"], reply.body.length]).toEqual([code, 0]);
      caller.destroy();
    },
  );

  test("the body goes as a text, or where it is none as bytes", async () => {
    const { requests } = await authorize(() => ({}), { body: { maxBytes: 4, allowPartial: true } });
    client.write(post("abcd") + post("\xff\xfe") + post("abcde"));
    await gateway.during(client.answers(3));
    expect(
      requests.map((request) => {
        const { http } = (
          request as {
            attributes: { request: { http: { body?: string; raw_body?: Buffer; headers: Record<string, string> } } };
          }
        ).attributes.request;
        return [http.body, http.raw_body, http.headers["x-envoy-auth-partial-body"]];
      }),
    ).toEqual([
      ["abcd", undefined, "false"],
      [undefined, Buffer.from([0xff, 0xfe]), "false"],
      ["abcd", undefined, "true"],
    ]);
    expect(requestsIn(origin.text).map((request) => request.slice(request.indexOf("\r\n\r\n") + 4))).toEqual([
      "abcd",
      "\xff\xfe",
      "abcde",
    ]);
  });
});

describe("a gRPC service that does not say", () => {
  beforeEach(() => open(false));

  test.each<[string, Judge, RegExp]>([
    ["UNAVAILABLE", () => 14, /UNAVAILABLE/],
    ["UNIMPLEMENTED", () => 12, /UNIMPLEMENTED/],
    [
      "a header that breaks its line",
      () => ({ ok_response: { headers: [sets("x-a", "b\r\nx-admin: 1")] } }),
      /no field can hold/,
    ],
    [
      "too many headers",
      () => ({ ok_response: { headers: Array.from({ length: 101 }, (_, index) => sets(`x-${index}`, "a")) } }),
      /more than 100/,
    ],
    [
      "a query that it adds to",
      () => ({ ok_response: { query_parameters_to_set: [{ key: "a", value: "b" }] } }),
      /query/,
    ],
  ])("%s is 403", async (_what, judge, reason) => {
    await authorize(judge);
    const answer = await answerTo(post("x"));
    expect([answer.status, origin.text]).toEqual([403, ""]);
    expect(answer.body).toMatch(reason);
  });

  test.each([
    ["no protobuf", framed(0, Buffer.from([0x0a, 0x05, 0x01]))],
    ["two messages", Buffer.concat([framed(0, Buffer.alloc(0)), framed(0, Buffer.alloc(0))])],
    ["a compressed message", framed(1, Buffer.alloc(0))],
    ["half a message", framed(0, Buffer.alloc(9)).subarray(0, 7)],
    ["more than it may", framed(0, Buffer.alloc(65_536))],
  ])("%s is 403", async (_what, body) => {
    const peer = await new Http2Origin(({ stream }) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(body);
    }).listen();
    serveGuarded(gateway, origin.port, { auth: grpcAuth, authPort: peer.port });
    expect((await answerTo(post("x"))).status).toBe(403);
    expect(origin.text).toBe("");
    peer.close();
  });

  test("a hundred headers are done", async () => {
    await authorize(() => ({
      ok_response: { headers: Array.from({ length: 100 }, (_, index) => sets(`x-${index}`, "a")) },
    }));
    expect((await answerTo(post("x"))).status).toBe(200);
    expect(origin.text.match(/^x-\d+: a\r$/gm)).toHaveLength(100);
  });

  test("a caller of gRPC is told by its own means", async () => {
    await authorize(() => ({
      status: { code: 16 },
      denied_response: {
        status: { code: 401 },
        headers: [sets("x-why", "no"), sets("grpc-status", "0")],
        body: "who are you",
      },
    }));
    const reply = await grpcReply();
    expect([
      reply.headers[":status"],
      reply.headers["grpc-status"],
      reply.headers["grpc-message"],
      reply.headers["x-why"],
    ]).toEqual([200, "16", "who are you", "no"]);
  });
});

describe("limits", () => {
  beforeEach(() => open(false));

  test("descriptors of its domain's labels are told; a header that is missing drops its group unless it may", async () => {
    const user = (optional: boolean): LabelGroup => ({
      domain: "ambassador",
      labels: [
        { kind: "generic", key: "kind", value: String(optional) },
        { kind: "header", key: "user", header: "x-user", optional },
      ],
    });
    const { requests } = await limit(
      () => ({ overall_code: "OK" }),
      [
        generic,
        user(false),
        user(true),
        {
          domain: "ambassador",
          labels: [{ kind: "remote-address" }, { kind: "source-cluster" }, { kind: "destination-cluster" }],
        },
        { domain: "other", labels: generic.labels },
      ],
    );
    client.write(post("x") + post("x", "X-User: ann\r\n"));
    await gateway.during(client.answers(2));
    const told = requests.map((request) => [
      request["domain"],
      (request["descriptors"] as { entries: { key: string; value: string }[] }[]).map(({ entries }) =>
        entries.map(({ key, value }) => `${key}=${value}`).join(" "),
      ),
    ]);
    const clusters = "remote_address=127.0.0.1 source_cluster=default-ambassador destination_cluster=iris";
    expect(told).toEqual([
      ["ambassador", ["generic_key=heavy", "kind=true", clusters]],
      ["ambassador", ["generic_key=heavy", "kind=false user=ann", "kind=true user=ann", clusters]],
    ]);
  });

  test.each([
    ["models", ["Models"], 500],
    ["team-a", ["team_a"], 500],
    ["team.a", ["TeamA"], 500],
    ["models", ["models", "MODELS"], 500],
    ["models", ["model"], 200],
    ["team-a", ["team-b"], 200],
    ["-", ["_"], 500],
  ])("the service has the domain %s, and the labels are of %j: %i", async (domain, domains, status) => {
    const { requests } = await limit(
      () => ({ overall_code: "OK" }),
      domains.map((one) => ({ ...generic, domain: one })),
      { domain, failureModeDeny: false },
    );
    const answer = await answerTo(post("x"));
    expect([answer.status, requests.length]).toEqual([status, 0]);
    if (status === 500) expect(answer.body).toMatch(/rate limit service is unavailable: .*labels/);
  });

  test("no descriptor, no question", async () => {
    const { requests } = await limit(
      () => ({ overall_code: "OVER_LIMIT" }),
      [{ domain: "ambassador", labels: [{ kind: "header", key: "user", header: "x-user", optional: false }] }],
    );
    expect((await answerTo(post("x"))).status).toBe(200);
    expect(requests).toEqual([]);
  });

  test.each([":authority", "host"])(
    "a request that names no host is limited by a label of %s all the same, as one host",
    async (header) => {
      const { requests } = await limit(
        () => ({ overall_code: "OVER_LIMIT" }),
        [{ domain: "ambassador", labels: [{ kind: "header", key: "host", header, optional: false }] }],
      );
      const { status } = await answerTo("GET /seldon/prod/iris/p HTTP/1.0\r\n\r\n");
      expect([status, origin.text]).toEqual([429, ""]);
      expect(requests).toMatchObject([{ descriptors: [{ entries: [{ key: "host", value: "unknown" }] }] }]);
    },
  );

  test("what the gateway says of its own answer is said once", async () => {
    await limit(
      () => ({
        overall_code: "OVER_LIMIT",
        response_headers_to_add: ["content-type", "x-request-id", "date", "grpc-status"].map((key) => ({
          key,
          value: "application/x",
        })),
      }),
      [generic],
    );
    const over = await answerTo(post("x"));
    expect([over.status, over.head.match(/\r\n(?:content-type|x-request-id|date|grpc-status):/gi)!.length]).toEqual([
      429, 3,
    ]);
    expect(over.head).not.toContain("application/x");
  });

  test("over the limit: 429 with the fields of the service; within it, its fields on both ways", async () => {
    await limit(
      () => ({
        overall_code: "OVER_LIMIT",
        response_headers_to_add: [{ key: "X-RateLimit-Reset", value: "7" }],
        raw_body: Buffer.from("slow down"),
      }),
      [generic],
    );
    const over = await answerTo(post("x"));
    expect([
      over.status,
      over.body,
      fieldOf(over, "x-ratelimit-reset"),
      fieldOf(over, "x-envoy-ratelimited"),
      gateway.flagged("RL"),
      origin.text,
    ]).toEqual([429, "slow down", "7", "true", 1, ""]);
    service!.judge = () => ({
      overall_code: "OK",
      response_headers_to_add: [{ key: "x-ratelimit-remaining", value: "3" }],
      request_headers_to_add: [{ key: "x-left", value: "3" }],
    });
    client.write(post("x", "X-Left: 1000\r\n"));
    const within = (await gateway.during(client.answers(2)))[1]!;
    expect([within.status, fieldOf(within, "x-ratelimit-remaining")]).toEqual([200, "3"]);
    expect(requestsIn(origin.text)[0]!.match(/^x-left: .*$/gim)).toEqual(["x-left: 3"]);
  });

  test.each([
    [false, "14"],
    [true, "8"],
  ])("a caller of gRPC over its limit, use_resource_exhausted_code %s: %s", async (resourceExhausted, status) => {
    await limit(() => ({ overall_code: "OVER_LIMIT" }), [generic], { resourceExhausted });
    const reply = await grpcReply();
    expect(reply.headers["grpc-status"]).toBe(status);
  });

  test.each([
    [false, 200],
    [true, 500],
  ])("away, failure_mode_deny %s: %i", async (failureModeDeny, status) => {
    serveGuarded(gateway, origin.port, {
      rateLimit: { ...rateLimits, failureModeDeny },
      limitsPort: await freePort(),
      target: { externalPolicy: { ...plain, labels: [generic] } },
    });
    expect((await answerTo(post("x"))).status).toBe(status);
    expect(gateway.flagged("RLSE")).toBe(failureModeDeny ? 1 : 0);
  });

  test("stuck: it gets its 20 ms, and the request goes on", async () => {
    await limit(() => null, [generic], { timeoutMs: 20 });
    client.write(post("x"));
    await eventually(() => service!.requests.length === 1, "the question");
    await gateway.advance(10);
    expect(origin.text).toBe("");
    await gateway.advance(20);
    expect((await gateway.during(client.answers(1)))[0]!.status).toBe(200);
  });
});
