// Sticky canaries: a caller stays with its predictor, by each kind of key, over REST and gRPC, on real sockets.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { noPolicy, noRules } from "../../gateway/callers/call-policy.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { guardOf, keysProvider } from "../policies.ts";
import { fieldOf, type WireAnswer } from "./client.ts";
import { endpointsOn, Gateway, irisTo, post, type GatewayOptions } from "./gateway.ts";
import { GrpcClient, GrpcOrigin, metadataOf, paths } from "./grpc-peer.ts";
import { deployment, modelService, serveDocuments } from "./manifests.ts";
import { eventually } from "../turns.ts";
import { Origin, answerEach, requestsIn } from "./origin.ts";

const predictors = ["main", "canary"] as const;
type Predictor = (typeof predictors)[number];
const path = "/seldon/prod/iris/api/v1.0/predictions";
const users = Array.from({ length: 60 }, (_, i) => `user-${i}`);

let rest: Readonly<Record<Predictor, Origin>>;
let grpc: Readonly<Record<Predictor, GrpcOrigin>>;
let gateway: Gateway;
let closers: (() => unknown)[];

beforeEach(async () => {
  const restOf = (name: string): Promise<Origin> =>
    new Origin(answerEach(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`)).listen();
  rest = { main: await restOf("main"), canary: await restOf("canary") };
  grpc = { main: await new GrpcOrigin("main").listen(), canary: await new GrpcOrigin("canary").listen() };
  closers = [];
});
afterEach(async () => {
  for (const close of closers) close();
  for (const name of predictors) {
    await rest[name].close();
    grpc[name].close();
  }
});

async function start(sticky: string, canary = 30, options: GatewayOptions = {}): Promise<void> {
  gateway = await new Gateway(options).listen();
  const one = gateway;
  closers.push(() => {
    one.close();
    expect(one.faults).toBe(0);
  });
  await share(sticky, canary);
}

async function share(sticky: string, canary: number): Promise<void> {
  const annotations = {
    "sluice.io/sticky": sticky,
    "sluice.io/traffic": `main=${100 - canary},canary=${canary}`,
  };
  await serveDocuments(gateway, [
    ...predictors.map((name) => modelService("prod", `iris-${name}`, { http: rest[name].port, grpc: grpc[name].port })),
    deployment(
      "prod",
      "iris",
      predictors.map((name) => `{ name: ${name}, graph: { name: m } }`),
      annotations,
    ),
  ]);
}

const ask = (fields: string, target = path, secure = false): Promise<WireAnswer> =>
  gateway.ask(secure, post("x", fields, target));

/** Which predictor answers each of these requests, asked once. */
async function answersTo(all: readonly (readonly [fields: string, target?: string])[]): Promise<readonly string[]> {
  const bodies: string[] = [];
  for (const [fields, target] of all) bodies.push((await ask(fields, target)).body);
  return bodies;
}

const byHeader = (): Promise<readonly string[]> => answersTo(users.map((user) => [`X-User: ${user}\r\n`]));

/** The least and the most of them that may be with the canary: 30 % of 60, by more than four standard deviations. */
function expectShared(bodies: readonly string[]): void {
  const canaries = bodies.filter((body) => body === "canary").length;
  expect(canaries).toBeGreaterThan(3);
  expect(canaries).toBeLessThan(33);
}

async function grpcAnswers(fieldsOf: (user: string) => Readonly<Record<string, string>>): Promise<readonly string[]> {
  const client = new GrpcClient(gateway.port);
  const bodies: string[] = [];
  for (const user of users)
    bodies.push(await client.who(paths.predict, metadataOf({ seldon: "iris", namespace: "prod", ...fieldsOf(user) })));
  client.close();
  return bodies;
}

describe("header", () => {
  test("a caller stays, over REST and gRPC alike, at another gateway and after a restart", async () => {
    await start("header X-User");
    const first = await byHeader();
    expectShared(first);
    expect(await byHeader()).toEqual(first);
    expect(await grpcAnswers((user) => ({ "x-user": user }))).toEqual(first);
    await start("header x-user");
    expect(await byHeader()).toEqual(first);
  });

  test("a ramp moves callers to the canary alone, and a roll-back those who came last", async () => {
    await start("header x-user", 5);
    const ramp: (readonly string[])[] = [];
    for (const percent of [5, 25, 50, 25, 5, 0]) {
      await share("header x-user", percent);
      ramp.push(await byHeader());
    }
    const canaries = ramp.map((bodies) => users.filter((_, at) => bodies[at] === "canary"));
    expect(canaries[1]).toEqual(expect.arrayContaining(canaries[0]!));
    expect(canaries[2]).toEqual(expect.arrayContaining(canaries[1]!));
    expect(canaries[2]!.length).toBeGreaterThan(canaries[1]!.length);
    expect(canaries.slice(3)).toEqual([canaries[1], canaries[0], []]);
  });

  test("several lines are one key; without a key, or with an empty one, a draw decides each request", async () => {
    await start("header x-user", 50);
    for (const user of users.slice(0, 8)) {
      const [one, other] = await answersTo([[`X-User: ${user},b\r\n`], [`X-User: ${user}\r\nX-User: b\r\n`]]);
      expect(one).toBe(other);
    }
    for (const fields of ["", "X-User: \r\n", "X-User:\r\nX-User: \r\n"])
      expect(new Set(await answersTo(Array.from({ length: 40 }, () => [fields]))).size).toBe(2);
  });
});

test("query: by the decoded value of the first parameter that has one", async () => {
  await start("query user");
  const first = await answersTo(users.map((user) => ["", `${path}?user=${user}`]));
  expectShared(first);
  expect(
    await answersTo(users.map((user) => ["", `${path}?a=1&user=&us%65r=${user.replace("-", "%2D")}&user=other`])),
  ).toEqual(first);
  expect(new Set(await answersTo(Array.from({ length: 60 }, () => ["", `${path}?user=`]))).size).toBe(2);
});

describe("cookie", () => {
  const cookieOf = (answer: WireAnswer): string => fieldOf(answer, "set-cookie") ?? "";

  test("a client without one gets one, which keeps it where its first request went", async () => {
    await start("cookie sluice 12h", 50);
    const seen = new Set<string>();
    for (let client = 0; client < 20; client++) {
      const first = await ask("");
      const cookie = cookieOf(first);
      expect(cookie).toMatch(/^sluice=[\w-]{24}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/);
      seen.add(cookie);
      const fields = `Cookie: a=b; ${cookie.split(";")[0]!}\r\n`;
      for (let i = 0; i < 3; i++) {
        const next = await ask(fields);
        expect(next.body).toBe(first.body);
        expect(cookieOf(next)).toBe("");
      }
    }
    expect(seen.size).toBe(20);
  });

  test("over TLS it is Secure, without a TTL it ends with the session, and any value that a client sends is only hashed", async () => {
    await start("cookie sluice");
    expect(cookieOf(await ask("", path, true))).toMatch(/^sluice=[\w-]{24}; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
    const first = await answersTo(users.map((user) => [`Cookie: sluice=${user}\r\n`]));
    expectShared(first);
    expect(await grpcAnswers((user) => ({ cookie: `sluice=${user}` }))).toEqual(first);
    expect(cookieOf(await ask("Cookie: sluice=\r\n"))).toContain("sluice=");
  });

  test("behind a proxy that is believed and took it over TLS it is Secure", async () => {
    await start("cookie sluice", 30, { trustedHops: 1 });
    expect(cookieOf(await ask("X-Forwarded-Proto: https\r\n"))).toContain("; Secure");
    expect(cookieOf(await ask("X-Forwarded-Proto: http\r\n"))).not.toContain("; Secure");
  });

  test("no cookie where one predictor takes everything", async () => {
    await start("cookie sluice", 0);
    expect(cookieOf(await ask(""))).toBe("");
  });
});

test("address: of the client behind proxies that are believed; IPv6 by /64", async () => {
  await start("address", 30, { trustedHops: 1 });
  const told = (addressOf: (at: number) => string): Promise<readonly string[]> =>
    answersTo(users.map((_, at) => [`X-Forwarded-For: 9.9.9.9, ${addressOf(at)}\r\n`]));
  const first = await told((at) => `10.0.0.${at}`);
  expectShared(first);
  expect(await told((at) => `::ffff:10.0.0.${at}`)).toEqual(first);
  const networks = await told((at) => `2001:db8:0:${at}::1`);
  expectShared(networks);
  expect(await told((at) => `2001:db8:0:${at}:aaaa::${at}`)).toEqual(networks);
  const peer = await answersTo(Array.from({ length: 10 }, () => [""]));
  expect(new Set(peer).size).toBe(1);
});

describe("client", () => {
  const keyOf = (user: string): string => `key-of-${user}`;
  const policy = {
    ...noPolicy,
    clientHeader: true,
    defaults: { ...noRules, auth: ["keys"] },
    providers: { keys: keysProvider(Object.fromEntries(users.map((user) => [keyOf(user), user]))) },
  };
  const keys = (): Promise<readonly string[]> => answersTo(users.map((user) => [`x-api-key: ${keyOf(user)}\r\n`]));

  test("the name that its provider knows it by, over REST and gRPC; the model that it is sent to sees no key", async () => {
    await start("client", 30, { policy });
    const first = await keys();
    expectShared(first);
    expect(await keys()).toEqual(first);
    expect(await grpcAnswers((user) => ({ "x-api-key": keyOf(user) }))).toEqual(first);
    for (const name of predictors) expect(rest[name].text).not.toContain("key-of-");
    expect((await ask("x-api-key: wrong\r\n")).status).toBe(401);
  });

  test("members that know callers by other providers: each asks what its own guard asks, and a choice is made once", async () => {
    const two = {
      ...policy,
      providers: {
        ...policy.providers,
        others: keysProvider(Object.fromEntries(users.map((user) => [`other-${user}`, `${user}-of-others`])), {
          places: [{ kind: "header", name: "x-other-key" }],
        }),
      },
      defaults: noRules,
    };
    gateway = await new Gateway({ policy: two }).listen();
    const one = gateway;
    closers.push(() => {
      one.close();
      expect(one.faults).toBe(0);
    });
    const sticky = { on: { kind: "client" }, identity: "prod/iris" } as const;
    const memberOf = (name: Predictor, provider: string): Mapping => {
      const mapping = irisTo(name);
      return {
        ...mapping,
        id: name,
        member: name,
        sticky,
        role: { kind: "live", weight: 50, share: 1 },
        guard: guardOf(provider),
        series: { ...mapping.series, deployment: name },
      };
    };
    gateway.serve(
      [memberOf("main", "keys"), memberOf("canary", "others")],
      predictors.map((name) => upstreamOf(name)),
      predictors.map((name) => endpointsOn(name, [rest[name].port])),
    );
    // With both keys every member admits them; which one they stay with may depend on where they were drawn first.
    const both = users.map((user) => [`x-api-key: ${keyOf(user)}\r\nx-other-key: other-${user}\r\n`] as const);
    expect(new Set(await answersTo(both))).toEqual(new Set(predictors));
    // With the key of one of them nobody gets past the other.
    for (const user of users.slice(0, 20)) {
      const { status, body } = await ask(`x-api-key: ${keyOf(user)}\r\n`);
      if (status === 200) expect(body).toBe("main");
      else expect(status).toBe(401);
    }
  });

  test("where it is not known who calls a draw decides", async () => {
    await start("client", 50);
    expect(new Set(await answersTo(Array.from({ length: 40 }, () => [""]))).size).toBe(2);
  });
});

test("a shadow's part of requests follows the key: a caller is copied always or never, whatever its predictor", async () => {
  const copy = await new Origin().listen();
  closers.push(() => copy.close());
  await start("header x-user", 30, { time: "real" });
  const all = { ...rest, next: copy };
  const names = ["main", "canary", "next"] as const;
  await serveDocuments(gateway, [
    ...names.map((name) => modelService("prod", `iris-${name}`, { http: all[name].port, grpc: grpc.main.port })),
    deployment(
      "prod",
      "iris",
      names.map((name) => `{ name: ${name}, graph: { name: m }, shadow: ${name === "next"} }`),
      { "sluice.io/sticky": "header x-user", "sluice.io/traffic": "main=50,canary=50,next=40" },
    ),
  ]);
  const copied = async (): Promise<readonly string[]> => {
    const before = requestsIn(copy.text).length;
    const bodies = await byHeader();
    await eventually(
      () => gateway.counted("shadowInFlight") === 0 && gateway.counted("shadowQueued") === 0,
      "no copy under way",
    );
    const to = requestsIn(copy.text)
      .slice(before)
      .map((request) => /x-user: (\S+)/i.exec(request)![1]!);
    expect(new Set(to.map((user) => bodies[users.indexOf(user)])).size).toBe(2);
    return to.toSorted();
  };
  const first = await copied();
  expect(first.length).toBeGreaterThan(8);
  expect(first.length).toBeLessThan(42);
  expect(await copied()).toEqual(first);
});
