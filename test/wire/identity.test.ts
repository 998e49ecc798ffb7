// Who calls: API keys, over each protocol and both transports. What the model gets, what the client is told, what the log says.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { noPolicy, noRules, type CallPolicy } from "../../gateway/callers/call-policy.ts";
import { plainGuard, type Guard } from "../../routing/model/guard.ts";
import { mappingOf, upstreamOf } from "../gateway/fixtures.ts";
import { guardOf, keysProvider } from "../policies.ts";
import { fieldOf, type WireAnswer } from "./client.ts";
import { Gateway, endpointsOn, irisTo, post, transports, type GatewayOptions } from "./gateway.ts";
import { Http2Client, type Http2Reply } from "./http2-client.ts";
import { Http2Origin } from "./http2-origin.ts";
import { Origin, answerEach, requestsIn } from "./origin.ts";

const key = "correct-horse-battery";
const places = [
  { kind: "header", name: "x-api-key" },
  { kind: "bearer" },
  { kind: "basic" },
  { kind: "query", name: "key" },
] as const;
const keys: CallPolicy = {
  ...noPolicy,
  providers: {
    keys: keysProvider({ [key]: "mobile-app" }, { places }),
    others: keysProvider({ "another-key-of-others": "batch" }, { places: [{ kind: "header", name: "x-other-key" }] }),
  },
};
const path = "/seldon/prod/iris/x";
const basic = (text: string): string => `authorization: Basic ${Buffer.from(text).toString("base64")}\r\n`;

