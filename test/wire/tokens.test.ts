// Who calls: tokens, passwords and certificates, over each protocol and both transports. What the model gets, what the client is told, what the log says, and who waits.
import { hashSync } from "bcryptjs";
import { connect } from "node:tls";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { noPolicy, type CallPolicy } from "../../gateway/callers/call-policy.ts";
import type { Provider } from "../../gateway/callers/providers/kinds.ts";
import type { JwtProvider } from "../../gateway/callers/providers/jwt.ts";
import { readPasswords } from "../../gateway/callers/providers/passwords.ts";
import { plainTerms } from "../../routing/model/host-tls.ts";
import { Authority } from "../authority.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { claims, issuer, jwtProvider, keysOf, pairOf, tokenOf } from "../gateway/edge/identity/tokens.ts";
import { guardOf, keysProvider } from "../policies.ts";
import { eventually } from "../turns.ts";
import { certificateSet, hostDeclaration } from "./certificates.ts";
import { answersIn, fieldOf, type WireAnswer } from "./client.ts";
import { Gateway, endpointsOn, irisTo, post, transports, type GatewayOptions } from "./gateway.ts";
import { Http2Client, type Http2Reply } from "./http2-client.ts";
import { Http2Origin } from "./http2-origin.ts";
import { Origin, answerEach, requestsIn } from "./origin.ts";

const [pair, next] = [pairOf("a"), pairOf("b")];
const soon = (): number => Math.floor(Date.now() / 1000) + 300;
const tokenBy = (by = pair, payload: Readonly<Record<string, unknown>> = {}): string =>
  tokenOf(by, { ...claims, iat: 1, exp: soon(), ...payload });
const token = tokenBy();
const path = "/seldon/prod/iris/x";

function policyOf(corp: Provider): CallPolicy {
  return { ...noPolicy, providers: { corp } };
}

