// External authorization over HTTP: what the service is asked, what follows from its answer, and what a service that is slow, stuck or broken
// costs, and whom.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { fixed } from "../../gateway/shared/metrics/fixed.ts";
import type { AuthService } from "../../routing/model/external-services.ts";
import { noPolicy } from "../../gateway/callers/call-policy.ts";
import { is, named } from "../routing/build.ts";
import { eventually } from "../turns.ts";
import { dechunk, fieldOf, type RawClient, type WireAnswer } from "./client.ts";
import { guardOf, keysProvider } from "../policies.ts";
import { freePort } from "../ports.ts";
import { httpAuth, serveGuarded, type Guarding } from "./external-services.ts";
import { Gateway, irisTo, post, transports } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { answerEach, Origin, requestsIn } from "./origin.ts";

let gateway: Gateway;
let origin: Origin;
let service: Origin;
let client: RawClient;

const yes = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

function outcome(name: keyof typeof fixed.externalAuth): number {
  return gateway.counted("externalAuth", name);
}

/** `iris` behind the service. */
function serve(auth: Partial<AuthService> = {}, more: Guarding = {}): void {
  serveGuarded(gateway, origin.port, { auth: { ...httpAuth, ...auth }, authPort: service.port, ...more });
}

function asked(): string[] {
  return requestsIn(service.text);
}

function reached(): string[] {
  return requestsIn(origin.text);
}

async function answerTo(request: string): Promise<WireAnswer> {
  client.write(request);
  return (await gateway.during(client.answers(1)))[0]!;
}

async function open(secure: boolean): Promise<void> {
  gateway = await new Gateway({ trustedHops: 0 }).listen();
  client = await gateway.open(secure);
}

beforeEach(async () => {
  origin = await new Origin().listen();
  service = await new Origin(answerEach(yes)).listen();
});

afterEach(async () => {
  client.destroy();
  await gateway.goOnUntil(() => gateway.counted("inFlight") === 0, "nothing in flight");
  expect([gateway.counted("externalInFlight"), gateway.counted("heldBytes")]).toEqual([0, 0]);
  gateway.close();
  await Promise.all([origin.close(), service.close()]);
});

