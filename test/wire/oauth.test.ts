// Seldon's OAuth gateway on the wire: tokens, and requests that name no deployment.
import { status } from "@grpc/grpc-js";
import { array, assert, constantFrom, oneof, property, string, uint8Array } from "fast-check";
import { connect } from "node:http2";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { noPolicy } from "../../gateway/callers/call-policy.ts";
import { headOf } from "../../routing/request/head-text.ts";
import { readTokenRequest } from "../../gateway/edge/oauth/token-request.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import { plainSettings } from "../../routing/model/table-change.ts";
import { factsOf, tokenBytes, tokenClient, tokenMs } from "../../gateway/callers/oauth-token.ts";
import { mappingOf, upstreamOf } from "../gateway/fixtures.ts";
import { is, named, prefix } from "../routing/build.ts";
import { RedisServer, hasRedis, redisAt } from "../redis-server.ts";
import { eventually } from "../turns.ts";
import { fieldOf } from "./client.ts";
import type { fixed } from "../../gateway/shared/metrics/fixed.ts";
import { Gateway, endpointsOn, firstSlot, plainFront, post, transports, type GatewayOptions } from "./gateway.ts";
import { GrpcClient, GrpcOrigin, metadataOf, paths } from "./grpc-peer.ts";
import { basic, oauthClient, tokenRequest } from "./oauth-clients.ts";
import { Origin, answerEach, requestsIn } from "./origin.ts";

const iris = oauthClient("prod", "iris", "iris-key", "iris-secret");
const wine = oauthClient("test", "wine", "wine-key", "wine: secret");
const clients = [iris, wine];

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** `/seldon/prod/iris/` and `/seldon/test/wine/`, gRPC as well, and a Mapping that claims everything else. */
async function start(
  options: GatewayOptions = {},
): Promise<{ readonly gateway: Gateway; readonly origins: Readonly<Record<"iris" | "wine" | "thief", Origin>> }> {
  const origins = {
    iris: await new Origin().listen(),
    wine: await new Origin().listen(),
    thief: await new Origin().listen(),
  };
  for (const [name, origin] of Object.entries(origins)) {
    origin.behaviour = answerEach(`HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`);
    closers.push(() => origin.close());
  }
  const gateway = await new Gateway({ oauth: clients, ...options }).listen();
  closers.push(() => {
    gateway.close();
    expect(gateway.faults).toBe(0);
  });
  const thief: Mapping = {
    ...mappingOf("thief", "thief"),
    space: null,
    match: { ...mappingOf("thief", "thief").match, path: prefix("/") },
  };
  const inTest = mappingOf("wine", "wine");
  const wineMapping: Mapping = {
    ...inTest,
    namespace: "test",
    space: "test",
    match: { ...inTest.match, path: prefix("/seldon/test/wine/") },
  };
  gateway.serve(
    [mappingOf("iris", "iris"), wineMapping, thief],
    ["iris", "wine", "thief"].map((name) => upstreamOf(name)),
    Object.entries(origins).map(([name, { port }]) => endpointsOn(name, [port])),
  );
  return { gateway, origins };
}

async function token(gateway: Gateway, name = "iris-key", secret = "iris-secret"): Promise<string> {
  const answer = await gateway.ask(false, tokenRequest(basic(name, secret)));
  return (JSON.parse(answer.body) as { access_token: string }).access_token;
}