const jwt = (changes: Partial<JwtProvider> = {}): CallPolicy => policyOf(jwtProvider(keysOf(pair), changes));

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

  async function start(policy: CallPolicy, options: GatewayOptions = {}): Promise<void> {
    gateway = await new Gateway({ policy, accessLog: "all", ...options }).listen();
    gateway.serve(
      [{ ...irisTo("iris"), guard: guardOf("corp") }],
      [upstreamOf("iris")],
      [endpointsOn("iris", [origin.port])],
    );
  }

  function ask(fields: string, target = path): Promise<WireAnswer> {
    return gateway.ask(secure, post("x", fields, target));
  }

  test("a token admits again and again, the model does not see it, and the log has its client", async () => {
    await start(jwt({ claimHeaders: [{ path: ["sub"], name: "x-user" }] }));
    const fields = `X-User: root\r\nauthorization: Bearer ${token}\r\nx_user: root\r\nx-kept: yes\r\n`;
    for (let i = 0; i < 3; i++) expect((await ask(fields)).status).toBe(200);
    for (const request of requestsIn(origin.text)) {
      expect(request).not.toContain(token);
      expect(request).not.toMatch(/root|uthorization/);
      expect(request.match(/x-user: .*/g)).toEqual(["x-user: alice"]);
      expect(request).toContain("x-kept: yes");
    }
    expect(gateway.entries.map(({ client }) => client)).toEqual(["corp/alice", "corp/alice", "corp/alice"]);
    expect(JSON.stringify(gateway.entries)).not.toContain(token);
  });

  test("whoever is let in by another provider does not say what only the token says", async () => {
    const partners = keysProvider({ "key-of-a-partner": "partner" });
    gateway = await new Gateway({
      policy: {
        ...noPolicy,
        providers: { ...jwt({ claimHeaders: [{ path: ["sub"], name: "x-user" }] }).providers, partners },
      },
    }).listen();
    gateway.serve(
      [{ ...irisTo("iris"), guard: guardOf("partners", "corp") }],
      [upstreamOf("iris")],
      [endpointsOn("iris", [origin.port])],
    );
    expect((await ask("x-user: root\r\nX_User: root\r\nx-api-key: key-of-a-partner\r\nx-kept: yes\r\n")).status).toBe(
      200,
    );
    expect((await ask(`x-user: root\r\nauthorization: Bearer ${token}\r\n`)).status).toBe(200);
    const [byKey, byToken] = requestsIn(origin.text);
    expect(byKey).not.toContain("root");
    expect(byKey).toContain("x-kept: yes");
    expect(byToken!.match(/x.user: .*/gi)).toEqual(["x-user: alice"]);
  });

  describe("of two providers that look at one Authorization, the one that got furthest says why, and every way in is named", () => {
    const keys = keysProvider(
      { "a-key-that-is-good": "app" },
      { places: [{ kind: "header", name: "x-api-key" }, { kind: "bearer" }] },
    );
    const others = { ...jwt({ issuer: "https://other.example" }).providers["corp"]! };
    const startBoth = async (names: readonly string[], changes: Partial<JwtProvider> = {}): Promise<void> => {
      gateway = await new Gateway({
        policy: {
          ...noPolicy,
          providers: {
            ...jwt({ requiredClaims: [{ path: ["team"], values: ["a"] }], ...changes }).providers,
            keys,
            others,
          },
        },
      }).listen();
      gateway.serve(
        [{ ...irisTo("iris"), guard: guardOf(...names) }],
        [upstreamOf("iris")],
        [endpointsOn("iris", [origin.port])],
      );
    };
    const challengesOf = (head: string): readonly string[] =>
      [...head.matchAll(/\r\nwww-authenticate: *([^\r]*)/gi)].map(([, value]) => value!);
    const bearer = (text: string): string => `authorization: Bearer ${text}\r\n`;
    const ways = ['Bearer realm="keys"', 'ApiKey realm="keys", in="header x-api-key"'];

    test.each<readonly [what: string, fields: string, status: number, sentence: string, own: string | null]>([
      ["a token that has ended", bearer(tokenBy(pair, { exp: 1 })), 401, "the token has expired", "invalid_token"],
      [
        "a token of another signature",
        bearer(`${token.slice(0, -8)}AAAAAAAA`),
        401,
        "the signature of the token is wrong",
        "invalid_token",
      ],
      [
        "a token of another issuer",
        bearer(tokenBy(pair, { iss: "https://x.example" })),
        401,
        "the token is not from the issuer",
        "invalid_token",
      ],
      [
        "a token without the claim",
        bearer(tokenBy(pair, { team: "b" })),
        403,
        "does not have the claim team",
        "insufficient_scope",
      ],
      ["a key that is nobody's", bearer("a-key-that-is-wrong"), 401, "this API key is nobody's", null],
      [
        "such a key in its own field, beside a token that has ended",
        `x-api-key: wrong-key-of-it\r\n`,
        401,
        "this API key is nobody's",
        null,
      ],
    ])("%s", async (_what, fields, status, sentence, own) => {
      for (const names of [
        ["keys", "corp"],
        ["corp", "keys"],
      ]) {
        await startBoth(names);
        const answer = await ask(fields);
        expect([answer.status, answer.body]).toEqual([status, expect.stringContaining(sentence)]);
        const corp =
          own === null
            ? 'Bearer realm="corp"'
            : (expect.stringContaining(`Bearer realm="corp", error="${own}"`) as string);
        expect(challengesOf(answer.head)).toEqual(names[0] === "keys" ? [...ways, corp] : [corp, ...ways]);
        expect(origin.text).toBe("");
        gateway.close();
      }
    });

    test("the one whose issuer it is, of two", async () => {
      await startBoth(["others", "corp"]);
      expect((await ask(bearer(tokenBy(pair, { exp: 1 })))).body).toContain("the token has expired");
      expect((await ask(bearer(tokenBy(pair, { exp: 1, iss: "https://other.example" })))).body).toContain(
        "the token has expired",
      );
      expect((await ask(bearer(tokenBy(pair, { iss: "https://x.example" })))).body).toContain(
        "not from the issuer https://other.example",
      );
    });

    test("while it has no keys a token that may be good is to be sent again, and another is not", async () => {
      await startBoth(["keys", "corp"], { keys: null });
      expect((await ask(bearer(token))).status).toBe(503);
      expect((await ask(bearer(tokenBy(pair, { exp: 1 })))).status).toBe(401);
      expect((await ask(bearer("a-key-that-is-wrong"))).body).toContain("nobody's");
      expect((await ask(bearer("a-key-that-is-good"))).status).toBe(200);
    });
  });

  test("a token in the query, in a cookie, or in a field of its own goes no further, and into no log", async () => {
    await start(
      jwt({
        places: [
          { kind: "query", name: "access_token" },
          { kind: "cookie", name: "session" },
          { kind: "header", name: "x-token" },
        ],
      }),
    );
    await ask("", `${path}?a=1&access_token=${token}&b=2`);
    await ask(`cookie: a=1; session=${token}; b=2\r\n`);
    await ask(`x-token: ${token}\r\n`);
    expect(gateway.entries.map(({ code }) => code)).toEqual([200, 200, 200]);
    expect(JSON.stringify([requestsIn(origin.text), gateway.entries])).not.toContain(token.slice(-20));
    expect(requestsIn(origin.text)[0]).toMatch(/\?a=1&b=2 /);
    expect(requestsIn(origin.text)[1]).toContain("cookie: a=1; b=2\r\n");
  });

  test.each<readonly [what: string, fields: string, status: number, challenge: string]>([
    ["none", "", 401, 'Bearer realm="corp"'],
    [
      "one that has ended",
      `authorization: Bearer ${tokenBy(pair, { exp: 1 })}\r\n`,
      401,
      'Bearer realm="corp", error="invalid_token", error_description="the token has expired: get a new one"',
    ],
    [
      "two",
      `authorization: Bearer ${token}\r\nauthorization: Bearer ${token}\r\n`,
      401,
      'Bearer realm="corp", error="invalid_request", error_description="the request holds several tokens: send one, in one place"',
    ],
    [
      "one without a claim",
      `authorization: Bearer ${tokenBy(pair, { team: "b" })}\r\n`,
      403,
      'Bearer realm="corp", error="insufficient_scope", error_description="the token does not have the claim team as a, which is needed here"',
    ],
    [
      "one of 20 kB",
      `authorization: Bearer ${"x".repeat(20_000)}\r\n`,
      401,
      'Bearer realm="corp", error="invalid_token", error_description="the token has more than 16384 bytes: ask its issuer for a shorter one"',
    ],
  ])("%s: one clear sentence, and nothing reaches the model", async (_what, fields, status, challenge) => {
    await start(jwt({ requiredClaims: [{ path: ["team"], values: ["a"] }] }));
    const answer = await ask(fields);
    expect([answer.status, fieldOf(answer, "www-authenticate")]).toEqual([status, challenge]);
    expect(origin.text).toBe("");
    expect(gateway.entries).toMatchObject([{ code: status, client: "" }]);
  });

  test("a token of 64 kB is too large a head", async () => {
    await start(jwt());
    expect((await ask(`authorization: Bearer ${"x".repeat(65_536)}\r\n`)).status).toBe(431);
  });

  test("a provider without its keys: come again", async () => {
    await start(policyOf(jwtProvider(null)));
    const answer = await ask(`authorization: Bearer ${token}\r\n`);
    expect([answer.status, fieldOf(answer, "retry-after")]).toEqual([503, "5"]);
  });

  test("who waits for a new key is served with it, body and all, and so is what follows on the connection", async () => {
    await start(jwt());
    const client = await gateway.open(secure);
    client.write(
      `POST ${path} HTTP/1.1\r\nHost: gateway\r\nauthorization: Bearer ${tokenBy(next)}\r\nx-kept: yes\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`,
    );
    await eventually(() => gateway.keysAsked.length > 0, "keys are asked for");
    client.write("2\r\nde\r\n0\r\n\r\n");
    client.write(post("x", `authorization: Bearer ${token}\r\n`, path));
    expect(origin.text).toBe("");
    gateway.plane.setPolicy(policyOf(jwtProvider(keysOf(pair, next))));
    expect((await client.answers(2)).map(({ status }) => status)).toEqual([200, 200]);
    expect(origin.text).toMatch(
      /x-kept: yes[^]*3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n|x-kept: yes[^]*5\r\nabcde\r\n0\r\n\r\n/,
    );
    expect(origin.text).not.toMatch(/uthorization/);
    expect(gateway.keysAsked).toEqual(["corp"]);
    client.destroy();
  });

  test.each([
    ["comes behind its body", token, true],
    ["waits for a key", tokenBy(next), false],
  ])(
    "what a client may not say of itself in a field, it may not say in a trailer: it %s",
    async (_what, shown, known) => {
      await start(policyOf(jwtProvider(keysOf(pair), { claimHeaders: [{ path: ["sub"], name: "x-user" }] })));
      const client = await gateway.open(secure);
      client.write(
        `POST ${path} HTTP/1.1\r\nHost: gateway\r\nauthorization: Bearer ${shown}\r\ntransfer-encoding: chunked\r\ntrailer: x-user\r\n\r\n1\r\nx\r\n0\r\nx-user: root\r\nx_user: root\r\nx-sluice-client: root\r\n\r\n`,
      );
      if (!known) {
        await eventually(() => gateway.keysAsked.length > 0, "keys are asked for");
        gateway.plane.setPolicy(
          policyOf(jwtProvider(keysOf(pair, next), { claimHeaders: [{ path: ["sub"], name: "x-user" }] })),
        );
      }
      expect((await client.answers(1))[0]!.status).toBe(200);
      expect(origin.text).toContain("x-user: alice");
      expect(origin.text).not.toContain("root");
      // The next request of the connection, of a Route where nobody is asked, keeps its own.
      gateway.serve([irisTo("iris")], [upstreamOf("iris")], [endpointsOn("iris", [origin.port])]);
      client.write(
        `POST ${path} HTTP/1.1\r\nHost: gateway\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n1\r\nx\r\n0\r\nx-sum: 7\r\n\r\n`,
      );
      await client.answers(2);
      expect(origin.text).toContain("x-sum: 7");
      client.destroy();
    },
  );

  test("who waits and there is no new key, is refused; who leaves meanwhile costs nothing", async () => {
    await start(jwt());
    const [first, second] = [await gateway.open(secure), await gateway.open(secure)];
    for (const client of [first, second]) client.write(post("x", `authorization: Bearer ${tokenBy(next)}\r\n`, path));
    await eventually(() => gateway.keysAsked.length > 0, "keys are asked for");
    second.destroy();
    gateway.plane.keysLooked("corp");
    const [answer] = await first.answers(1);
    expect(answer!.status).toBe(401);
    expect(answer!.body).toContain(`signed with a key that ${issuer} does not publish`);
    first.destroy();
    expect((await ask(`authorization: Bearer ${token}\r\n`)).status).toBe(200);
  });

  test("a policy that says the same again loses nobody who was known, and no key is asked for", async () => {
    await start(jwt());
    await ask(`authorization: Bearer ${token}\r\n`);
    gateway.plane.setPolicy(structuredClone(jwt()));
    expect((await ask(`authorization: Bearer ${token}\r\n`)).status).toBe(200);
    gateway.plane.setPolicy(policyOf(jwtProvider(keysOf(next))));
    const gone = ask(`authorization: Bearer ${token}\r\n`);
    await eventually(() => gateway.keysAsked.length > 0, "keys are asked for");
    gateway.plane.keysLooked("corp");
    expect((await gone).status).toBe(401);
  });

  test("user and password, compared in another thread", async () => {
    const users = readPasswords(`alice:${hashSync("right", 4)}`, []);
    await start(
      policyOf({ kind: "basic", namespaces: [], places: [{ kind: "basic" }], forwardsCredentials: false, users }),
      { time: "real" },
    );
    const pairText = (text: string): string => `authorization: Basic ${btoa(text)}\r\n`;
    expect((await ask(pairText("alice:right"))).status).toBe(200);
    expect((await ask(pairText("alice:right"))).status).toBe(200);
    expect(origin.text).not.toMatch(/uthorization/);
    const wrong = await ask(pairText("alice:wrong"));
    expect([wrong.status, fieldOf(wrong, "www-authenticate")]).toEqual([401, 'Basic realm="corp", charset="UTF-8"']);
    expect(wrong.body).toContain("user or password is wrong");
    expect(gateway.entries.map(({ client }) => client)).toEqual(["corp/alice", "corp/alice", ""]);
    expect(JSON.stringify(gateway.entries)).not.toMatch(/right|wrong:|YWxpY2U/);
  });
});