describe.each(transports)("over %s", (_name, secure) => {
  beforeEach(() => open(secure));

  test("the service is asked by method and path, with the headers that it may see and no others; what a client says of its own address is not told", async () => {
    serve({
      pathPrefix: "/check",
      requestHeaders: [...httpAuth.requestHeaders, "x-tenant"],
      addedHeaders: [["x-from", "sluice"]],
      addLinkerdHeaders: true,
    });
    expect(
      (
        await answerTo(
          post(
            "ab",
            "Authorization: Bearer t\r\nX-Tenant: a\r\nX-Secret: s\r\nX-Forwarded-For: 6.6.6.6\r\nCookie: a=1\r\nCookie: b=2\r\n",
            "/seldon/prod/iris/p?q=1",
          ),
        )
      ).status,
    ).toBe(200);
    expect(asked()).toHaveLength(1);
    expect(asked()[0]).toBe(
      [
        "POST /check/seldon/prod/iris/p?q=1 HTTP/1.1",
        "host: gateway",
        "authorization: Bearer t",
        "x-tenant: a",
        "cookie: a=1",
        "cookie: b=2",
        "x-forwarded-for: 127.0.0.1",
        `x-forwarded-proto: ${secure ? "https" : "http"}`,
        "x-forwarded-host: gateway",
        "x-from: sluice",
        "l5d-dst-override: auth.ambassador:3000",
        "content-length: 0",
        "",
        "",
      ].join("\r\n"),
    );
    expect(reached()[0]).toMatch(/^POST \/p\?q=1 HTTP[^]*ab$/);
    expect(outcome("allowed")).toBe(1);
  });

  test("it is asked about the bytes that the model gets, also where they are no UTF-8", async () => {
    serve();
    client.socket.write(Buffer.from(post("x", "Authorization: \xef\xbb\xbfkey\xff\r\n"), "latin1"));
    await gateway.during(client.answers(1));
    expect([asked()[0], reached()[0]]).toEqual([
      expect.stringContaining("authorization: \xef\xbb\xbfkey\xff\r\n"),
      expect.stringContaining("Authorization: \xef\xbb\xbfkey\xff\r\n"),
    ]);
  });

  test("what it allows itself to set reaches the model in place of the client's own, and what it has not set is taken out", async () => {
    service.behaviour = answerEach(
      "HTTP/1.1 200 OK\r\nX-User: ann\r\nX-Other: o\r\nX-Envoy-Auth-Headers-To-Remove: authorization, x-gone\r\ncontent-length: 0\r\n\r\n",
    );
    const names = ["x-user", "x-role"];
    serve({ answerHeaders: [...httpAuth.answerHeaders, ...names], trustedHeaders: names });
    await answerTo(
      post(
        "",
        "X-User: root\r\nX-Role: admin\r\nx_role: admin\r\nX-Other: mine\r\nAuthorization: Bearer t\r\nX-Gone: 1\r\n",
      ),
    );
    const [head] = reached();
    expect(
      head!
        .toLowerCase()
        .match(/^x[-_](?:user|role|other|gone): .*$|^authorization: .*$/gm)
        ?.toSorted(),
    ).toEqual(["x-other: mine", "x-user: ann"]);
  });

  test("another spelling of such a header, alone, is taken out too", async () => {
    serve({ trustedHeaders: ["x-role"] });
    await answerTo(post("", "X_Role: admin\r\n"));
    expect(reached()[0]).not.toMatch(/role/i);
  });

  test("nor does a client say it behind its body", async () => {
    serve({ trustedHeaders: ["x-user"] });
    await answerTo(
      "POST /seldon/prod/iris/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: x-user\r\n\r\n1\r\nx\r\n0\r\nX-User: root\r\n\r\n",
    );
    expect(reached()).toHaveLength(1);
    expect(origin.text).not.toContain("root");
  });

  test("a refusal is the service's own answer, with the fields that clients may see; no byte reaches the model", async () => {
    service.behaviour = answerEach(
      'HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic realm="m"\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nx-inner: 1\r\ncontent-type: text/html\r\ncontent-length: 5\r\n\r\nLogin',
    );
    serve();
    const answer = await answerTo(post("x"));
    expect([
      answer.status,
      answer.body,
      fieldOf(answer, "www-authenticate"),
      fieldOf(answer, "content-type"),
      fieldOf(answer, "x-inner"),
    ]).toEqual([401, "Login", 'Basic realm="m"', "text/html", null]);
    expect(answer.head.match(/^set-cookie: /gim)).toHaveLength(2);
    expect([origin.text, gateway.flagged("UAEX"), outcome("denied")]).toEqual(["", 1, 1]);
  });

  test("a redirect to where one logs in", async () => {
    service.behaviour = answerEach(
      "HTTP/1.1 302 Found\r\nlocation: https://login.example/\r\ncontent-length: 0\r\n\r\n",
    );
    serve();
    const answer = await answerTo(post("x"));
    expect([answer.status, fieldOf(answer, "location"), answer.body]).toEqual([302, "https://login.example/", ""]);
  });
});