function multipart(fields: string, ...parts: readonly (readonly [name: string, value: string])[]): string {
  const body = parts
    .map(([name, value]) => `--AaB03x\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
    .join("");
  return tokenRequest(fields, `${body}--AaB03x--\r\n`, "multipart/form-data; boundary=AaB03x");
}

const api = (path: string, fields: string, body = '{"data":{}}'): string =>
  post(body, `Content-Type: application/json\r\n${fields}`, path);
const bearer = (text: string): string => `Authorization: Bearer ${text}\r\n`;

function counted(gateway: Gateway, outcome: keyof typeof fixed.oauthTokens): number {
  return gateway.counted("oauthTokens", outcome);
}

function requests(gateway: Gateway, outcome: keyof typeof fixed.oauthRequests): number {
  return gateway.counted("oauthRequests", outcome);
}

describe.each(transports)("a token over %s", (_, secure) => {
  test("byte by byte", async () => {
    const { gateway, origins } = await start();
    const answer = await gateway.ask(secure, tokenRequest(basic("iris-key", "iris-secret")));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatch(
      /^\{"access_token":"[\w-]{96}","token_type":"bearer","expires_in":43199,"scope":"read write"\}$/,
    );
    expect(
      ["content-type", "cache-control", "pragma", "access-control-allow-origin"].map((name) => fieldOf(answer, name)),
    ).toEqual(["application/json;charset=UTF-8", "no-store", "no-cache", "*"]);
    expect(counted(gateway, "issued")).toBe(1);
    expect(gateway.answered("200", -1)).toBe(1);
    expect(origins.thief.text).toBe("");
  });

  test("leads to its deployment: predictions and feedback, of both versions, without the token", async () => {
    const { gateway, origins } = await start();
    const given = await token(gateway);
    const apiPaths = ["/api/v0.1/predictions", "/api/v1.0/predictions", "/api/v0.1/feedback", "/api/v1.0/feedback?a=b"];
    for (const path of apiPaths) {
      const answer = await gateway.ask(secure, api(path, bearer(given)));
      expect([answer.status, answer.body, fieldOf(answer, "access-control-allow-origin")]).toEqual([200, "iris", "*"]);
    }
    expect(requestsIn(origins.iris.text).map((request) => request.split(" HTTP/")[0])).toEqual(
      apiPaths.map((path) => `POST ${path}`),
    );
    expect(origins.iris.text).not.toContain(given);
    expect(origins.iris.text).not.toMatch(/authorization/i);
    expect(origins.iris.text).toContain('{"data":{}}');
    // They count for the deployment.
    expect([gateway.answered("200", firstSlot), requests(gateway, "admitted")]).toEqual([4, 4]);
    expect(origins.wine.text + origins.thief.text).toBe("");
  });
});

test("addresses that may call nothing get no token and reach no model with one", async () => {
  const { gateway, origins } = await start({ trustedHops: 1, accessLog: "all" });
  const from = (address: string): string => `x-forwarded-for: ${address}\r\n`;
  const given = await token(gateway);
  const front = { ...plainFront, addresses: [{ kind: "allow" as const, peer: [], remote: ["10.0.0.0/8"] }] };
  gateway.change({ settings: { ...plainSettings, front } });
  for (const [address, status] of [
    ["10.1.2.3", 200],
    ["203.0.113.9", 403],
  ] as const) {
    expect((await gateway.ask(false, api("/api/v0.1/predictions", from(address) + bearer(given)))).status).toBe(status);
    expect((await gateway.ask(false, tokenRequest(from(address) + basic("iris-key", "iris-secret")))).status).toBe(
      status,
    );
  }
  expect(requestsIn(origins.iris.text)).toHaveLength(1);
  for (const secret of ["access_token=f1e2d3c4", "a=1&client_secret=f1e2d3c4", "pass%77ord=f1e2d3c4"])
    await gateway.ask(false, api(`/api/v0.1/predictions?${secret}`, from("203.0.113.9")));
  expect(gateway.entries.map(({ path }) => path).slice(-3)).toEqual(Array<string>(3).fill("/api/v0.1/predictions"));
});

describe("requests for a token", () => {
  let gateway: Gateway;
  beforeEach(async () => {
    ({ gateway } = await start({ accessLog: "all" }));
  });

  test.each([
    ["Basic and a form", tokenRequest(basic("iris-key", "iris-secret"))],
    ["the key followed by the namespace", tokenRequest(basic("iris-keyprod", "iris-secret"))],
    [
      "the grant in the URL, as curl did",
      tokenRequest(basic("iris-key", "iris-secret"), "", "", "/oauth/token?grant_type=client_credentials"),
    ],
    [
      "a scope, and what nobody knows, twice",
      tokenRequest(basic("iris-key", "iris-secret"), "grant_type=client_credentials&scope=read&x=1&x=2"),
    ],
    [
      "name and secret in the form",
      tokenRequest("", "grant_type=client_credentials&client_id=iris-key&client_secret=iris-secret"),
    ],
    [
      "a form with a charset",
      tokenRequest(
        basic("iris-key", "iris-secret"),
        "grant_type=client_credentials",
        "application/x-www-form-urlencoded;charset=UTF-8",
      ),
    ],
    [
      "a secret with a colon and a space",
      tokenRequest("", "grant_type=client_credentials&client_id=wine-key&client_secret=wine%3A+secret"),
    ],
    ["the same by Basic", tokenRequest(basic("wine-key", "wine: secret"))],
    [
      "the password grant with Basic",
      tokenRequest(basic("iris-key", "iris-secret"), "grant_type=password&username=iris-key&password=iris-secret"),
    ],
    ["the password grant alone", tokenRequest("", "grant_type=password&username=iris-key&password=iris-secret")],
    [
      "a chunked body",
      `POST /oauth/token HTTP/1.1\r\nHost: g\r\n${basic("iris-key", "iris-secret")}Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ngrant\r\n18\r\n_type=client_credentials\r\n0\r\n\r\n`,
    ],
    [
      "multipart, as curl -F writes it",
      multipart(basic("iris-key", "iris-secret"), ["grant_type", "client_credentials"], ["x", "1"], ["x", "2"]),
    ],
    [
      "name and secret in parts",
      multipart("", ["grant_type", "client_credentials"], ["client_id", "wine-key"], ["client_secret", "wine: secret"]),
    ],
    [
      "8192 bytes",
      tokenRequest(basic("iris-key", "iris-secret"), "grant_type=client_credentials&x=".padEnd(8192, "x")),
    ],
  ])("%s", async (_, text) => {
    const answer = await gateway.ask(false, text);
    expect([answer.status, answer.body]).toEqual([200, expect.stringContaining('"access_token"')]);
  });

  test.each([
    ["no credentials", 401, "unauthorized", tokenRequest("")],
    ["another secret", 401, "invalid_client", tokenRequest(basic("iris-key", "wine: secret"))],
    ["a secret with one character more", 401, "invalid_client", tokenRequest(basic("iris-key", "iris-secret1"))],
    ["no secret", 401, "invalid_client", tokenRequest(basic("iris-key", ""))],
    ["nobody", 401, "invalid_client", tokenRequest(basic("rose-key", "iris-secret"))],
    [
      "the key followed by another namespace",
      401,
      "invalid_client",
      tokenRequest(basic("iris-keytest", "iris-secret")),
    ],
    ["no name", 401, "unauthorized", tokenRequest(basic("", "iris-secret"))],
    ["another scheme", 401, "unauthorized", tokenRequest("Authorization: Bearer x\r\n")],
    ["no grant", 400, "invalid_request", tokenRequest(basic("iris-key", "iris-secret"), "")],
    [
      "an unknown grant",
      400,
      "unsupported_grant_type",
      tokenRequest(basic("iris-key", "iris-secret"), "grant_type=implicit"),
    ],
    [
      "the grant twice",
      400,
      "invalid_request",
      tokenRequest(basic("iris-key", "iris-secret"), "grant_type=client_credentials&grant_type=client_credentials"),
    ],
    [
      "a part twice",
      400,
      "invalid_request",
      multipart(
        basic("iris-key", "iris-secret"),
        ["grant_type", "client_credentials"],
        ["grant_type", "client_credentials"],
      ),
    ],
    [
      "a file",
      400,
      "invalid_request",
      multipart(basic("iris-key", "iris-secret"), ['grant_type"; filename="x', "client_credentials"]),
    ],
    [
      "multipart without a boundary",
      400,
      "invalid_request",
      multipart(basic("iris-key", "iris-secret"), ["grant_type", "client_credentials"]).replace(
        "; boundary=AaB03x",
        "",
      ),
    ],
    [
      "JSON",
      400,
      "invalid_request",
      tokenRequest(basic("iris-key", "iris-secret"), '{"grant_type":"client_credentials"}', "application/json"),
    ],
    [
      "a body without a type",
      400,
      "invalid_request",
      tokenRequest(basic("iris-key", "iris-secret"), "grant_type=client_credentials", ""),
    ],
    [
      "a form that is no UTF-8",
      400,
      "invalid_request",
      tokenRequest(basic("iris-key", "iris-secret"), "grant_type=%ff"),
    ],
    ["a broken escape", 400, "invalid_request", tokenRequest(basic("iris-key", "iris-secret"), "grant_type=%2")],
    [
      "Authorization twice",
      400,
      "invalid_request",
      tokenRequest(basic("iris-key", "iris-secret") + basic("iris-key", "iris-secret")),
    ],
    ["Basic without a colon", 400, "invalid_request", tokenRequest("Authorization: Basic aXJpcw==\r\n")],
    ["Basic that is no base64", 400, "invalid_request", tokenRequest("Authorization: Basic iris:iris\r\n")],
    [
      "the client here and there",
      400,
      "invalid_request",
      tokenRequest(
        basic("iris-key", "iris-secret"),
        "grant_type=client_credentials&client_id=iris-key&client_secret=iris-secret",
      ),
    ],
    [
      "another client in the form",
      400,
      "invalid_request",
      tokenRequest(basic("iris-key", "iris-secret"), "grant_type=client_credentials&client_id=wine-key"),
    ],
    [
      "the password of somebody else",
      400,
      "invalid_grant",
      tokenRequest(basic("iris-key", "iris-secret"), "grant_type=password&username=rose&password=iris-secret"),
    ],
    ["no password", 400, "invalid_grant", tokenRequest(basic("iris-key", "iris-secret"), "grant_type=password")],
    [
      "8193 bytes",
      413,
      "invalid_request",
      tokenRequest(basic("iris-key", "iris-secret"), "grant_type=client_credentials&x=".padEnd(8193, "x")),
    ],
    [
      "a secret in the URL",
      400,
      "invalid_request",
      tokenRequest(
        "",
        "",
        "",
        "/oauth/token?grant_type=client_credentials&client_id=iris-key&client_secret=iris-secret",
      ),
    ],
    [
      "GET",
      405,
      "method_not_allowed",
      `GET /oauth/token HTTP/1.1\r\nHost: g\r\n${basic("iris-key", "iris-secret")}\r\n`,
    ],
  ])("%s: %i %s", async (_, code, error, text) => {
    const answer = await gateway.ask(false, text);
    expect([answer.status, (JSON.parse(answer.body) as { error: string }).error]).toEqual([code, error]);
    expect(fieldOf(answer, "content-type")).toBe("application/json;charset=UTF-8");
    expect(fieldOf(answer, "www-authenticate")).toBe(code === 401 ? 'Basic realm="oauth2/client"' : null);
    expect(counted(gateway, "issued")).toBe(0);
    // Nothing that was sent is told again, neither here nor in the log.
    for (const said of [answer.body, JSON.stringify(gateway.entries)]) expect(said).not.toMatch(/iris|rose|wine/);
  });

  test("a body that never ends costs what is read of it", async () => {
    const client = await gateway.open(false);
    client.write(
      `POST /oauth/token HTTP/1.1\r\nHost: g\r\n${basic("iris-key", "iris-secret")}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000000000\r\n\r\n${"x".repeat(9000)}`,
    );
    const [answer] = await client.answers(1);
    expect(answer!.status).toBe(413);
    await client.end();
    expect(gateway.counted("heldBytes")).toBe(0);
  });

  test("two of one name: the secret says which, and one secret for both is nobody's", async () => {
    const twin = oauthClient("other", "iris", "iris-key", "other-secret");
    gateway.plane.setOAuthClients({ whole: false, set: [{ ...twin, names: iris.names }], removed: [] });
    expect((await gateway.ask(false, tokenRequest(basic("iris-key", "iris-secret")))).status).toBe(200);
    const same = oauthClient("other", "iris", "iris-key", "iris-secret");
    gateway.plane.setOAuthClients({ whole: false, set: [{ ...same, names: iris.names }], removed: [twin.id] });
    expect((await gateway.ask(false, tokenRequest(basic("iris-key", "iris-secret")))).status).toBe(401);
  });
});

describe("a token in the query", () => {
  const path = "/api/v0.1/predictions";

  test("leads to its deployment, and neither model, copy nor log has it", async () => {
    const { gateway, origins } = await start({ accessLog: "all" });
    const given = await token(gateway);
    const copy: Mapping = {
      ...mappingOf("thief", "thief"),
      match: mappingOf("iris", "iris").match,
      role: { kind: "shadow", percent: 100 },
    };
    gateway.serve(
      [mappingOf("iris", "iris"), copy],
      ["iris", "thief"].map((name) => upstreamOf(name)),
      [endpointsOn("iris", [origins.iris.port]), endpointsOn("thief", [origins.thief.port])],
    );
    const escaped = `access%5Ftoken=%${given.charCodeAt(0).toString(16)}${given.slice(1)}`;
    for (const query of [`access_token=${given}`, `a=1&access_token=${given}&b=2`, escaped]) {
      const answer = await gateway.ask(false, api(`${path}?${query}`, "Authorization: Basic eDp5\r\n"));
      expect([answer.status, answer.body]).toEqual([200, "iris"]);
    }
    await eventually(() => requestsIn(origins.thief.text).length === 3, "all copies");
    for (const said of [origins.iris.text, origins.thief.text, JSON.stringify(gateway.entries)])
      expect(said).not.toMatch(new RegExp(`${given.slice(-12)}|access.{1,3}token`));
    expect(requestsIn(origins.iris.text).map((request) => request.split(" HTTP/")[0])).toEqual([
      `POST ${path}`,
      `POST ${path}?a=1&b=2`,
      `POST ${path}`,
    ]);
    expect(origins.iris.text.match(/x-envoy-original-path: .*/g)).toEqual(
      [`/seldon/prod/iris${path}`, `/seldon/prod/iris${path}?a=1&b=2`, `/seldon/prod/iris${path}`].map(
        (original) => `x-envoy-original-path: ${original}`,
      ),
    );
    // What else stands in Authorization is for the deployment.
    expect(origins.iris.text.match(/authorization: Basic eDp5/gi)).toHaveLength(3);
  });

  test.each([
    ["two", (given: string) => [`?access_token=${given}&access_token=${given}`, ""], 400],
    ["one there and one in Authorization", (given: string) => [`?access_token=${given}`, bearer(given)], 400],
    ["another", () => [`?access_token=AQ${"x".repeat(82)}000000000000`, ""], 401],
    ["an empty one", () => ["?access_token=", ""], 401],
    ["one cut off", (given: string) => [`?access_token=${given.slice(0, 95)}`, ""], 401],
    ["one byte more", (given: string) => [`?access_token=${given}x`, ""], 401],
  ] as const)("%s: refused, and no log has it", async (_, parts, code) => {
    const { gateway, origins } = await start({ accessLog: "all" });
    const [query, fields] = parts(await token(gateway));
    const answer = await gateway.ask(false, api(`${path}${query}`, fields ?? ""));
    expect(answer.status).toBe(code);
    expect(JSON.stringify(gateway.entries) + answer.head + answer.body).not.toMatch(/access_token=|xxxx|000000000000/);
    expect(Object.values(origins).map(({ text }) => text)).toEqual(["", "", ""]);
  });
});

describe("requests with a token", () => {
  test.each([
    ["none", "", 401, "unauthorized", "Full authentication is required to access this resource"],
    [
      "another scheme",
      basic("iris-key", "iris-secret"),
      401,
      "unauthorized",
      "Full authentication is required to access this resource",
    ],
    ["one that was never given", bearer(`AQ${"x".repeat(94)}`), 401, "invalid_token", "Invalid access token"],
    [
      "an empty one",
      "Authorization: Bearer \r\n",
      401,
      "unauthorized",
      "Full authentication is required to access this resource",
    ],
    ["64 kB", bearer("x".repeat(40_000)), 401, "invalid_token", "Invalid access token"],
    ["two", bearer("a") + bearer("b"), 400, "invalid_request", "more than one token: send one"],
  ])("%s is refused, byte by byte", async (_, fields, code, error, description) => {
    const { gateway, origins } = await start();
    const answer = await gateway.ask(false, api("/api/v0.1/predictions", fields));
    expect([answer.status, answer.body]).toEqual([code, `{"error":"${error}","error_description":"${description}"}`]);
    expect(fieldOf(answer, "www-authenticate")).toBe(
      `Bearer realm="prediction-client", error="${error}", error_description="${description}"`,
    );
    expect(requests(gateway, "refused")).toBe(1);
    expect(Object.values(origins).map(({ text }) => text)).toEqual(["", "", ""]);
  });

  test("whatever else the client says, it reaches its own deployment", async () => {
    const { gateway, origins } = await start();
    const given = await token(gateway);
    for (const fields of [
      "seldon: wine\r\nnamespace: test\r\n",
      "Host: wine.test\r\n".replace("Host", "X-Forwarded-Host"),
      "x-original-url: /seldon/test/wine/p\r\n",
    ]) {
      expect((await gateway.ask(false, api("/api/v0.1/predictions", bearer(given) + fields))).body).toBe("iris");
    }
    expect(
      (await gateway.ask(false, api("/api/v0.1/predictions", bearer(await token(gateway, "wine-key", "wine: secret")))))
        .body,
    ).toBe("wine");
    expect(origins.thief.text).toBe("");
  });

  test("other paths, and everything without --oauth, are the Routes'", async () => {
    const { gateway } = await start();
    for (const path of ["/oauth/tokens", "/oauth/token/", "/api/v0.1/predictions/", "/api/v2.0/predictions", "/"])
      expect((await gateway.ask(false, api(path, bearer("x")))).body).toBe("thief");
    const { gateway: without } = await start({ oauth: undefined } as unknown as GatewayOptions);
    for (const path of ["/oauth/token", "/api/v0.1/predictions"])
      expect((await without.ask(false, api(path, ""))).body).toBe("thief");
  });

  test("a page asks whether it may ask", async () => {
    const { gateway } = await start();
    for (const path of ["/oauth/token", "/api/v0.1/predictions"]) {
      const answer = await gateway.ask(
        false,
        `OPTIONS ${path} HTTP/1.1\r\nHost: g\r\nOrigin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n\r\n`,
      );
      expect(answer.status).toBe(200);
      expect(answer.head).toContain(
        "access-control-allow-origin: *\r\naccess-control-allow-methods: POST, GET, OPTIONS, DELETE\r\naccess-control-max-age: 3600\r\naccess-control-allow-headers: API-Key, accept, Content-Type, x-requested-with, authorization\r\n",
      );
    }
    expect((await gateway.ask(false, "GET /api/v0.1/predictions HTTP/1.1\r\nHost: g\r\n\r\n")).status).toBe(405);
  });

  test("a deployment without anybody to answer is told as Seldon told it", async () => {
    const { gateway, origins } = await start();
    const given = await token(gateway);
    await origins.iris.close();
    const failed = await gateway.ask(false, api("/api/v0.1/predictions", bearer(given)));
    expect([failed.status, JSON.parse(failed.body)]).toEqual([
      503,
      {
        code: 103,
        info: expect.stringContaining("connection failure") as string,
        reason: "Microservice error",
        status: "FAILURE",
      },
    ]);
    gateway.serve([mappingOf("iris", "iris")], [upstreamOf("iris")], [endpointsOn("iris", [])]);
    const unready = await gateway.ask(false, api("/api/v0.1/predictions", bearer(given)));
    expect([unready.status, unready.body]).toEqual([
      503,
      '{"code":104,"info":"no healthy upstream","reason":"No Running Deployment","status":"FAILURE"}',
    ]);
    gateway.serve([], [], []);
    const none = await gateway.ask(false, api("/api/v0.1/predictions", bearer(given)));
    expect(none.status).toBe(404);
    // Twice is none to a browser.
    for (const { head } of [failed, unready, none])
      expect(head.match(/^access-control-allow-origin:/gim)).toHaveLength(1);
  });

  test("a token ends with its client: with the key, the secret, or the SeldonDeployment", async () => {
    const { gateway } = await start();
    const given = await token(gateway);
    gateway.plane.setOAuthClients({
      whole: false,
      set: [oauthClient("prod", "iris", "iris-key", "new-secret")],
      removed: [iris.id],
    });
    expect((await gateway.ask(false, api("/api/v0.1/predictions", bearer(given)))).status).toBe(401);
    expect((await gateway.ask(false, tokenRequest(basic("iris-key", "iris-secret")))).status).toBe(401);
    expect((await gateway.ask(false, tokenRequest(basic("iris-key", "new-secret")))).status).toBe(200);
  });

  test("a token, and all of a client, are revoked", async () => {
    const { gateway } = await start();
    const [one, two, other] = [
      await token(gateway),
      await token(gateway),
      await token(gateway, "wine-key", "wine: secret"),
    ];
    const use = async (text: string): Promise<number> =>
      (await gateway.ask(false, api("/api/v1.0/predictions", bearer(text)))).status;
    expect(await gateway.plane.revoke(factsOf(tokenBytes(one)!))).toEqual({ kind: "revoked" });
    expect([await use(one), await use(two), await use(other)]).toEqual([401, 200, 200]);
    const all = { client: tokenClient("prod", "iris"), id: null, endMs: Date.now() + tokenMs + 60_000 };
    expect(await gateway.plane.revoke(all)).toEqual({ kind: "revoked" });
    expect([await use(two), await use(other)]).toEqual([401, 200]);
    // What is given from now on is good.
    expect(await use(await token(gateway))).toBe(200);
    expect(await gateway.plane.revoke(null)).toMatchObject({ kind: "away" });
    // A worker that takes the place of this one.
    const { gateway: next } = await start({ revoked: [all] });
    expect((await next.ask(false, api("/api/v1.0/predictions", bearer(other)))).status).toBe(200);
    expect((await next.ask(false, api("/api/v1.0/predictions", bearer(two)))).status).toBe(401);
  });

  test("a key that changes between two requests: the new one signs, the old one verifies until it is taken away", async () => {
    const [before, after] = [1, 2].map((byte) => new Uint8Array(32).fill(byte)) as [Uint8Array, Uint8Array];
    const { gateway } = await start({ oauthKeys: [before] });
    const given = await token(gateway);
    const use = async (text: string): Promise<number> =>
      (await gateway.ask(false, api("/api/v1.0/predictions", bearer(text)))).status;
    expect(await use(given)).toBe(200);
    gateway.plane.setOAuthKeys([after, before]);
    const next = await token(gateway);
    expect([await use(given), await use(next)]).toEqual([200, 200]);
    gateway.plane.setOAuthKeys([after]);
    expect([await use(given), await use(next)]).toEqual([401, 200]);
  });

  test("a body that comes in pieces is streamed to the deployment", async () => {
    const { gateway, origins } = await start();
    const given = await token(gateway);
    const client = await gateway.open(false);
    client.write(`POST /api/v0.1/predictions HTTP/1.1\r\nHost: g\r\n${bearer(given)}Content-Length: 6\r\n\r\nabc`);
    await eventually(() => origins.iris.text.endsWith("abc"), "the first half");
    client.write("def");
    const [answer] = await client.answers(1);
    expect(answer!.body).toBe("iris");
    expect(origins.iris.text).toMatch(/abcdef$/);
    client.destroy();
  });

  test("clients that are not known yet: try again", async () => {
    const { gateway } = await start({ oauth: null });
    for (const text of [
      tokenRequest(basic("iris-key", "iris-secret")),
      api("/api/v0.1/predictions", bearer("x".repeat(96))),
    ]) {
      const answer = await gateway.ask(false, text);
      expect([answer.status, fieldOf(answer, "retry-after")]).toEqual([503, "1"]);
    }
    gateway.plane.setOAuthClients({ whole: true, set: clients, removed: [] });
    expect((await gateway.ask(false, tokenRequest(basic("iris-key", "iris-secret")))).status).toBe(200);
  });
});

describe("the deployment of a token", () => {
  test("keeps its weights and its shadows", async () => {
    const { gateway, origins } = await start();
    const given = await token(gateway);
    const member = (name: string, weight: number): Mapping => ({
      ...mappingOf(name, name),
      match: mappingOf("iris", "iris").match,
      role: { kind: "live", weight, share: 1 },
    });
    const copy: Mapping = {
      ...mappingOf("thief", "thief"),
      match: mappingOf("iris", "iris").match,
      role: { kind: "shadow", percent: 100 },
    };
    gateway.serve(
      [member("iris", 50), member("wine", 50), copy],
      ["iris", "wine", "thief"].map((name) => upstreamOf(name)),
      Object.entries(origins).map(([name, { port }]) => endpointsOn(name, [port])),
    );
    const bodies: string[] = [];
    for (let time = 0; time < 40; time++)
      bodies.push((await gateway.ask(false, api("/api/v0.1/predictions", bearer(given)))).body);
    // All of one member is less likely than one in 10^11.
    expect(new Set(bodies)).toEqual(new Set(["iris", "wine"]));
    await eventually(() => requestsIn(origins.thief.text).length === 40, "all copies");
    expect(origins.thief.text).not.toContain(given);
  });

  test("asks its callers for what it asks everybody; a token is none of that, and the log knows its client", async () => {
    const { gateway, origins } = await start({ accessLog: "all" });
    const given = await token(gateway);
    const iris = mappingOf("iris", "iris");
    gateway.serve(
      [{ ...iris, guard: { ...iris.guard, auth: { kind: "providers", names: ["keys"] } } }],
      [upstreamOf("iris")],
      [endpointsOn("iris", [origins.iris.port])],
    );
    const answer = await gateway.ask(false, api("/api/v0.1/predictions", bearer(given)));
    expect([401, 403]).toContain(answer.status);
    expect(gateway.entries.at(-1)).toMatchObject({ client: "oauth/prod/iris", mapping: "iris/http" });
    expect(origins.iris.text).toBe("");
  });

  test("is told whose token it was, where models are told who calls, and by nobody else", async () => {
    const { gateway, origins } = await start({ policy: { ...noPolicy, clientHeader: true } });
    const given = await token(gateway);
    await gateway.ask(false, api("/api/v0.1/predictions", `${bearer(given)}X-Sluice-Client: root\r\n`));
    expect(origins.iris.text.match(/^x-sluice-client: .*$/gim)).toEqual(["x-sluice-client: prod/iris"]);
  });

  test.each([false, true])("over HTTP/2, on TLS %s", async (secure) => {
    const { gateway, origins } = await start();
    const session = connect(`${secure ? "https" : "http"}://localhost:${secure ? gateway.tlsPort : gateway.port}`, {
      rejectUnauthorized: false,
    });
    closers.push(() => session.destroy());
    const send = async (path: string, headers: Readonly<Record<string, string>>, body: string): Promise<string> => {
      const stream = session.request({ ":method": "POST", ":path": path, ...headers });
      stream.end(body);
      let text = "";
      for await (const piece of stream) text += String(piece);
      return text;
    };
    const authorization = `Basic ${Buffer.from("iris-key:iris-secret").toString("base64")}`;
    const { access_token: given } = JSON.parse(
      await send(
        "/oauth/token",
        { authorization, "content-type": "application/x-www-form-urlencoded" },
        "grant_type=client_credentials",
      ),
    ) as { access_token: string };
    expect(
      await send(
        "/api/v1.0/predictions",
        { authorization: `bearer ${given}`, "content-type": "application/json" },
        '{"data":{}}',
      ),
    ).toBe("iris");
    expect(origins.iris.text).toMatch(/^POST \/api\/v1\.0\/predictions HTTP\/1\.1\r\n[^]*\{"data":\{\}\}/);
  });
});

