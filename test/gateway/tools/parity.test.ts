// `sluice parity` on real gateways, and beside gateways that answer late, garbage or nothing.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createOnePort } from "../../../gateway/demo/one-port.ts";
import { answerMs } from "../../../gateway/tools/parity/probe.ts";
import { GatewayProcess } from "../gateway-process.ts";
import { until } from "../until.ts";
import { runTool } from "./run-tool.ts";

let folder: string;
const at = (name: string): string => join(folder, name);
const closers: (() => unknown)[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-parity-"));
});
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A gateway that serves the folder. */
async function gateway(name: string): Promise<string> {
  const started = new GatewayProcess([
    "serve",
    "--folder",
    at(name),
    "--listen",
    "127.0.0.1:0",
    "--admin",
    "127.0.0.1:0",
    "--workers",
    "1",
    "--drain-wait-ms",
    "0",
  ]);
  closers.push(() => started.kill());
  const { traffic, admin } = await started.listening();
  await until(async () => (await fetch(`${admin}/readyz`)).status === 200);
  return traffic;
}

const written = async (name: string, port: number): Promise<void> => {
  expect(await runTool("init", "iris", `main=${port}`, "--folder", at(name))).toMatchObject({ code: 0 });
};

test("two gateways of the same manifests answer alike, over REST and gRPC; with a model away they differ", async () => {
  const model = await listen(createOnePort("1"));
  await written("same", model);
  await written("away", 1);
  const [a, b] = await Promise.all([gateway("same"), gateway("away")]);
  const alike = await runTool("parity", "--a", a, "--b", a, at("same"));
  expect([alike.code, alike.err]).toEqual([0, ""]);
  expect(alike.out).toMatch(/^2 requests to each gateway: 2 alike, 0 different; median \d+ and \d+ ms\n$/);
  const differ = await runTool("parity", "--a", a, "--b", b, at("same"));
  expect(differ.code).toBe(1);
  expect(differ.out).toMatch(/^models\/iris {2}gRPC {2}status gRPC 0 and gRPC 14/m);
  expect(differ.out).toMatch(/^models\/iris {2}REST {2}status 200 and 503/m);
  writeFileSync(at("request.json"), '{"data":{"ndarray":[[5.1,3.5,1.4,0.2]]}}');
  const predicted = await runTool(
    "parity",
    "--a",
    a,
    "--b",
    a,
    "--predict",
    at("request.json"),
    "-o",
    "json",
    at("same"),
  );
  expect(JSON.parse(predicted.out)).toMatchObject({
    items: expect.arrayContaining([
      expect.objectContaining({
        protocol: "REST",
        path: "/seldon/models/iris/api/v1.0/predictions",
        a: expect.objectContaining({ status: "200" }) as unknown,
      }),
    ]) as unknown,
  });
});

describe("a second gateway that", () => {
  test.each<readonly [what: string, answer: string | null, status: string]>([
    ["answers garbage", "garbage\r\n\r\n", "no answer ("],
    ["ends at once", "", "no answer ("],
    ["says nothing", null, `no answer (none in ${answerMs} ms)`],
  ])(
    "%s is a difference in words",
    async (_, answer, status) => {
      const model = await listen(createOnePort("1"));
      await written(`with-${model}`, model);
      const a = await gateway(`with-${model}`);
      const port = await listen(
        createServer((socket) => {
          socket.on("error", () => {});
          if (answer !== null) socket.end(answer);
          closers.push(() => socket.destroy());
        }),
      );
      const { code, out, err } = await runTool(
        "parity",
        "--a",
        a,
        "--b",
        `http://127.0.0.1:${port}`,
        at(`with-${model}`),
      );
      expect([code, err]).toEqual([1, ""]);
      expect(out.split("\n").filter((line) => line.includes(status))).toHaveLength(2);
    },
    30_000,
  );
});

describe("use", () => {
  test.each([
    [[]],
    [["--a", "http://a", "x.yaml"]],
    [["--a", "ftp://a", "--b", "http://b", "x.yaml"]],
    [["--a", "http://u:p@a", "--b", "http://b", "x.yaml"]],
    [["--a", "http://a", "--b", "http://b/x", "x.yaml"]],
    [["--a", "http://a", "--b", "http://b", "-H", "no header", "x.yaml"]],
    [["--a", "http://a", "--b", "http://b", "--lanes", "65", "x.yaml"]],
  ])("%j is wrong", async (argv) => {
    expect((await runTool("parity", ...argv)).code).toBe(2);
  });

  test("what cannot be read is one sentence", async () => {
    const gateways = ["--a", "http://127.0.0.1:1", "--b", "http://127.0.0.1:1"];
    for (const argv of [[at("none")], ["--predict", at("none"), at("same")], ["--deployment", "none", at("same")]]) {
      const { code, out, err } = await runTool("parity", ...gateways, ...argv);
      expect([code, out, err.split("\n").length]).toEqual([1, "", 2]);
    }
  });
});
