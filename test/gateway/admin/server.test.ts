import {
  mostAheadMs,
  tokenClient,
  tokenLength,
  tokenMs,
  TokenSigner,
  type Revocation,
} from "../../../gateway/callers/oauth-token.ts";
import type { RevokedAnswer } from "../../../gateway/shared/messages.ts";
import { oauthClient } from "../../wire/oauth-clients.ts";
import { noPolicy, type CallPolicy } from "../../../gateway/callers/call-policy.ts";
import type { TokenRevoker } from "../../../gateway/admin/endpoint.ts";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tableOf } from "../../routing/build.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import type { Series } from "../../../routing/model/mapping.ts";
import type { AdminServer } from "../../../gateway/admin/server.ts";
import { startedAdmin, viewOf } from "./admin-stage.ts";
import { nothingMeasured } from "./nothing-measured.ts";
import type { AdminView } from "../../../gateway/admin/view/view.ts";
import type { CountedView, SeenEndpoint } from "../../../gateway/api/counted.ts";
import { CounterBlock, blockBytes, httpColumn } from "../../../gateway/shared/memory/counters.ts";
import { metrics } from "../../../gateway/shared/metrics/all.ts";
import { fixed } from "../../../gateway/shared/metrics/fixed.ts";
import { shadowOutcomes } from "../../../gateway/shared/metrics/series.ts";
import { maxExplainBytes } from "../../../gateway/admin/endpoints/explain-request.ts";
import { askJudged } from "./judged-answer.ts";
import { mappingOf, seriesOf } from "../fixtures.ts";
import { guardOf, keysProvider } from "../../policies.ts";

const problem: Problem = {
  code: "bad-value",
  level: "warning",
  subject: { kind: "SeldonDeployment", namespace: "prod", name: "iris" },
  field: "x",
  sentence: "wrong.",
};

type Changing<Whole> = { -readonly [name in keyof Whole]: Whole[name] };
const view: Changing<Omit<AdminView, "counted">> & { counted: Changing<CountedView> } = {
  ...viewOf([], [problem, problem]),
  counted: { ...nothingMeasured },
  ready: false,
  serving: 2,
};

let base: CounterBlock;
let first: CounterBlock;
let second: CounterBlock;
let admin: AdminServer;
let turns = true;
let revoker: TokenRevoker | null = null;
let policy: CallPolicy = noPolicy;
let policyProblems: readonly Problem[] = [];

async function start(host: string, token: string | null): Promise<AdminServer> {
  return startedAdmin([], [], {
    admin: { host, port: 0, token, hosts: ["sluice-admin"], viewers: "policy" },
    view,
    blocks: [base.cells, first.cells, second.cells],
    countedClients: () => 7,
    policy: () => policy,
    policyProblems: () => policyProblems,
    workers: 2,
    revoker,
    turns: () => turns,
  });
}

async function get(
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string; type: string }> {
  const response = await askJudged(admin.port, path, { headers });
  return { status: response.status, text: await response.text(), type: response.headers.get("content-type") ?? "" };
}

beforeEach(async () => {
  [base, first, second] = [1, 2, 3].map(() => new CounterBlock(new SharedArrayBuffer(blockBytes()))) as [
    CounterBlock,
    CounterBlock,
    CounterBlock,
  ];
  view.counted.usedSlots = [];
  view.ready = false;
  admin = await start("127.0.0.1", null);
});
afterEach(() => admin.close());

describe("health", () => {
  test("alive always, ready when the gateway is", async () => {
    for (const path of ["/healthz", "/ambassador/v0/check_alive"]) expect((await get(path)).status).toBe(200);
    for (const path of ["/readyz", "/ambassador/v0/check_ready"])
      expect(await get(path)).toMatchObject({ status: 503, text: "sluice is not ready\n" });
    turns = false;
    for (const path of ["/healthz", "/ambassador/v0/check_alive"])
      expect(await get(path)).toMatchObject({ status: 503, text: "sluice is not alive: no data worker turns\n" });
    turns = true;
    view.ready = true;
    for (const path of ["/readyz", "/ambassador/v0/check_ready"])
      expect(await get(path)).toMatchObject({ status: 200, text: "sluice is ready\n" });
  });
});