test("whatever bytes a request for a token holds, it is read or refused", () => {
  const fragments = [
    "grant_type",
    "client_id",
    "client_secret",
    "password",
    "username",
    "=",
    "&",
    "%",
    "%2",
    "+",
    "client_credentials",
    "\u0000",
    "\u{1f600}",
    "x".repeat(300),
  ];
  const text = array(oneof(constantFrom(...fragments), string({ maxLength: 5 })), { maxLength: 20 }).map((parts) =>
    parts.join(""),
  );
  assert(
    property(text, text, uint8Array({ maxLength: 20 }), (query, authorization, tail) => {
      const head = headOf({
        method: "POST",
        host: "g",
        path: `/oauth/token?${encodeURI(query.replaceAll(/[\ud800-\udfff]/g, ""))}`,
        headers: [
          ["authorization", `Basic ${Buffer.from(authorization).toString("base64")}`],
          ["content-type", "application/x-www-form-urlencoded"],
        ],
        grpc: false,
      });
      expect(["request", "refused"]).toContain(readTokenRequest(head, Buffer.concat([Buffer.from(query), tail])).kind);
    }),
  );
});

describe("gRPC", () => {
  async function startGrpc(): Promise<{
    readonly gateway: Gateway;
    readonly client: GrpcClient;
    readonly origins: readonly GrpcOrigin[];
  }> {
    const gateway = await new Gateway({ oauth: clients }).listen();
    closers.push(() => gateway.close());
    const origins = await Promise.all(["iris", "wine"].map((name) => new GrpcOrigin(name).listen()));
    for (const origin of origins) closers.push(() => origin.close());
    const call = (namespace: string, name: string): Mapping => {
      const mapping = mappingOf(name, name);
      return {
        ...mapping,
        namespace,
        space: namespace,
        match: {
          ...mapping.match,
          path: prefix("/"),
          headers: [named("seldon", is(name)), named("namespace", is(namespace))],
        },
        target: { ...mapping.target, rewrite: { kind: "none" } } as Mapping["target"],
      };
    };
    gateway.serve(
      [call("prod", "iris"), call("test", "wine")],
      ["iris", "wine"].map((name) => ({ ...upstreamOf(name), protocol: "http2" as const })),
      origins.map(({ port }, at) => endpointsOn(["iris", "wine"][at]!, [port])),
    );
    const client = new GrpcClient(gateway.port);
    closers.push(() => client.close());
    return { gateway, client, origins };
  }

  test("metadata oauth_token says whose the call is, whatever else is there", async () => {
    const { gateway, client, origins } = await startGrpc();
    const given = await token(gateway);
    for (const more of [{}, { seldon: "wine", namespace: "test" }, { seldon: "wine" }])
      expect(await client.who(paths.predict, metadataOf({ oauth_token: given, ...more }))).toBe("iris");
    expect(
      await client.who(
        paths.tensorflow,
        metadataOf({ oauth_token: await token(gateway, "wine-keytest", "wine: secret") }),
      ),
    ).toBe("wine");
    const [seen] = origins[0]!.calls;
    expect([seen!.metadata.get("oauth_token"), seen!.metadata.get("seldon"), seen!.metadata.get("namespace")]).toEqual([
      [],
      ["iris"],
      ["prod"],
    ]);
    // Without a token it is Ambassador's way.
    expect(await client.who(paths.predict, metadataOf({ seldon: "wine", namespace: "test" }))).toBe("wine");
  });

  test("another token is UNAUTHENTICATED", async () => {
    const { client, origins } = await startGrpc();
    for (const text of ["nobodys", "x".repeat(300)])
      expect(
        (await client.unary(paths.predict, metadataOf({ oauth_token: text, seldon: "iris", namespace: "prod" }))).status
          .code,
      ).toBe(status.UNAUTHENTICATED);
    const two = metadataOf({ oauth_token: "a" });
    two.add("oauth_token", "b");
    expect((await client.unary(paths.predict, two)).status.code).toBe(status.UNAUTHENTICATED);
    expect(origins.map(({ calls }) => calls.length)).toEqual([0, 0]);
  });
});

