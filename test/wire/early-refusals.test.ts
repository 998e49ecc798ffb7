// Large requests over HTTP/1.1 that the gateway answers before it has read them: clients that send all of a body before they read see the status, and whoever goes on sending costs nobody
// a call. Python's http.client is tried where it is installed.
import { execFile, spawnSync } from "node:child_process";
import { request } from "node:http";
import { request as requestTls } from "node:https";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { mostLingerBytes, mostLingering, mostLingerMs } from "../../gateway/edge/downstream/lingering.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { guardOf, policyWith } from "../policies.ts";
import type { RawClient } from "./client.ts";
import { Gateway, endpointsOn, irisTo, post, transports, type GatewayOptions } from "./gateway.ts";

let gateway: Gateway;
afterEach(() => {
  expect([gateway.faults, gateway.counted("inFlight")]).toEqual([0, 0]);
  gateway.close();
});

const path = "/seldon/prod/iris/api/v1.0/predictions";
const bytes = 20_000_000;

/** What refuses a request of so many bytes, and how it is answered. */
const refusals: readonly (readonly [status: number, options: GatewayOptions, path: string])[] = [
  [401, { policy: policyWith("keys") }, path],
  [404, {}, "/nowhere"],
  [413, { limits: { bodyBytes: 5_000_000 } }, path],
  [503, {}, path],
];

async function refusing([status, options]: (typeof refusals)[number]): Promise<void> {
  gateway = await new Gateway({ ...options, time: "real" }).listen();
  const iris = irisTo("iris");
  gateway.serve(
    [status === 401 ? { ...iris, guard: guardOf("keys") } : iris],
    [upstreamOf("iris")],
    [endpointsOn("iris", status === 503 ? [] : [9])],
  );
}

const python = spawnSync("python3", ["-c", "import ssl, http.client"]).status === 0;

describe.each(transports)("%s", (_, secure) => {
  test.each(refusals)("Node's http sees the %i", async (...refusal) => {
    await refusing(refusal);
    const ask = secure ? requestTls : request;
    const status = await new Promise<number | string>((resolve) => {
      const asked = ask(
        {
          host: "127.0.0.1",
          port: secure ? gateway.tlsPort : gateway.port,
          method: "POST",
          path: refusal[2],
          rejectUnauthorized: false,
          agent: false,
        },
        (answer) => {
          answer.resume();
          answer.on("end", () => resolve(answer.statusCode!));
        },
      );
      asked.on("error", ({ message }) => resolve(message));
      asked.end(Buffer.alloc(bytes, "x"));
    });
    expect(status).toBe(refusal[0]);
  });

  const program = `import http.client, ssl, sys
secure, port, path = sys.argv[1] == "1", int(sys.argv[2]), sys.argv[3]
c = http.client.HTTPSConnection("127.0.0.1", port, timeout=15, context=ssl._create_unverified_context()) if secure else http.client.HTTPConnection("127.0.0.1", port, timeout=15)
c.request("POST", path, b"x" * ${bytes}, {})
print(c.getresponse().status)`;
  test.runIf(python).each(refusals)("Python's http.client sees the %i", async (...refusal) => {
    await refusing(refusal);
    const port = secure ? gateway.tlsPort : gateway.port;
    const { stdout } = await promisify(execFile)("python3", [
      "-c",
      program,
      secure ? "1" : "0",
      String(port),
      refusal[2],
    ]);
    expect(stdout.trim()).toBe(String(refusal[0]));
  });
});

test.each(refusals)("fetch sees the %i", async (...refusal) => {
  await refusing(refusal);
  const answer = await fetch(`http://127.0.0.1:${gateway.port}${refusal[2]}`, {
    method: "POST",
    body: Buffer.alloc(bytes, "x"),
  });
  expect(answer.status).toBe(refusal[0]);
});

describe("whoever goes on sending", () => {
  /** Its request has no Route, is answered, and has a body without end. */
  async function answered(secure = false): Promise<RawClient> {
    const client = await gateway.open(secure);
    client.socket.setNoDelay(true);
    client.write("POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n");
    await client.answers(1);
    await client.end();
    return client;
  }
  const lingering = (): number => gateway.counted("clientConnectionsLingering");

  test.each([
    ["one byte less than the most is read on", -1, 1],
    ["the most is read on", 0, 1],
    ["one byte more is cut at once", 1, 0],
  ])("%s", async (_, more, left) => {
    gateway = await new Gateway().listen();
    gateway.serveIris([]);
    const client = await answered();
    expect(lingering()).toBe(1);
    const piece = Buffer.alloc(1024 * 1024);
    for (let sent = 0; sent < mostLingerBytes + more; sent += piece.length)
      client.socket.write(piece.subarray(0, Math.min(piece.length, mostLingerBytes + more - sent)));
    await gateway.goOnUntil(() => client.socket.writableLength === 0 || client.closed, "all is taken");
    // What stands in the kernel comes in small steps, long before it is silent for a second.
    for (let ms = 0; ms < 800; ms += 8) await gateway.advance(8);
    expect(lingering()).toBe(left);
    await gateway.advance(1050);
    expect(lingering()).toBe(0);
    client.destroy();
  });

  test.each(transports)("is cut after 10 s, and after one of silence: %s", async (_, secure) => {
    gateway = await new Gateway().listen();
    gateway.serveIris([]);
    const [silent, trickling] = [await answered(secure), await answered(secure)];
    await gateway.advance(990);
    expect(lingering()).toBe(2);
    trickling.write("x");
    await gateway.advance(20);
    expect(lingering()).toBe(1);
    for (let ms = 1010; ms < mostLingerMs - 500; ms += 500) {
      trickling.write("x");
      await gateway.advance(500);
    }
    expect(lingering()).toBe(1);
    trickling.write("x");
    await gateway.advance(500);
    expect(lingering()).toBe(0);
    for (const client of [silent, trickling]) client.destroy();
  });

  test("takes the place of whoever has done so longest, and a call meanwhile is answered", async () => {
    gateway = await new Gateway().listen();
    gateway.serveIris([]);
    const clients: RawClient[] = [];
    for (let i = 0; i < mostLingering; i++) clients.push(await answered());
    expect([lingering(), gateway.counted("clientConnectionsHttp1")]).toEqual([mostLingering, mostLingering]);
    clients.push(await answered());
    expect([lingering(), gateway.counted("clientConnectionsHttp1")]).toEqual([mostLingering, mostLingering]);
    // Its side is told by a reset, once it writes.
    await gateway.goOnUntil(() => {
      clients[0]!.write("x");
      return clients[0]!.closed;
    }, "the first is cut");
    // All of them at once, as fast as they can.
    for (const client of clients) client.write("x".repeat(512 * 1024));
    expect((await gateway.ask(false, post("{}"))).status).toBe(503);
    for (const client of clients) client.destroy();
    await gateway.goOnUntil(() => lingering() === 0, "nobody lingers");
  });

  test("holds no drain", async () => {
    gateway = await new Gateway().listen();
    gateway.serveIris([]);
    const client = await answered();
    const drained = gateway.plane.drain(0, 60_000);
    let isOver = false;
    void drained.then(() => (isOver = true));
    for (let ms = 0; ms < 1200; ms += 300) {
      client.write("x");
      await gateway.advance(300);
    }
    expect(isOver).toBe(true);
    client.destroy();
  });
});