describe("HTTP/2", () => {
  test("gRPC and REST calls with tokens and without, at one time", async () => {
    const origin = await new Http2Origin(({ stream, headers }) => {
      stream.respond(
        { ":status": 200, "content-type": "application/grpc", "x-got": String(headers["authorization"]) },
        { waitForTrailers: true },
      );
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end();
    }).listen();
    const gateway = await new Gateway({
      policy: jwt({ requiredClaims: [{ path: ["aud"], values: ["models"] }] }),
    }).listen();
    gateway.serve(
      [{ ...irisTo("iris"), guard: guardOf("corp") }],
      [{ ...upstreamOf("iris"), protocol: "http2" }],
      [endpointsOn("iris", [origin.port])],
    );
    const client = await Http2Client.open(gateway, false);
    const call = (more: Record<string, string>): Promise<Http2Reply> =>
      client.request(
        { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers", ...more },
        Buffer.alloc(5),
      );
    const waiting = call({ authorization: `Bearer ${tokenBy(next)}` });
    await eventually(() => gateway.keysAsked.length > 0, "keys are asked for");
    const [none, old, good] = await Promise.all([
      call({}),
      call({ authorization: `Bearer ${tokenBy(pair, { exp: 1 })}` }),
      call({ authorization: `Bearer ${token}` }),
    ]);
    expect(none.headers).toMatchObject({ "grpc-status": "16", "www-authenticate": 'Bearer realm="corp"' });
    expect(old.headers).toMatchObject({
      "grpc-status": "16",
      "grpc-message": expect.stringContaining("the token has expired") as string,
    });
    expect([good.trailers!["grpc-status"], good.headers["x-got"]]).toEqual(["0", "undefined"]);
    gateway.plane.setPolicy(policyOf(jwtProvider(keysOf(pair, next))));
    const late = await waiting;
    expect([late.trailers!["grpc-status"], late.headers["x-got"]]).toEqual(["0", "undefined"]);
    client.destroy();
    gateway.close();
    origin.close();
  });
});

describe("certificates", () => {
  test("of known clients admit, those of unknown ones do not, and no field says so instead", async () => {
    const authority = await Authority.make();
    const [server, batch, other] = [
      await authority.issue("a", "DNS:a.example"),
      await authority.issue("batch", "URI:spiffe://clients/batch"),
      await authority.issue("other", "URI:spiffe://clients/other"),
    ];
    const origin = await new Origin().listen();
    origin.behaviour = answerEach("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    const policy = policyOf({
      kind: "mtls",
      namespaces: [],
      places: [],
      any: false,
      subjects: [],
      dnsNames: [],
      uris: ["spiffe://clients/batch"],
      emails: [],
      fingerprints: [],
    });
    const gateway = await new Gateway({ policy, accessLog: "all", time: "real" }).listen();
    gateway.serve(
      [{ ...irisTo("iris"), guard: guardOf("corp") }],
      [upstreamOf("iris")],
      [endpointsOn("iris", [origin.port])],
    );
    const terms = { ...plainTerms, client: { caPem: authority.caPem, crlPem: null, required: false } };
    gateway.plane.setCertificates(
      certificateSet([hostDeclaration("a", ["a.example"], server, { terms, clientName: "ca" })]),
    );

    const ask = async (
      identity: { readonly certPem: string; readonly keyPem: string } | null,
      fields = "",
    ): Promise<WireAnswer> => {
      const socket = connect({
        host: "127.0.0.1",
        port: gateway.tlsPort,
        servername: "a.example",
        ca: authority.caPem,
        ...(identity === null ? {} : { cert: identity.certPem, key: identity.keyPem }),
      });
      let text = "";
      socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
      socket.write(post("x", fields, path).replace("Host: gateway", "Host: a.example"));
      await eventually(() => answersIn(text).length > 0, "the answer");
      socket.destroy();
      return answersIn(text)[0]!;
    };
    expect((await ask(batch)).status).toBe(200);
    expect((await ask(other)).status).toBe(403);
    const none = await ask(null, "x-forwarded-client-cert: URI=spiffe://clients/batch\r\n");
    expect([none.status, fieldOf(none, "www-authenticate")]).toEqual([401, 'ClientCertificate realm="corp"']);
    expect(gateway.entries.map(({ client }) => client)).toEqual(["corp/spiffe://clients/batch", "", ""]);
    gateway.close();
    await origin.close();
    authority.remove();
  });
});