test("an answer that a bug stops is 500, and the log has its stack once a second", async () => {
  await admin.close();
  const stacks: string[] = [];
  let nowMs = 0;
  admin = await startedAdmin([], [], {
    rollouts: () => {
      throw new Error("a bug");
    },
    nowMs: () => nowMs,
    faulted: (stack) => stacks.push(stack),
  });
  for (nowMs of [0, 999, 1000]) {
    const { status, text } = await get("/api/v1/rollouts", { authorization: "Bearer token" });
    expect({ status, ...JSON.parse(text) }).toEqual({
      status: 500,
      error: "internal",
      sentence: "this answer could not be made because of a bug of the gateway: its log says more (gateway-fault)",
    });
  }
  expect(stacks).toHaveLength(2);
  expect(stacks[0]).toMatch(/^Error: a bug\n +at /);
});

describe("access", () => {
  test("on loopback everything answers", async () => {
    expect(JSON.parse((await get("/api/v1/problems")).text)).toEqual({
      items: [problem, problem],
      continue: null,
      away: [],
    });
    expect((await get("/api/v1/routes")).status).toBe(200);
    expect((await get("/nowhere")).status).toBe(404);
  });

  test("beyond loopback only health and metrics answer without the token", async () => {
    await admin.close();
    admin = await start("0.0.0.0", "secret");
    for (const path of ["/healthz", "/metrics", "/ambassador/v0/check_alive"])
      expect((await get(path)).status).toBe(200);
    for (const [path, status] of [
      ["/api/v1/routes", 200],
      ["/api/v1/who", 200],
      ["/api/v1/who?deployment=x", 404],
      ["/api/v1/problems", 200],
      ["/api/v1/explain?path=/", 200],
    ] as const) {
      expect((await get(path)).status).toBe(401);
      expect((await get(path, { authorization: "Bearer wrong" })).status).toBe(401);
      expect((await get(path, { authorization: "Bearer secret" })).status).toBe(status);
    }
  });

  test("beyond loopback without a token set, /api is closed and says how to open it", async () => {
    await admin.close();
    admin = await start("0.0.0.0", null);
    expect(await get("/api/v1/routes", { authorization: "Bearer " })).toMatchObject({
      status: 403,
      text: expect.stringContaining("--admin-token") as string,
    });
    expect((await get("/metrics")).status).toBe(200);
  });

  test("a port in use is one clear sentence", async () => {
    const { port } = admin;
    await expect(
      startedAdmin([], [], { admin: { host: "127.0.0.1", port, token: null, hosts: [], viewers: "policy" } }),
    ).rejects.toThrow(/^Sluice cannot listen on the admin port .* \(EADDRINUSE\): write --admin/);
  });
});

