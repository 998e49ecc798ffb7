// Readiness of a worker, as a probe on its traffic port and grpc.health.v1 see it: what it has not been given, and without which it refuses everybody, it waits for.
import * as grpc from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { noPolicy } from "../../gateway/callers/call-policy.ts";
import { serving } from "../../gateway/edge/message/grpc-message.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { certificateSet, hostDeclaration } from "./certificates.ts";
import { Gateway, endpointsOn, irisTo, type GatewayOptions } from "./gateway.ts";
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
