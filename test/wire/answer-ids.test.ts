// Answers of the gateway itself say by which id they are in its log.
import { afterEach, describe, expect, test } from "vitest";
import type { HeaderEdits, RedirectTarget } from "../../routing/model/mapping.ts";
import { fieldOf } from "./client.ts";
import { Gateway, irisTo, post, transports, type GatewayOptions } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { answerEach, Origin } from "./origin.ts";
import { upstreamOf } from "../gateway/fixtures.ts";

let gateway: Gateway;
let origin: Origin;

async function start(options: GatewayOptions = {}): Promise<void> {
  origin = await new Origin(() => undefined).listen();
  gateway = await new Gateway(options).listen();
  gateway.serveIris([origin.port], { timeout: { ms: 50, setBy: "a test" } });
}

afterEach(async () => {
  gateway.close();
  await origin.close();
});

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u;

test("a 504 has the id that the upstream got and the log has", async () => {
  await start();
  const client = await gateway.open(false);
  client.write(post("x"));
  await gateway.goOnUntil(() => gateway.entries.length > 0, "the end of its time");
  const [answer] = await client.answers(1);
  const id = fieldOf(answer!, "x-request-id");
  expect([answer!.status, id]).toEqual([504, expect.stringMatching(uuid)]);
  expect(origin.text).toContain(`x-request-id: ${id}\r\n`);
  expect(gateway.entries.map(({ requestId }) => requestId)).toEqual([id]);
  client.destroy();
});

test.each(["off", "errors"] as const)("the id of a believed proxy is kept, with --access-log %s", async (accessLog) => {
  await start({ trustedHops: 1, accessLog });
  const client = await gateway.open(false);
  client.write(post("x", "x-request-id: theirs\r\n"));
  await gateway.goOnUntil(() => gateway.flagged("UT") === 1, "the end of its time");
  expect(fieldOf((await client.answers(1))[0]!, "x-request-id")).toBe("theirs");
  client.write(post("x"));
  await gateway.goOnUntil(() => gateway.flagged("UT") === 2, "the end of the time of the next");
  expect(fieldOf((await client.answers(2))[1]!, "x-request-id")).toMatch(uuid);
  expect(gateway.entries.map(({ requestId }) => requestId)[0]).toBe(accessLog === "off" ? undefined : "theirs");
  client.destroy();
});

test("nobody else chooses it, and the next request has another", async () => {
  await start();
  const client = await gateway.open(false);
  client.write(post("x", "x-request-id: mine\r\n", "/nowhere") + post("x", "", "/nowhere"));
  const ids = (await client.answers(2)).map((answer) => fieldOf(answer, "x-request-id"));
  expect(ids).toEqual([expect.stringMatching(uuid), expect.stringMatching(uuid)]);
  expect(new Set(ids).size).toBe(2);
  client.destroy();
});

const idLines = (head: string): readonly string[] => head.match(/^x-request-id: .*$/gim) ?? [];