describe("a list", () => {
  test("of Problems with names and sentences of 64 kB goes on where it was, by a short continue", async () => {
    const long = "\u001b[2Jx".repeat(13_108);
    const all = ["a", "b"].map((end): Problem => ({
      ...problem,
      subject: { ...problem.subject, name: `${long}${end}` },
      sentence: long,
    }));
    const { gatherProblems } = view;
    view.gatherProblems = async () => all;
    try {
      const first = JSON.parse((await get("/api/v1/problems?limit=1")).text) as { items: Problem[]; continue: string };
      expect(first.continue.length).toBeLessThan(2048);
      const { text } = await get(`/api/v1/problems?limit=1&continue=${first.continue}`);
      const second = JSON.parse(text) as { items: Problem[]; continue: string | null };
      expect(new Set([...first.items, ...second.items].map(({ subject }) => subject.name))).toEqual(
        new Set(all.map(({ subject }) => subject.name)),
      );
      expect(second.continue).toBeNull();
      expect(text).not.toContain("\u001b");
    } finally {
      view.gatherProblems = gatherProblems;
    }
  });

  test.each([
    ["/api/v1/problems?limit=0", 400],
    ["/api/v1/problems?limit=1", 200],
    ["/api/v1/problems?limit=9999", 200],
    ["/api/v1/problems?limit=10000", 200],
    ["/api/v1/problems?limit=10001", 400],
    ["/api/v1/problems?continue=x", 400],
    // A misspelt parameter would widen the answer.
    ["/api/v1/problems?namespac=a", 400],
    [`/api/v1/problems?namespace=${"a".repeat(62)}`, 200],
    [`/api/v1/problems?namespace=${"a".repeat(63)}`, 200],
    [`/api/v1/problems?namespace=${"a".repeat(64)}`, 400],
    ["/api/v1/problems?namespace=", 400],
  ])("%s: %i", async (path, status) => {
    expect((await get(path)).status).toBe(status);
  });
});

describe("revocation", () => {
  const tell = async (
    body: string,
    type = "application/json",
    headers: Record<string, string> = {},
  ): Promise<{ status: number; text: string }> => {
    const response = await askJudged(admin.port, "/api/v1/oauth/revoke", {
      method: "POST",
      headers: { "content-type": type, ...headers },
      body,
    });
    return { status: response.status, text: await response.text() };
  };
  const signer = new TokenSigner([new Uint8Array(32)]);
  const given = signer.sign(oauthClient("prod", "iris", "key", "secret"), 1000);
  const body = JSON.stringify({ token: given });
  const asked: Revocation[] = [];
  let outcome: RevokedAnswer = { kind: "revoked" };
  beforeEach(async () => {
    asked.length = 0;
    outcome = { kind: "revoked" };
    revoker = {
      hasClient: (namespace, name) => namespace === "prod" && name === "iris",
      revoke: async (tokens) => {
        asked.push(tokens);
        return outcome;
      },
    };
    await admin.close();
    admin = await start("127.0.0.1", null);
  });
  afterEach(() => {
    revoker = null;
  });

  test("a token by what it says, or all of a client by its SeldonDeployment", async () => {
    expect(await tell(body)).toEqual({ status: 200, text: '{"everywhere":false}' });
    expect((await tell('{"deployment":"prod/iris"}')).status).toBe(200);
    const client = tokenClient("prod", "iris");
    expect(asked).toEqual([
      { client, id: expect.stringMatching(/^[0-9a-f]{32}$/) as string, endMs: 1000 },
      // The clock of another replica may be a minute ahead, and some of its tokens end later.
      { client, id: null, endMs: tokenMs + 60_000 },
    ]);
    expect((await tell('{"deployment":"prod/rose"}')).status).toBe(404);
    outcome = { kind: "away", sentence: "Redis cannot be reached" };
    expect(await tell(body)).toMatchObject({
      status: 503,
      text: expect.stringContaining("not certain") as string,
    });
  });

  test.each([
    "{}",
    "[]",
    "null",
    "7",
    '{"token":""}',
    '{"token":7}',
    '{"token":"a","deployment":"a/b"}',
    '{"deployment":"iris"}',
    '{"deployment":"/iris"}',
    '{"deployment":"a/b/c"}',
    '{"token":"a","more":1}',
    JSON.stringify({ token: "A".repeat(tokenLength) }),
    JSON.stringify({ token: `${given}A` }),
    JSON.stringify({ token: given.slice(1) }),
    JSON.stringify({ token: signer.sign(oauthClient("prod", "iris", "key", "secret"), mostAheadMs + 1) }),
  ])("%s is refused", async (body) => {
    expect((await tell(body)).status).toBe(400);
    expect(asked).toEqual([]);
  });

  test("no page can have it sent: text is no JSON", async () => {
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
      expect([400, 415]).toContain((await tell(body, type)).status);
    expect(asked).toEqual([]);
  });

  test("beyond loopback it needs the token of the admin port, and without an OAuth gateway there is nothing", async () => {
    await admin.close();
    admin = await start("0.0.0.0", "secret");
    expect((await tell(body)).status).toBe(401);
    expect((await tell(body, "application/json", { authorization: "Bearer secret" })).status).toBe(200);
    await admin.close();
    revoker = null;
    admin = await start("127.0.0.1", null);
    expect(await tell(body)).toMatchObject({
      status: 409,
      text: expect.stringContaining("--oauth") as string,
    });
  });
});