describe("a service that does not say", () => {
  beforeEach(() => open(false));

  test.each([
    ["5xx", "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", /status 503/],
    ["garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n", /protocol error/],
    ["an answer that is cut", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", /closed before/],
  ])("%s is 403", async (_what, text, reason) => {
    service.behaviour = (connection) => void (requestsIn(connection.text).length > 0 && connection.socket.end(text));
    serve();
    const answer = await answerTo(post("x"));
    expect([answer.status, answer.body.replace(reason, "R")]).toEqual([
      403,
      expect.stringMatching(/^The authorization service is unavailable: .*R/),
    ]);
    expect([origin.text, gateway.flagged("UAEX"), outcome("failed")]).toEqual(["", 1, 1]);
  });

  test("status_on_error is what it says, in the form that the client reads", async () => {
    serve({ statusOnError: 503 }, { authPort: await freePort() });
    const answer = await answerTo(post("x", "Accept: application/json\r\n"));
    expect([answer.status, JSON.parse(answer.body).status.reason]).toEqual([503, "external-auth-unavailable"]);
  });

  test("with failure_mode_allow the request goes on, without what only the service sets", async () => {
    serve({ failureModeAllow: true, trustedHeaders: ["x-user"] }, { authPort: await freePort() });
    expect((await answerTo(post("x", "X-User: root\r\n"))).status).toBe(200);
    expect(reached()[0]).not.toMatch(/x-user/i);
    expect([gateway.flagged("UAEX"), outcome("failed")]).toEqual([0, 1]);
  });

  test("one that is stuck is given its time and no more, and its connection is not used again", async () => {
    service.behaviour = () => undefined;
    serve({ timeoutMs: 700 });
    client.write(post("x"));
    await eventually(() => asked().length === 1, "the question");
    await gateway.advance(690);
    expect(client.text).toBe("");
    await gateway.advance(20);
    const [answer] = await client.answers(1);
    expect([answer!.status, answer!.body]).toEqual([403, expect.stringContaining("no answer within 700 ms")]);
    await eventually(() => service.connections[0]!.closed, "the connection that was stuck");
  });

  test("one without a limit of its own (timeout_ms: 0) is waited for as long as the deployment has", async () => {
    service.behaviour = () => undefined;
    serve({ timeoutMs: 0 }, { target: { timeout: { ms: 9000, setBy: null } } });
    client.write(post("x"));
    await eventually(() => asked().length === 1, "the question");
    await gateway.advance(8990);
    expect(client.text).toBe("");
    await gateway.advance(20);
    expect((await client.answers(1))[0]!.status).toBe(504);
  });

  test("one that is full: its own breaker refuses, at once, and other deployments are served", async () => {
    service.behaviour = () => undefined;
    const free = {
      ...irisTo("iris", { externalPolicy: { bypassAuth: true, authContextExtensions: {}, labels: null } }),
      id: "free",
      match: {
        ...irisTo("iris").match,
        path: { kind: "prefix", prefix: "/seldon/prod/free/", caseSensitive: true } as const,
      },
    };
    serve(
      {},
      {
        authUpstream: {
          breakers: [{ priority: "default", maxConnections: 1, maxPendingRequests: 0, maxRequests: 1, maxRetries: 3 }],
        },
        mappings: [free],
      },
    );
    client.write(post("x"));
    await eventually(() => asked().length === 1, "the question");
    const second = await gateway.open(false);
    second.write(post("x"));
    const [refused] = await second.answers(1);
    expect([refused!.status, refused!.body]).toEqual([403, expect.stringContaining("too many requests wait for it")]);
    second.write(post("x", "", "/seldon/prod/free/p"));
    expect((await second.answers(2))[1]!.status).toBe(200);
    second.destroy();
  });

  test("the client leaves: the question is given up", async () => {
    service.behaviour = () => undefined;
    serve();
    client.write(post("x"));
    await eventually(() => asked().length === 1, "the question");
    client.socket.resetAndDestroy();
    await eventually(() => service.connections[0]!.closed, "the end of the question");
    expect([outcome("cancelled"), gateway.counted("externalInFlight")]).toEqual([1, 0]);
  });

  test("a kept connection that it has ended is not a refusal: it is asked once more", async () => {
    serve();
    await answerTo(post("x"));
    // It ends the connection as the next question comes.
    service.behaviour = (connection, all) => {
      if (all.connections.length === 1) connection.socket.destroy();
      else answerEach(yes)(connection, all);
    };
    client.write(post("x"));
    expect((await client.answers(2))[1]!.status).toBe(200);
    expect(service.connections).toHaveLength(2);
  });

  test.each([
    [65_535, 401, "length"],
    [65_536, 401, "length"],
    [65_537, 403, "length"],
    [65_536, 401, "chunks"],
    [65_537, 403, "chunks"],
    [65_536, 401, "chunks of a byte"],
    [65_537, 403, "chunks of a byte"],
  ])("an answer of %i bytes is %i, framed by %s", async (bytes, status, framing) => {
    const text = Array.from({ length: bytes }, (_, at) => at % 10).join("");
    const pieces = framing === "chunks of a byte" ? text.split("") : [text];
    const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join("");
    service.behaviour = answerEach(
      `HTTP/1.1 401 Unauthorized\r\n${framing === "length" ? `content-length: ${bytes}\r\n\r\n${text}` : `transfer-encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`}`,
    );
    serve();
    const answer = await answerTo(post("x"));
    expect([answer.status, answer.body === text]).toEqual([status, status === 401]);
  });

  test("closed: 500, and who bypasses passes", async () => {
    serveGuarded(gateway, origin.port, { auth: "closed" });
    expect((await answerTo(post("x"))).status).toBe(500);
    serveGuarded(gateway, origin.port, {
      auth: "closed",
      target: { externalPolicy: { bypassAuth: true, authContextExtensions: {}, labels: null } },
    });
    client.write(post("x"));
    expect((await client.answers(2))[1]!.status).toBe(200);
  });
});

describe("what follows from it", () => {
  beforeEach(() => open(false));

  test("a service that comes, changes and goes holds from the next request on", async () => {
    serveGuarded(gateway, origin.port, {});
    await answerTo(post("x"));
    service.behaviour = answerEach("HTTP/1.1 418 Teapot\r\ncontent-length: 1\r\n\r\n-");
    serve();
    client.write(post("x"));
    expect((await client.answers(2))[1]!.status).toBe(418);
    serveGuarded(gateway, origin.port, {});
    client.write(post("x"));
    expect((await client.answers(3))[2]!.status).toBe(200);
  });

  test("a header that it sets chooses the Route, and a client's own does not; it is asked once", async () => {
    const gold = {
      ...irisTo("gold"),
      id: "gold",
      match: { ...irisTo("iris").match, headers: [named("x-plan", is("gold"))] },
    };
    const fast = await new Origin(answerEach("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngold")).listen();
    serve(
      { answerHeaders: [...httpAuth.answerHeaders, "x-plan"], trustedHeaders: ["x-plan"] },
      { mappings: [gold], others: { gold: fast.port } },
    );
    service.behaviour = answerEach((request) =>
      request.includes("Bearer gold") ? "HTTP/1.1 200 OK\r\nx-plan: gold\r\ncontent-length: 0\r\n\r\n" : yes,
    );
    client.write(post("x", "Authorization: Bearer gold\r\n") + post("x", "X-Plan: gold\r\n"));
    const answers = await gateway.during(client.answers(2));
    expect(answers.map(({ body }) => body)).toEqual(["gold", "ok"]);
    expect(asked()).toHaveLength(2);
    expect(reached()[0]).not.toMatch(/x-plan/i);
    await fast.close();
  });

  test("who calls is found out before, whose key it is not shown; where it chooses another Route it is found out there too, and a limit counts the request once", async () => {
    client.destroy();
    gateway.close();
    gateway = await new Gateway({
      policy: { ...noPolicy, providers: { keys: keysProvider({ secret: "ann" }) } },
    }).listen();
    client = await gateway.open(false);
    service.behaviour = answerEach("HTTP/1.1 200 OK\r\nx-user: ann\r\ncontent-length: 0\r\n\r\n");
    serveGuarded(gateway, origin.port, {
      auth: {
        ...httpAuth,
        requestHeaders: [...httpAuth.requestHeaders, "x-api-key"],
        answerHeaders: [...httpAuth.answerHeaders, "x-user"],
        trustedHeaders: ["x-user"],
      },
      authPort: service.port,
      guard: { ...guardOf("keys"), limits: [{ permits: 2, periodMs: 3_600_000, burst: 2, per: { kind: "client" } }] },
    });
    client.write(
      post("x") +
        post("x", "X-Api-Key: secret\r\n") +
        post("x", "X-Api-Key: secret\r\n") +
        post("x", "X-Api-Key: secret\r\n"),
    );
    const answers = await gateway.during(client.answers(4));
    expect(answers.map(({ status }) => status)).toEqual([401, 200, 200, 429]);
    expect([asked().length, asked().join("").includes("secret"), reached().join("").includes("secret")]).toEqual([
      3,
      false,
      false,
    ]);
    expect(reached()[0]).toContain("x-user: ann");
  });

  test.each<readonly [place: string, fields: string, query: string]>([
    ["in a query", "", "?key=secret"],
    ["where the service puts another", "authorization: Bearer secret\r\n", ""],
  ])(
    "who was let in by a key %s is let in at the Route that the service chooses, and nobody else is",
    async (_place, fields, query) => {
      client.destroy();
      gateway.close();
      const places = [{ kind: "query", name: "key" }, { kind: "bearer" }] as const;
      gateway = await new Gateway({
        policy: {
          ...noPolicy,
          clientHeader: true,
          providers: { keys: keysProvider({ secret: "ann" }, { places }), others: keysProvider({}) },
        },
      }).listen();
      client = await gateway.open(false);
      service.behaviour = answerEach(
        "HTTP/1.1 200 OK\r\nx-user: ann\r\nauthorization: Bearer other\r\ncontent-length: 0\r\n\r\n",
      );
      const iris = irisTo("iris");
      const gold = {
        ...iris,
        id: "gold",
        match: { ...iris.match, headers: [named("x-user", is("ann"))] },
        guard: guardOf("others"),
      };
      const auth = { ...httpAuth, answerHeaders: [...httpAuth.answerHeaders, "x-user"], trustedHeaders: ["x-user"] };
      serveGuarded(gateway, origin.port, { auth, authPort: service.port, guard: guardOf("others", "keys") });
      const request = post("x", `x-sluice-client: root\r\n${fields}`, `/seldon/prod/iris/p${query}`);
      expect((await answerTo(request)).status).toBe(200);
      expect(reached()[0]!.match(/x-sluice-client: .*/g)).toEqual(["x-sluice-client: ann"]);
      expect(reached()[0]).not.toMatch(/secret|root/);
      serveGuarded(gateway, origin.port, { auth, authPort: service.port, guard: guardOf("keys"), mappings: [gold] });
      client.write(request);
      expect((await gateway.during(client.answers(2)))[1]!.status).toBe(401);
    },
  );

  test("it waits no longer than the deployment itself may take", async () => {
    service.behaviour = () => undefined;
    serve({ timeoutMs: 5000 }, { target: { timeout: { ms: 1000, setBy: "timeout_ms of a Mapping" } } });
    client.write(post("x"));
    await eventually(() => asked().length === 1, "the question");
    await gateway.advance(1010);
    expect((await client.answers(1))[0]!.status).toBe(504);
  });
});

/** A body in chunks, each a read of its own. */
async function sendInPieces(pieces: readonly string[]): Promise<void> {
  client.write("POST /seldon/prod/iris/p HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const piece of pieces) {
    client.write(`${piece.length.toString(16)}\r\n${piece}\r\n`);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

describe.each(transports)("include_body over %s", (_name, secure) => {
  beforeEach(() => open(secure));
  const body = { maxBytes: 10, allowPartial: false };

  test.each([9, 10])("%i of 10 bytes are shown, and reach the model once", async (bytes) => {
    serve({ body });
    const text = "b".repeat(bytes);
    expect((await answerTo(post(text))).status).toBe(200);
    expect(asked()[0]).toMatch(
      new RegExp(`\r\nx-envoy-auth-partial-body: false\r\ncontent-length: ${bytes}\r\n\r\n${text}$`),
    );
    expect(reached()[0]!.endsWith(`\r\n\r\n${text}`)).toBe(true);
  });

  test("11 are 413, whether their number is told or not, and nobody is asked", async () => {
    serve({ body });
    expect((await answerTo(post("b".repeat(11)))).status).toBe(413);
    client.destroy();
    client = await gateway.open(secure);
    await sendInPieces(["bbbbbb", "bbbbb", ""]);
    expect((await gateway.during(client.answers(1)))[0]!.status).toBe(413);
    expect([asked(), origin.text, gateway.flagged("DPE")]).toEqual([[], "", 2]);
  });

  test("with allow_partial the beginning is shown, as soon as it is there; the model gets all of it", async () => {
    serve({ body: { maxBytes: 10, allowPartial: true } });
    await sendInPieces(["aaaaaaaa", "bbbbbbbb"]);
    await eventually(() => asked().length === 1, "the question");
    expect(asked()[0]).toMatch(/x-envoy-auth-partial-body: true\r\ncontent-length: 10\r\n\r\naaaaaaaabb$/);
    client.write("1\r\nc\r\n0\r\n\r\n");
    expect((await gateway.during(client.answers(1)))[0]!.status).toBe(200);
    expect(dechunk(reached()[0]!, reached()[0]!.indexOf("\r\n\r\n") + 4)?.body).toBe("aaaaaaaabbbbbbbbc");
  });

  test("a body that comes in pieces is waited for, and the time of the deployment begins when it is there", async () => {
    serve({ body: { maxBytes: 100, allowPartial: false } });
    await sendInPieces(["one"]);
    await gateway.advance(5000);
    expect(asked()).toEqual([]);
    client.write("3\r\ntwo\r\n0\r\n\r\n");
    expect((await gateway.during(client.answers(1)))[0]!.status).toBe(200);
    expect(asked()[0]).toMatch(/content-length: 6\r\n\r\nonetwo$/);
  });

  test("without a body there is nothing to wait for", async () => {
    serve({ body });
    expect((await answerTo("GET /seldon/prod/iris/p HTTP/1.1\r\nHost: gateway\r\n\r\n")).status).toBe(200);
    expect(asked()[0]).toMatch(/^GET [^]*\r\ncontent-length: 0\r\n\r\n$/);
  });

  test("a client that leaves in the middle of its body is asked about by nobody", async () => {
    serve({ body: { maxBytes: 100, allowPartial: false } });
    await sendInPieces(["one"]);
    await eventually(() => gateway.counted("inFlight") === 1, "the request");
    client.destroy();
    await eventually(() => gateway.counted("inFlight") === 0, "its end");
    expect(asked()).toEqual([]);
  });
});

describe("include_body over HTTP/2", () => {
  beforeEach(() => open(false));

  test("a body longer than a window is read on until the service can be asked, and reaches the model whole", async () => {
    serve({ body: { maxBytes: 1_000_000, allowPartial: false } });
    const text = "b".repeat(300_000);
    const caller = await Http2Client.open(gateway, false);
    const stream = caller.start({ ":method": "POST", ":path": "/seldon/prod/iris/p" });
    stream.end(text);
    const reply = await gateway.during(caller.reply(stream));
    caller.destroy();
    expect(reply.status).toBe(200);
    expect(asked()[0]).toMatch(/content-length: 300000\r\n/);
    expect(dechunk(reached()[0]!, reached()[0]!.indexOf("\r\n\r\n") + 4)?.body).toBe(text);
  });

  test("the beginning of a stream that goes on is enough where a part may be shown", async () => {
    serve({ body: { maxBytes: 5, allowPartial: true } }, { target: { timeout: { ms: 0, setBy: null } } });
    const caller = await Http2Client.open(gateway, false);
    const stream = caller.start({ ":method": "POST", ":path": "/seldon/prod/iris/p" });
    stream.write("abcdefgh");
    await eventually(() => origin.text.includes("abcdefgh"), "the beginning at the model");
    expect(asked()[0]).toMatch(/abcde$/);
    stream.end("ij");
    expect((await gateway.during(caller.reply(stream))).status).toBe(200);
    caller.destroy();
  });
});