describe.each(transports)("the answer of a model, %s", (_name, secure) => {
  async function answering(head: string, options: GatewayOptions = {}, edits?: HeaderEdits): Promise<void> {
    origin = await new Origin(answerEach(() => `HTTP/1.1 200 OK\r\n${head}Content-Length: 2\r\n\r\nok`)).listen();
    gateway = await new Gateway({ accessLog: "all", ...options }).listen();
    gateway.serveIris([origin.port], edits === undefined ? {} : { responseHeaders: edits });
  }

  test.each([
    ["", "a model that says nothing"],
    ["X-Request-Id: its own\r\nX-Request-ID: another\r\n", "a model that says another"],
  ])("%j has it once: %s", async (head) => {
    await answering(head);
    const answer = await gateway.ask(secure, post("x"));
    expect(answer.body).toBe("ok");
    const [line, ...more] = idLines(answer.head);
    expect([line, more]).toEqual([`x-request-id: ${gateway.entries[0]!.requestId}`, []]);
    expect(gateway.entries[0]!.requestId).toMatch(uuid);
    expect(origin.text).toContain(`x-request-id: ${gateway.entries[0]!.requestId}\r\n`);
  });

  test.each(["a", "b".repeat(126), "c".repeat(127), "d".repeat(128), `é${"e".repeat(126)}`])(
    "a believed proxy's %j comes back, over both protocols",
    async (id) => {
      await answering("", { trustedHops: 1 });
      const answer = await gateway.ask(secure, post("x", `x-request-id: ${id}\r\n`));
      const said = id.replace("é", String.raw`\xe9`);
      expect(idLines(answer.head)).toEqual([`x-request-id: ${said}`]);
      const client = await Http2Client.open(gateway, secure);
      const reply = await client.request({
        ":path": "/seldon/prod/iris/x",
        "x-request-id": id,
      });
      client.destroy();
      expect(reply.headers["x-request-id"]).toBe(said);
      expect(gateway.entries.map(({ requestId }) => requestId)).toEqual([said, said]);
    },
  );

  test("over HTTP/2 too, with and without the service time", async () => {
    await answering("x-request-id: its own\r\n");
    for (const edits of [[], ["x-envoy-upstream-service-time"]]) {
      gateway.serveIris([origin.port], { responseHeaders: { remove: edits, add: [] } });
      const client = await Http2Client.open(gateway, secure);
      const reply = await client.request({ ":path": "/seldon/prod/iris/x" });
      client.destroy();
      const { "x-request-id": id, "x-envoy-upstream-service-time": ms } = reply.headers;
      expect([id, ms === undefined]).toEqual([gateway.entries.at(-1)!.requestId, edits.length > 0]);
      expect(idLines((await gateway.ask(secure, post("x"))).head)).toHaveLength(1);
    }
  });

  test("a Mapping may take it out, or say another", async () => {
    await answering("x-request-id: its own\r\n", {}, { remove: ["x-request-id"], add: [] });
    expect(idLines((await gateway.ask(secure, post("x"))).head)).toEqual([]);
    const add = [{ name: "x-request-id", value: "fixed", append: false }];
    gateway.serveIris([origin.port], { responseHeaders: { remove: [], add } });
    expect(idLines((await gateway.ask(secure, post("x"))).head)).toEqual(["x-request-id: fixed"]);
  });
});

test("a tunnel begins with it", async () => {
  origin = await new Origin(({ socket, text }) => {
    if (text.endsWith("\r\n\r\n"))
      socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n");
  }).listen();
  gateway = await new Gateway({ accessLog: "all" }).listen();
  gateway.serveIris([origin.port], { upgrades: ["websocket"] });
  const client = await gateway.open(false);
  client.write(
    "GET /seldon/prod/iris/ws HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AQIDBAUGBwgJCgsMDQ4PEA==\r\n\r\n",
  );
  await client.until((one) => one.text.includes("\r\n\r\n"));
  expect(idLines(client.text)).toEqual([expect.stringMatching(/^x-request-id: [0-9a-f-]{36}$/)]);
  expect(origin.text).toContain(idLines(client.text)[0]!);
  client.destroy();
});

test("a redirect has it", async () => {
  await start({ accessLog: "all" });
  const iris = irisTo("iris");
  const target: RedirectTarget = {
    kind: "redirect",
    code: 302,
    host: "other",
    path: { kind: "keep" },
  };
  gateway.serve([{ ...iris, target }], [], []);
  const answer = await gateway.ask(false, post("x"));
  expect([answer.status, fieldOf(answer, "x-request-id")]).toEqual([302, gateway.entries[0]!.requestId]);
  expect(gateway.entries[0]).toMatchObject({ origin: "gateway", deployment: "iris", flag: "", sentence: "" });
});

test("a probe has none", async () => {
  await start();
  const client = await gateway.open(false);
  client.write("GET /ambassador/v0/check_alive HTTP/1.1\r\nHost: a\r\n\r\n");
  const [answer] = await client.answers(1);
  expect([answer!.status, fieldOf(answer!, "x-request-id")]).toEqual([200, null]);
  client.destroy();
});

test.each([
  ["a failure", { ":method": "POST", ":path": "/nowhere" }, 404],
  [
    "a head that is refused",
    { ":path": "/x", ...Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`x-${at}`, "v"])) },
    431,
  ],
  [
    "a gRPC status",
    { ":method": "POST", ":path": "/seldon.protos.Seldon/Predict", "content-type": "application/grpc", te: "trailers" },
    200,
  ],
])("over HTTP/2 %s has it", async (_what, head, status) => {
  await start();
  gateway.serve([irisTo("iris")], [upstreamOf("iris")], []);
  const client = await Http2Client.open(gateway, false);
  const reply = await client.request(head);
  expect([reply.status, reply.headers["x-request-id"]]).toEqual([status, expect.stringMatching(uuid)]);
  expect(gateway.entries.map(({ requestId }) => requestId)).toEqual([reply.headers["x-request-id"]]);
  client.destroy();
});
