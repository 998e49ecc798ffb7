// Answers that come before their request has ended: from the gateway to HTTP/2 clients, and from real upstreams through it. curl and nginx are
// tried where they are installed, Go's net/http and grpc-go where `test/tools/early.sh` has built them.
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { errorCode, flag, frameType } from "../../gateway/edge/frames/constants.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { frames, rawClient, type RawPeer } from "../gateway/edge/http2/raw-peer.ts";
import { freePort } from "../ports.ts";
import { tickMs } from "../stopped-clock.ts";
import { endpointsOn, Gateway, irisTo } from "./gateway.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** `real`: for peers that are programs of their own, whose time goes on. */
async function start(time: "stopped" | "real" = "stopped"): Promise<Gateway> {
  const gateway = await new Gateway({ time }).listen();
  // The first table is there, and has no Route.
  gateway.serve([], [], []);
  closers.push(() => {
    expect(gateway.faults).toBe(0);
    gateway.close();
  });
  return gateway;
}

describe("the rest of a request that the gateway answers at once", () => {
  /** Sends the head of a POST to no Route. */
  async function answered(gateway: Gateway): Promise<RawPeer> {
    const peer = await rawClient(gateway.port);
    peer.send(frames.request(1, false));
    const head = await peer.wait(frameType.headers);
    // An entry of the static table.
    expect(head.payload.includes(0x8d)).toBe(true);
    return peer;
  }

  test("is read to its end, and then nothing is reset", async () => {
    const gateway = await start();
    const peer = await answered(gateway);
    peer.send(frames.data(1, "a part"), frames.data(1, "and the end", flag.endStream));
    await peer.answered();
    await gateway.advance(150);
    expect(peer.of(frameType.rstStream)).toEqual([]);
  });

  test("is not asked for any more after 100 ms, without an error", async () => {
    const gateway = await start();
    const peer = await answered(gateway);
    await gateway.advance(99);
    expect(peer.of(frameType.rstStream)).toEqual([]);
    await gateway.advance(1 + tickMs);
    const reset = await peer.wait(frameType.rstStream);
    expect(reset.payload.readUInt32BE()).toBe(errorCode.noError);
    // What was on its way is thrown away, and the client may go on.
    peer.send(frames.data(1, "late"), frames.reset(1, errorCode.noError), frames.request(3, true));
    await peer.wait(frameType.headers, 2);
    expect(peer.goAwayCode).toBe(-1);
  });

  test("opens the window for 64 KiB and no more", async () => {
    const gateway = await start();
    const peer = await answered(gateway);
    const taken = (): number =>
      peer
        .of(frameType.windowUpdate)
        .filter(({ streamId }) => streamId === 1)
        .reduce((sum, { payload }) => sum + payload.readUInt32BE(), 0);
    for (let i = 0; i < 4; i++) peer.send(frames.data(1, Buffer.alloc(16_384)));
    await peer.answered();
    expect(taken()).toBe(65_536);
    for (let i = 0; i < 4; i++) peer.send(frames.data(1, Buffer.alloc(16_384)));
    await peer.answered();
    expect(taken()).toBe(65_536);
    await gateway.during(peer.wait(frameType.rstStream));
    expect(peer.goAwayCode).toBe(-1);
  });

  test("holds no place of those that a client may have: as many linger as may be open, and then the first give way", async () => {
    const gateway = await start();
    const peer = await rawClient(gateway.port);
    for (let i = 0; i < 200; i++) peer.send(frames.request(2 * i + 1, false));
    await peer.wait(frameType.headers, 200);
    const refused = (): number =>
      peer.of(frameType.rstStream).filter(({ payload }) => payload.readUInt32BE() === errorCode.refusedStream).length;
    expect(refused()).toBe(0);
    for (let i = 200; i < 1200; i++) peer.send(frames.request(2 * i + 1, false));
    await peer.wait(frameType.headers, 1200);
    expect(refused()).toBe(0);
    expect(peer.goAwayCode).toBe(-1);
  });
});

const curl = "/usr/bin/curl";

describe.runIf(existsSync(curl))("curl", () => {
  test.each([1, 20_000, 300_000])(
    "sees the status of an answer to a POST of %i bytes, 40 of 40",
    async (bytes) => {
      const gateway = await start();
      const folder = mkdtempSync(join(tmpdir(), "sluice-early-"));
      closers.push(() => rmSync(folder, { recursive: true }));
      const body = join(folder, "body");
      writeFileSync(body, Buffer.alloc(bytes, "x"));
      const argv = [
        "--http2-prior-knowledge",
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "--max-time",
        "10",
        "--data-binary",
        `@${body}`,
        `http://127.0.0.1:${gateway.port}/nowhere`,
      ];
      const seen: string[] = [];
      for (let i = 0; i < 40; i++)
        seen.push(
          await promisify(execFile)(curl, argv).then(
            ({ stdout }) => stdout,
            (error: { code: number }) => `curl ${error.code}`,
          ),
        );
      expect(seen).toEqual(Array.from({ length: 40 }, () => "404"));
    },
    60_000,
  );
});