describe("explain", () => {
  describe("with credentials", () => {
    const key = "correct-horse-battery";
    const request = { path: "/seldon/prod/iris/x", method: "POST", headers: [["x-api-key", key]] };
    const ask = async (body: string, type = "application/json"): Promise<{ status: number; text: string }> => {
      const response = await askJudged(admin.port, "/api/v1/explain", {
        method: "POST",
        headers: { "content-type": type, accept: "text/plain" },
        body,
      });
      return { status: response.status, text: await response.text() };
    };
    const { table } = view;
    beforeEach(() => {
      view.table = tableOf([{ ...mappingOf("iris", "iris"), guard: guardOf("keys") }]);
      policy = { ...noPolicy, providers: { keys: keysProvider({ [key]: "mobile-app" }) } };
    });
    afterEach(() => {
      view.table = table;
      policy = noPolicy;
    });

    test("by POST they are looked at, and are not in the answer", async () => {
      const answers = [await ask(JSON.stringify(request)), await ask(JSON.stringify({ ...request, wide: true }))];
      const json = await askJudged(admin.port, "/api/v1/explain", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(request),
      });
      for (const { status, text } of [...answers, { status: json.status, text: await json.text() }]) {
        expect([status, text]).toEqual([
          200,
          expect.stringContaining("the request shows mobile-app of keys, who may call"),
        ]);
        expect(text).not.toContain(key);
      }
    });

    test("in a URL they are not", async () => {
      const { text } = await get(`/api/v1/explain?path=${request.path}&header=x-api-key:${key}`, {
        accept: "text/plain",
      });
      expect(text).toContain(
        "it is not known whether what the request shows lets it in (keys: it was not looked at, as a URL is no place for credentials: ask by POST)",
      );
      expect(text).not.toContain(key);
    });

    test.each([
      ["text", JSON.stringify(request), "text/plain"],
      ["no path", "{}", "application/json"],
      ["another member", JSON.stringify({ ...request, other: 1 }), "application/json"],
      [
        "a header with a line end",
        JSON.stringify({ ...request, headers: [["x-api-key", "a\r\nb: c"]] }),
        "application/json",
      ],
      ["a name that is none", JSON.stringify({ ...request, headers: [["x api", "a"]] }), "application/json"],
      [
        "more fields than a request has",
        JSON.stringify({ ...request, headers: Array.from({ length: 101 }, () => ["a", "b"]) }),
        "application/json",
      ],
    ])("%s is 400", async (_, body, type) => {
      expect((await ask(body, type)).status).toBe(400);
    });

    test("a body has a bound", async () => {
      const padded = (length: number): string =>
        JSON.stringify({ ...request, headers: [["x-pad", ""]] }).replace(
          '""',
          `"${"p".repeat(length - JSON.stringify({ ...request, headers: [["x-pad", ""]] }).length)}"`,
        );
      for (const [length, status] of [
        [maxExplainBytes - 1, 200],
        [maxExplainBytes, 200],
        [maxExplainBytes + 1, 413],
      ] as const) {
        expect(padded(length)).toHaveLength(length);
        expect((await ask(padded(length))).status).toBe(status);
      }
    });
  });

  test("JSON, or the text of the tool", async () => {
    expect(JSON.parse((await get("/api/v1/explain?path=/x")).text)).toMatchObject({
      request: { method: "GET", path: "/x" },
      reject: { reason: "no-route" },
    });
    expect((await get("/api/v1/explain?path=/x", { accept: "text/plain" })).text).toMatch(
      /^GET localhost\/x\n {2}looked up in/,
    );
    expect((await get("/api/v1/explain?path=/x&wide=true", { accept: "text/plain" })).text).toContain(
      "\n  answers 404: ",
    );
    expect((await get("/api/v1/explain")).status).toBe(400);
    expect((await get("/api/v1/who", { accept: "text/plain" })).text).toMatch(
      /^DEPLOYMENT|^no Routes, so there is nothing to call\n$/,
    );
    expect((await get("/api/v1/who?deployment=nobody")).status).toBe(404);
    expect(JSON.parse((await get("/api/v1/who?deployment=nobody")).text)).toMatchObject({
      sentence: expect.stringMatching(/^no deployment or Mapping is named nobody: /) as string,
    });
    expect((await get("/api/v1/routes?deployment=nobody")).status).toBe(404);
    expect(JSON.parse((await get("/api/v1/who")).text)).toEqual({
      items: [],
      continue: null,
      cleartext: [],
      problems: [],
    });
    expect((await get("/api/v1/routes", { accept: "text/plain" })).text).toBe("no Routes\n");
    expect((await get("/api/v1/routes?wide=true", { accept: "text/plain" })).text).toBe("");
  });
});