describe.each(transports)("%s", (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;

  beforeEach(async () => {
    origin = await new Origin().listen();
    origin.behaviour = answerEach("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  });
  afterEach(async () => {
    gateway.close();
    await origin.close();
  });

  async function start(guard: Guard = guardOf("keys"), options: GatewayOptions = {}): Promise<void> {
    gateway = await new Gateway({ policy: keys, accessLog: "all", ...options }).listen();
    gateway.serve([{ ...irisTo("iris"), guard }], [upstreamOf("iris")], [endpointsOn("iris", [origin.port])]);
  }

  function ask(fields: string, target = path): Promise<WireAnswer> {
    return gateway.ask(secure, post("x", fields, target));
  }

  test.each<readonly [string, Partial<Guard>, GatewayOptions, string, number]>([
    ["its address may not call", { deny: ["127.0.0.1/32"] }, {}, path, 403],
    ["nobody may call", { auth: { kind: "providers", names: ["unknown"] } }, {}, path, 403],
    ["anybody may call", { auth: { kind: "open", granted: true } }, {}, path, 200],
    ["no Route takes it", {}, {}, "/elsewhere", 404],
    ["the policy is not known yet", {}, { policy: null }, path, 503],
  ])("no line has a key of the query where %s", async (_why, guard, options, target, code) => {
    await start({ ...guardOf("keys"), ...guard }, options);
    for (const query of [`a=1&key=${key}`, `k%65y=${key}&b`])
      expect((await ask("", `${target}?${query}`)).status).toBe(code);
    expect((await ask("", `${target}?a=1&keys=2`)).status).toBe(code);
    await gateway.goOnUntil(() => gateway.entries.length === 3, "a line each");
    expect(gateway.entries.map(({ path: said }) => said)).toEqual([
      target,
      target,
      options.policy === null ? target : `${target}?a=1&keys=2`,
    ]);
  });

  test.each([
    ["a field", `x-api-key: ${key}\r\n`, path],
    ["Bearer", `Authorization: bearer  ${key}\r\n`, path],
    ["the password", basic(`anyone:${key}`), path],
    ["the user", basic(`${key}:`), path],
    ["the query", "", `${path}?a=1&key=${key}&b=2`],
    ["an escaped query", "", `${path}?k%65y=${key}`],
  ])("a key as %s admits, and the model does not see it", async (_place, fields, target) => {
    await start();
    expect((await ask(`${fields}x-kept: yes\r\n`, target)).status).toBe(200);
    const [request] = requestsIn(origin.text);
    expect(request).not.toContain(key);
    expect(request).not.toContain("uthorization");
    expect(request).toContain("x-kept: yes");
    if (target.includes("a=1")) expect(request).toContain("?a=1&b=2 ");
    expect(gateway.entries).toMatchObject([{ code: 200, client: "keys/mobile-app", flag: "" }]);
    expect(JSON.stringify(gateway.entries)).not.toContain(key);
    expect(gateway.counted("identities", "admitted")).toBe(1);
  });

  test.each([
    ["none", "", path, /say who you are/],
    ["another", `x-api-key: ${key}x\r\n`, path, /nobody's/],
    ["an empty one", "x-api-key: \r\n", path, /nobody's/],
    ["two", `x-api-key: ${key}\r\nx-api-key: ${key}\r\n`, path, /several/],
    ["two places", `x-api-key: ${key}\r\n`, `${path}?key=${key}`, /several/],
    ["two in the query", "", `${path}?key=${key}&key=${key}`, /several/],
    ["Basic without a colon", basic(key), path, /say who you are/],
    ["Basic that is no base64", "authorization: Basic !!!\r\n", path, /say who you are/],
    ["with NUL in it", basic(`x:${key}\0`), path, /nobody's/],
    ["its beginning", `x-api-key: ${key.slice(0, -1)}\r\n`, path, /nobody's/],
    ["another scheme", `authorization: Digest ${key}\r\n`, path, /say who you are/],
  ])("%s: 401, a challenge, and nothing reaches the model", async (_what, fields, target, sentence) => {
    await start();
    const answer = await ask(fields, target);
    expect(answer.status).toBe(401);
    expect(fieldOf(answer, "www-authenticate")).toBe('Basic realm="keys", charset="UTF-8"');
    expect(answer.body).toMatch(sentence);
    expect(origin.text).toBe("");
    expect(gateway.entries).toMatchObject([{ code: 401, client: "", flag: "UAEX" }]);
    expect(gateway.counted("identities", "unauthenticated")).toBe(1);
    expect(JSON.stringify([gateway.entries, answer])).not.toContain(key.slice(0, -1));
  });

  test.each([4095, 4096, 4097, 50_000])("a key of %i bytes that nobody has", async (length) => {
    await start();
    expect((await ask(`x-api-key: ${"k".repeat(length)}\r\n`)).status).toBe(401);
  });

  describe("a second deployment of the Route that nobody may call", () => {
    async function startWith(first: Guard, second: Guard): Promise<Origin> {
      const next = await new Origin().listen();
      next.behaviour = answerEach("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnext");
      gateway = await new Gateway({ policy: keys }).listen();
      const mappings = [
        { ...mappingOf("iris", "iris", 60), guard: first },
        { ...mappingOf("iris-next", "next", 40), guard: second, match: irisTo("iris").match },
      ];
      gateway.serve(
        mappings,
        [upstreamOf("iris"), upstreamOf("next")],
        [endpointsOn("iris", [origin.port]), endpointsOn("next", [next.port])],
      );
      return next;
    }
    const askOften = async (fields: string): Promise<ReadonlySet<string>> => {
      const answers = new Set<string>();
      for (let at = 0; at < 60; at++) {
        const { status, body } = await ask(fields);
        answers.add(`${status} ${status === 200 ? body : ""}`);
      }
      return answers;
    };

    test("leaves its share to the first: good keys get in, and nobody else does", async () => {
      const next = await startWith(guardOf("keys"), guardOf("absent"));
      expect(await askOften(`x-api-key: ${key}\r\n`)).toEqual(new Set(["200 ok"]));
      expect(await askOften("")).toEqual(new Set(["401 "]));
      expect(await askOften("x-api-key: wrong-key-of-it\r\n")).toEqual(new Set(["401 "]));
      expect(next.text).toBe("");
      await next.close();
    });

    test("refuses where the first admits nobody either", async () => {
      const next = await startWith(guardOf("absent"), guardOf("missing"));
      expect(await askOften(`x-api-key: ${key}\r\n`)).toEqual(new Set(["403 "]));
      expect([next.text, origin.text]).toEqual(["", ""]);
      await next.close();
    });

    test("takes its share where somebody may call it: each asks by its own guard", async () => {
      const next = await startWith(guardOf("keys"), guardOf("others"));
      expect(await askOften(`x-api-key: ${key}\r\n`)).toEqual(new Set(["200 ok", "401 "]));
      expect(next.text).toBe("");
      await next.close();
    });
  });

  test("any of several providers is enough", async () => {
    await start(guardOf("others", "keys"));
    expect((await ask(`x-api-key: ${key}\r\n`)).status).toBe(200);
    expect((await ask("x-other-key: another-key-of-others\r\n")).status).toBe(200);
    const neither = await ask("x-other-key: wrong-key-of-others\r\n");
    expect(neither.status).toBe(401);
    // One of the one, and of the other Basic, Bearer, and what has no scheme.
    expect(neither.head.match(/www-authenticate/g)).toHaveLength(4);
  });

  test.each<[string, Guard, CallPolicy | null, number]>([
    ["an unknown provider", guardOf("absent"), keys, 403],
    ["an unknown one beside a known", guardOf("keys", "absent"), keys, 403],
    ["no provider at all", guardOf(), keys, 401],
    [
      "one of another namespace",
      guardOf("keys"),
      { ...keys, providers: { keys: keysProvider({ [key]: "x" }, { places, namespaces: ["other"] }) } },
      403,
    ],
    [
      "no leave to be open",
      { ...plainGuard, auth: { kind: "open", granted: false } },
      { ...keys, defaults: { ...noRules, auth: ["keys"] } },
      403,
    ],
    ["a policy that is not read yet", plainGuard, null, 503],
  ])("%s closes", async (_what, guard, policy, code) => {
    await start(guard, { policy });
    expect((await ask(`x-api-key: ${key}\r\n`)).status).toBe(code);
    expect(origin.text).toBe("");
  });

  test.each<[string, Guard, CallPolicy]>([
    [
      "a Grant",
      { ...plainGuard, auth: { kind: "open", granted: true } },
      { ...keys, defaults: { ...noRules, auth: ["keys"] } },
    ],
    [
      "leave of the policy",
      { ...plainGuard, auth: { kind: "open", granted: false } },
      {
        ...keys,
        defaults: { ...noRules, auth: ["keys"] },
        namespaces: { prod: { ...noRules, auth: null, mayOpen: true } },
      },
    ],
    ["nothing said by anybody", plainGuard, keys],
    [
      "a namespace that is open",
      plainGuard,
      {
        ...keys,
        defaults: { ...noRules, auth: ["keys"] },
        namespaces: { prod: { ...noRules, auth: "none", mayOpen: false } },
      },
    ],
  ])("%s opens", async (_what, guard, policy) => {
    await start(guard, { policy });
    expect((await ask("")).status).toBe(200);
  });

  test("a policy that changes holds from the next request on, on connections that are open", async () => {
    await start(plainGuard);
    const client = await gateway.open(secure);
    client.write(post("x", "", path));
    await client.answers(1);
    gateway.plane.setPolicy({ ...keys, defaults: { ...noRules, auth: ["keys"] } });
    client.write(post("x", "", path));
    client.write(post("x", `x-api-key: ${key}\r\n`, path));
    expect((await client.answers(3)).map(({ status }) => status)).toEqual([200, 401, 200]);
    gateway.plane.setPolicy({
      ...keys,
      defaults: { ...noRules, auth: ["keys"] },
      providers: { keys: keysProvider({ "a-new-key-of-it": "mobile-app" }) },
    });
    client.write(post("x", `x-api-key: ${key}\r\n`, path));
    client.write(post("x", "x-api-key: a-new-key-of-it\r\n", path));
    expect((await client.answers(5)).slice(3).map(({ status }) => status)).toEqual([401, 200]);
    client.destroy();
  });

  test("the model is told who calls, and by nobody else", async () => {
    await start(guardOf("keys"), { policy: { ...keys, clientHeader: true } });
    await ask(`x-api-key: ${key}\r\nX-Sluice-Client: root\r\nx_sluice_client: root\r\n`);
    const [told] = requestsIn(origin.text);
    expect(told!.match(/x.sluice.client: .*/gi)).toEqual(["x-sluice-client: mobile-app"]);
    gateway.serve([irisTo("iris")], [upstreamOf("iris")], [endpointsOn("iris", [origin.port])]);
    await ask("x-sluice-client: root\r\n");
    expect(requestsIn(origin.text)[1]).not.toContain("root");
    await ask("x_sluice_client: root\r\nX-Sluice_Client: root\r\n");
    expect(requestsIn(origin.text)[2]).not.toContain("root");
  });

  test("nor does a client say in trailers what it may not say in the head", async () => {
    await start(guardOf("keys"), { policy: { ...keys, clientHeader: true } });
    const client = await gateway.open(secure);
    client.write(
      `POST ${path} HTTP/1.1\r\nhost: a\r\nx-api-key: ${key}\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-sluice-client: root\r\nx-user: root\r\n\r\n`,
    );
    await client.answers(1);
    gateway.serve([irisTo("iris")], [upstreamOf("iris")], [endpointsOn("iris", [origin.port])]);
    client.write(
      `POST ${path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-sluice-client: root\r\nx-checksum: 1\r\n\r\n`,
    );
    await client.answers(2);
    client.destroy();
    expect(origin.text).not.toContain("root");
    expect(origin.text).toMatch(/x-checksum: 1/);
  });

  test("probes are answered to anybody", async () => {
    await start(guardOf("keys"), { policy: { ...keys, defaults: { ...noRules, auth: ["keys"] } } });
    expect((await ask("", "/ambassador/v0/check_ready")).status).toBe(200);
  });
});

describe("gRPC", () => {
  test("UNAUTHENTICATED with a challenge, and the call with a key", async () => {
    const origin = await new Http2Origin(({ stream }) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end();
    }).listen();
    const gateway = await new Gateway({ policy: keys }).listen();
    const mapping = irisTo("iris");
    gateway.serve(
      [{ ...mapping, guard: guardOf("keys") }],
      [{ ...upstreamOf("iris"), protocol: "http2" }],
      [endpointsOn("iris", [origin.port])],
    );
    const client = await Http2Client.open(gateway, false);
    const call = (more: Record<string, string>): Promise<Http2Reply> =>
      client.request(
        { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", ...more },
        Buffer.alloc(5),
      );
    const refused = await call({});
    expect(refused.headers).toMatchObject({
      "grpc-status": "16",
      "www-authenticate":
        'Basic realm="keys", charset="UTF-8", Bearer realm="keys", ApiKey realm="keys", in="header x-api-key or query key"',
    });
    const admitted = await call({ "x-api-key": key });
    expect(admitted.trailers).toMatchObject({ "grpc-status": "0" });
    client.destroy();
    gateway.close();
    origin.close();
  });
});

test("what a client sends where no provider reads it stays", async () => {
  const origin = await new Origin().listen();
  origin.behaviour = answerEach("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  const gateway = await new Gateway({ policy: keys }).listen();
  gateway.serve([irisTo("iris")], [upstreamOf("iris")], [endpointsOn("iris", [origin.port])]);
  const client = await gateway.open(false);
  client.write(post("x", `authorization: Bearer ${key}\r\n`, path));
  expect((await client.answers(1))[0]!.status).toBe(200);
  expect(origin.text).toContain(`authorization: Bearer ${key}`);
  client.destroy();
  gateway.close();
  await origin.close();
});