const early = new URL("../../.cache/tools/early", import.meta.url).pathname;
const nginx = "/usr/sbin/nginx";
const calls = 20_000;
/** More than one window, so that the answer comes before the request has ended; and one that fits. */
const sizes = [100, 100_000] as const;

/** Starts a server and waits until it listens. */
async function serve(program: string, argv: (port: number) => readonly string[]): Promise<number> {
  const port = await freePort();
  const server = spawn(program, argv(port), { stdio: "ignore" });
  closers.push(() => server.kill("SIGKILL"));
  for (let tries = 0; tries < 1000; tries++) {
    if (await listens(port)) return port;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`${program} does not listen`);
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** Calls that did not end as they should, and what the first said. */
async function failed(...argv: readonly (string | number)[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(early, argv.map(String), { timeout: 120_000 });
  return `${stdout.trim()} ${stderr.trim()}`.trim();
}

function upstreamOn(gateway: Gateway, port: number): void {
  const root = irisTo("iris", { rewrite: { kind: "none" } });
  const rest = {
    ...root,
    space: null,
    match: { ...root.match, path: { kind: "prefix" as const, prefix: "/", caseSensitive: true } },
  };
  const exact = (name: string, value: string): Mapping["match"]["headers"][number] => ({
    name,
    value: { kind: "exact", value },
  });
  const path = { kind: "prefix" as const, prefix: "/seldon.protos.", caseSensitive: true };
  const grpc = {
    ...root,
    id: "grpc",
    match: { ...root.match, path, headers: [exact("seldon", "iris"), exact("namespace", "prod")] },
  };
  gateway.serve([rest, grpc], [{ ...upstreamOf("iris"), protocol: "http2" }], [endpointsOn("iris", [port])]);
}

describe.runIf(existsSync(early))("at full load, through real upstreams that answer before they have read", () => {
  test.each(sizes)(
    `grpc-go: 0 of ${calls} calls with %i bytes fail`,
    async (bytes) => {
      const gateway = await start("real");
      upstreamOn(gateway, await serve(early, (port) => ["serve-grpc", String(port)]));
      const long = await rawClient(gateway.port);
      expect(await failed("call-grpc", gateway.port, calls, 64, bytes, 7, "iris")).toBe("0");
      await long.answered();
      expect(gateway.flagged("UC") + gateway.flagged("DPE") + gateway.flagged("UR")).toBe(0);
    },
    180_000,
  );

  test.each(sizes)(
    `Go's net/http: 0 of ${calls} requests with %i bytes fail`,
    async (bytes) => {
      const gateway = await start("real");
      upstreamOn(gateway, await serve(early, (port) => ["serve-http", String(port)]));
      expect(await failed("call-http", gateway.port, calls, 64, bytes, 200, "/")).toBe("0");
      expect(gateway.flagged("UC") + gateway.flagged("DPE") + gateway.flagged("UR")).toBe(0);
    },
    180_000,
  );

  // Bodies that it throws away count as a flood with nginx: it ends the connection after 1 MB of them, with what is under way.
  test.runIf(existsSync(nginx)).each([100, 2000])(
    `nginx: 0 of ${calls} requests with %i bytes fail`,
    async (bytes) => {
      const gateway = await start("real");
      const folder = mkdtempSync(join(tmpdir(), "sluice-early-"));
      closers.push(() => rmSync(folder, { recursive: true, force: true }));
      const config = join(folder, "nginx.conf");
      const port = await serve(nginx, (free) => {
        writeFileSync(
          config,
          `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log; events { worker_connections 512; }
http { access_log off; keepalive_requests 1000000; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${free} http2; location / { return 200 "ok"; } } }`,
        );
        return ["-p", folder, "-e", join(folder, "error.log"), "-c", config];
      });
      upstreamOn(gateway, port);
      expect(await failed("call-http", gateway.port, calls, 64, bytes, 200, "/")).toBe("0");
      expect(gateway.flagged("UC") + gateway.flagged("DPE") + gateway.flagged("UR")).toBe(0);
    },
    180_000,
  );

  test(`the gateway itself answers ${calls} calls of grpc-go before they are sent whole, and none of Go's net/http either`, async () => {
    const gateway = await start("real");
    gateway.serve([], [], []);
    expect(await failed("call-grpc", gateway.port, calls, 64, 100, 12, "nobody")).toBe("0");
    expect(await failed("call-http", gateway.port, calls, 64, 100_000, 404, "/nowhere")).toBe("0");
    expect(gateway.flagged("DPE")).toBe(0);
  }, 180_000);
});