/** Names and labels of the text format, line by line. */
const lineFormat =
  /^(?:# (?:HELP|TYPE) [a-z_]+ .+|[a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,(?=[a-z])|(?=\})))*\})? [0-9.e+-]+)$/;

describe("metrics", () => {
  test("every family is there, and the text is valid", async () => {
    view.counted.usedSlots = [{ slot: 0, series: seriesOf("iris") }];
    first.finish(0, 200, 0.02);
    const { text, type } = await get("/metrics");
    expect(type).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(text.endsWith("\n")).toBe(true);
    for (const line of text.trimEnd().split("\n")) if (line !== "") expect(line).toMatch(lineFormat);
    const families = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => `${name} ${kind}`);
    expect(families.toSorted()).toEqual([...metrics.values()].map(({ name, kind }) => `${name} ${kind}`).sort());
    expect(new Set(families).size).toBe(families.length);
  });

  test("blocks are summed; buckets are cumulative and end with the count", async () => {
    view.counted.usedSlots = [{ slot: 2, series: seriesOf("iris") }];
    base.finish(2, 200, 0.0005);
    first.finish(2, 200, 0.02);
    second.finish(2, 418, 100);
    first.answered(-1, httpColumn(404), true, 0);
    first.add(fixed.clientConnectionsHttp1, 3);
    second.add(fixed.clientConnectionsHttp1, 4);
    first.failure("NR");
    const { text } = await get("/metrics");
    const labels = 'namespace="prod",deployment="iris",predictor="default",role="live",protocol="http"';
    expect(text).toContain(`sluice_requests_total{${labels},origin="model",code="200"} 2\n`);
    expect(text).toContain(`sluice_requests_total{${labels},origin="model",code="4xx"} 1\n`);
    expect(text).toContain(
      'sluice_requests_total{namespace="",deployment="",predictor="",role="",protocol="http",origin="gateway",code="404"} 1\n',
    );
    expect(text).toContain(`sluice_latency_seconds_bucket{${labels},le="0.001"} 1\n`);
    expect(text).toContain(`sluice_latency_seconds_bucket{${labels},le="0.025"} 2\n`);
    expect(text).toContain(`sluice_latency_seconds_bucket{${labels},le="+Inf"} 3\n`);
    expect(text).toContain(`sluice_latency_seconds_count{${labels}} 3\n`);
    expect(text).toContain('sluice_connections{side="client",protocol="http1"} 7\n');
    expect(text).toContain(
      'sluice_failures_total{namespace="",deployment="",predictor="",role="",protocol="",flag="NR"} 1\n',
    );
    expect(text).toContain('sluice_problems{code="bad-value",level="warning"} 2\n');
  });

  test("Endpoints are told by predictor and state, ready also where it is 0", async () => {
    const at = (last: number, state: "ready" | "terminating" | "failing"): SeenEndpoint => ({
      address: `10.0.0.${last}:9000`,
      state,
      slots: [],
    });
    view.counted.predictorEndpoints = [
      { predictor: seriesOf("iris"), endpoints: [at(1, "ready"), at(2, "failing"), at(3, "ready")] },
      { predictor: { ...seriesOf('x"'), role: "shadow" }, endpoints: [at(4, "terminating")] },
      { predictor: seriesOf("gone"), endpoints: [] },
    ];
    const { text } = await get("/metrics");
    expect(text.split("\n").filter((line) => line.startsWith("sluice_endpoints{"))).toEqual([
      'sluice_endpoints{namespace="prod",deployment="iris",predictor="default",role="live",state="ready"} 2',
      'sluice_endpoints{namespace="prod",deployment="iris",predictor="default",role="live",state="failing"} 1',
      String.raw`sluice_endpoints{namespace="prod",deployment="x\"",predictor="default",role="shadow",state="ready"} 0`,
      String.raw`sluice_endpoints{namespace="prod",deployment="x\"",predictor="default",role="shadow",state="terminating"} 1`,
      'sluice_endpoints{namespace="prod",deployment="gone",predictor="default",role="live",state="ready"} 0',
    ]);
    view.counted.predictorEndpoints = [];
  });

  test("a series exists from its first request, a shadow by its copies", async () => {
    const shadow: Series = { ...seriesOf("copy"), role: "shadow" };
    view.counted.usedSlots = [
      { slot: 0, series: seriesOf("quiet") },
      { slot: 1, series: shadow },
    ];
    first.shadow(1, shadowOutcomes.indexOf("dropped_queue"));
    const { text } = await get("/metrics");
    expect(text).not.toContain("quiet");
    expect(text).toMatch(
      /^sluice_shadow_requests_total\{.*deployment="copy".*role="shadow".*,outcome="dropped_queue"\} 1$/m,
    );
  });

  test("HEAD is answered without the text", async () => {
    const response = await fetch(`http://127.0.0.1:${admin.port}/metrics`, { method: "HEAD" });
    expect([response.status, response.headers.get("content-type"), await response.text()]).toEqual([
      200,
      "text/plain; version=0.0.4; charset=utf-8",
      "",
    ]);
    expect((await get("/metrics")).text).toContain("sluice_requests_in_flight");
  });

  test("an answer that cannot be written to its end is cut, and the next one is whole", async () => {
    let families = 0;
    view.counted.usedSlots = {
      *[Symbol.iterator]() {
        families += 1;
        if (families > 1) throw new Error("planted");
        yield { slot: 0, series: seriesOf("iris") };
      },
    };
    first.finish(0, 200, 0);
    await expect(get("/metrics")).rejects.toThrow();
    view.counted.usedSlots = [];
    expect((await get("/metrics")).status).toBe(200);
  });

  test("label values are escaped", async () => {
    view.counted.usedSlots = [{ slot: 0, series: { ...seriesOf('a"b\\c\nd'), predictor: "ü" } }];
    first.finish(0, 200, 0);
    const { text } = await get("/metrics");
    expect(text).toContain(String.raw`deployment="a\"b\\c\nd",predictor="ü"`);
    for (const line of text.trimEnd().split("\n")) if (line !== "") expect(line).toMatch(lineFormat);
  });
});