describe.skipIf(!hasRedis)("replicas with one Redis", () => {
  test("a token of one is good at the other, without a question to anybody; while Redis is away clients that were seen go on", async () => {
    const server = await RedisServer.start();
    closers.push(() => server.close());
    const redis = redisAt(server.port);
    const [one, two] = [await start({ redis }), await start({ redis })];
    const given = await token(one.gateway);
    const use = async (gateway: Gateway): Promise<number> =>
      (await gateway.ask(false, api("/api/v0.1/predictions", bearer(given)))).status;
    expect([await use(one.gateway), await use(two.gateway)]).toEqual([200, 200]);
    // While it is away clients that were seen go on, with tokens that are given meanwhile, too; of others nobody knows what was revoked.
    await server.kill();
    await eventually(
      () => one.gateway.counted("redisReady") === 0 && two.gateway.counted("redisReady") === 0,
      "Redis is away",
    );
    expect([await use(one.gateway), await use(two.gateway)]).toEqual([200, 200]);
    const more = await token(one.gateway);
    expect((await two.gateway.ask(false, api("/api/v0.1/predictions", bearer(more)))).status).toBe(200);
    const unseen = await token(one.gateway, "wine-key", "wine: secret");
    const answer = await one.gateway.ask(false, api("/api/v0.1/predictions", bearer(unseen)));
    expect([answer.status, fieldOf(answer, "retry-after"), JSON.parse(answer.body)]).toEqual([
      503,
      "1",
      { error: "temporarily_unavailable", error_description: "Redis cannot be reached" },
    ]);
    expect([counted(one.gateway, "unavailable"), requests(one.gateway, "unavailable")]).toEqual([0, 1]);
    // A forged one needs nobody's word.
    expect((await one.gateway.ask(false, api("/api/v0.1/predictions", bearer("unseen")))).status).toBe(401);
  });
});
