// Readiness of a worker, as a probe on its traffic port and grpc.health.v1 see it: what it has not been given, and without which it refuses everybody, it waits for.
import { once } from "node:events";
import { connect, type IncomingHttpHeaders as Http2Fields } from "node:http2";
import * as grpc from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { noPolicy } from "../../gateway/callers/call-policy.ts";
import { serving } from "../../gateway/edge/message/grpc-message.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { certificateSet, hostDeclaration } from "./certificates.ts";
import { fieldOf } from "./client.ts";
import { Gateway, endpointsOn, irisTo, post, transports, type GatewayOptions } from "./gateway.ts";
import { certPem, keyPem } from "./identity.ts";

let gateway: Gateway;
let health: grpc.Client;
afterEach(() => {
  health.close();
  gateway.close();
  expect(gateway.faults).toBe(0);
});

async function probes(): Promise<readonly (readonly [number, string])[]> {
  const client = await gateway.open(false);
  for (const path of ["/readyz", "/ambassador/v0/check_ready"]) client.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  const answers = await client.answers(2);
  client.destroy();
  return answers.map(({ status, body }) => [status, body] as const);
}

test.each<readonly [string, GatewayOptions, (plane: Gateway["plane"]) => void]>([
  ["the policy (--policy)", { policy: null }, (plane) => plane.setPolicy(noPolicy)],
  [
    "the clients of the OAuth gateway",
    { oauth: null },
    (plane) => plane.setOAuthClients({ whole: true, set: [], removed: [] }),
  ],
  [
    "certificates",
    { certificates: "none" },
    (plane) => plane.setCertificates(certificateSet([hostDeclaration("default", ["*"], { certPem, keyPem })])),
  ],
])("a worker with a table but without %s is not ready and says so, until it has it", async (what, options, give) => {
  gateway = await new Gateway(options).listen();
  gateway.serve([irisTo("iris")], [upstreamOf("iris")], [endpointsOn("iris", [9])]);
  health = new grpc.Client(`127.0.0.1:${gateway.port}`, grpc.credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  const told: number[] = [];
  const watching = health.makeServerStreamRequest("/grpc.health.v1.Health/Watch", same, same, Buffer.from([0x0a, 0]));
  watching.on("data", (reply: Buffer) => told.push(reply[1]!));
  watching.on("error", () => undefined);
  await gateway.goOnUntil(() => told.length === 1, "what a watcher is told first");
  expect(await probes()).toEqual([
    [503, `not ready: it waits for ${what}\n`],
    [503, `not ready: it waits for ${what}\n`],
  ]);
  expect(gateway.plane.lacks).toBe(what);
  give(gateway.plane);
  expect(gateway.plane.lacks).toBeNull();
  expect(await probes()).toEqual([
    [200, "ready\n"],
    [200, "ready\n"],
  ]);
  await gateway.goOnUntil(() => told.length === 2, "that it is ready");
  expect(told).toEqual([serving.no, serving.yes]);
  watching.cancel();
});

test("a worker without a table says so, and one that is told to wait says who knows why", async () => {
  gateway = await new Gateway().listen();
  health = new grpc.Client(`127.0.0.1:${gateway.port}`, grpc.credentials.createInsecure());
  expect((await probes())[0]).toEqual([503, "not ready: it waits for its first table\n"]);
  gateway.serve([irisTo("iris")], [upstreamOf("iris")], [endpointsOn("iris", [9])]);
  expect((await probes())[0]).toEqual([200, "ready\n"]);
  gateway.notReady();
  expect((await probes())[0]).toEqual([
    503,
    "not ready: it waits for the rest of the gateway, which /readyz of the admin port names\n",
  ]);
});

const iris = "/seldon/prod/iris/api/v1.0/predictions";
const notYet = "The gateway has not read its objects yet. Retry in a moment";

async function http2Status(method: string, path: string, fields: Http2Fields = {}): Promise<Http2Fields> {
  const session = connect(`http://127.0.0.1:${gateway.port}`);
  const stream = session.request({ ":method": method, ":path": path, ...fields });
  stream.resume();
  stream.end();
  const [head] = (await once(stream, "response")) as [Http2Fields];
  session.close();
  return head;
}

const grpcCall = { "content-type": "application/grpc", te: "trailers", seldon: "iris", namespace: "prod" };

describe("before the first table", () => {
  test.each(transports)("whoever asks over HTTP/1.1 is told to come again: %s", async (_, secure) => {
    gateway = await new Gateway({ oauth: [] }).listen();
    health = new grpc.Client(`127.0.0.1:${gateway.port}`, grpc.credentials.createInsecure());
    for (const [request, retryAfter] of [
      [post("{}"), "1"],
      [post("{}", "", "/seldon/prod/iris/api/v1.0/feedback"), "1"],
      ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "1"],
      [`GET ${iris} HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`, "1"],
      [
        `OPTIONS ${iris} HTTP/1.1\r\nHost: a\r\nOrigin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n\r\n`,
        "1",
      ],
    ] as const) {
      const answer = await gateway.ask(secure, request);
      expect([answer.status, answer.body, fieldOf(answer, "retry-after")]).toEqual([503, notYet, retryAfter]);
    }
    const inJson = await gateway.ask(secure, post("{}", "Accept: application/json\r\n"));
    expect(JSON.parse(inJson.body)).toMatchObject({ status: { code: 503, reason: "not-read", info: notYet } });
    const web = await gateway.ask(
      secure,
      post(
        "",
        "Content-Type: application/grpc-web+proto\r\nseldon: iris\r\nnamespace: prod\r\n",
        "/seldon.protos.Seldon/Predict",
      ),
    );
    expect([web.status, `${fieldOf(web, "grpc-status")} ${web.body}`.includes("14")]).toEqual([200, true]);
    const alive = await gateway.ask(secure, "GET /ambassador/v0/check_alive HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(alive.status).toBe(200);
    gateway.serve([], [], []);
    expect((await gateway.ask(secure, post("{}"))).status).toBe(404);
  });

  test("whoever asks over HTTP/2 is, too, and health says that nothing is served yet", async () => {
    gateway = await new Gateway().listen();
    health = new grpc.Client(`127.0.0.1:${gateway.port}`, grpc.credentials.createInsecure());
    const rest = await http2Status("POST", iris);
    expect([rest[":status"], rest["retry-after"]]).toEqual([503, "1"]);
    const call = await http2Status("POST", "/seldon.protos.Seldon/Predict", grpcCall);
    expect([call[":status"], call["grpc-status"], call["grpc-message"]]).toEqual([200, "14", notYet]);
    const named = await http2Status("POST", "/grpc.health.v1.Health/Check", grpcCall);
    expect([named[":status"], named["grpc-status"]]).toEqual([200, undefined]);
    gateway.serve([], [], []);
    expect((await http2Status("POST", "/seldon.protos.Seldon/Predict", grpcCall))["grpc-status"]).toBe("12");
    expect((await http2Status("POST", iris))[":status"]).toBe(404);
  });
});
