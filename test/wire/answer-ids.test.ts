// Answers of the gateway itself say by which id they are in its log.
import { afterEach, expect, test } from "vitest";
import { fieldOf } from "./client.ts";
import { Gateway, irisTo, post, type GatewayOptions } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { Origin } from "./origin.ts";
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
