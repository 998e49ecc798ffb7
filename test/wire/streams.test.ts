// Bodies of any size and in any pieces, many at once, between peers that are fast, slow, or leave in the middle: each arrives byte for byte.
// Read buffer and out buffer are one a worker, so whatever is kept of them one moment too long shows here as bytes of another connection.
import { randomBytes } from "node:crypto";
import {
  Agent as HttpAgent,
  createServer as createHttpServer,
  request as requestHttp,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { Agent as HttpsAgent, createServer as createHttpsServer, request as requestHttps } from "node:https";
import type { AddressInfo } from "node:net";
import type { Writable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, test } from "vitest";
import { eventually } from "../turns.ts";
import { Gateway, post, transports } from "./gateway.ts";
import { certPem, keyPem } from "./identity.ts";
import { Origin, requestsIn } from "./origin.ts";

/** More than the kernel takes for a reader that rests: what is left is then kept by the gateway. */
const mostBytes = 8_000_000;
/** A reader that rests does so once, after so many bytes. */
const restsAfterBytes = 50_000;
/** Every body is a part of it: no two alike. */
const noise = randomBytes(2 * mostBytes);

/** What one side sends, and how its reader reads. */
interface Body {
  readonly start: number;
  readonly end: number;
  readonly pieceBytes: number;
  readonly chunked: boolean;
  /** How long the reader rests, ms. */
  readonly restMs: number;
}

function below(count: number): number {
  return Math.floor(Math.random() * count);
}

function anyBody(): Body {
  // As many around the sizes of windows and of what is passed on uncopied as between and beyond.
  const bytes = [
    below(500),
    32_700 + below(140),
    65_000 + below(1100),
    131_000 + below(300),
    below(400_000),
    mostBytes,
  ][below(6)]!;
  const start = below(noise.length - bytes);
  return {
    start,
    end: start + bytes,
    pieceBytes: [1000, 16_384, 40_000, 131_072, mostBytes][below(5)]!,
    chunked: Math.random() < 0.5,
    restMs: [0, 5, 150][below(3)]!,
  };
}

async function send(body: Body, to: Writable): Promise<void> {
  for (let at = body.start; at < body.end; at += body.pieceBytes) {
    if (to.destroyed) return;
    if (to.write(noise.subarray(at, Math.min(body.end, at + body.pieceBytes)))) continue;
    await new Promise<void>((resolve) => {
      const go = (): void => {
        to.removeListener("drain", go).removeListener("close", go);
        resolve();
      };
      to.on("drain", go).on("close", go);
    });
  }
  to.end();
}

/** The first difference from what was sent, in words; "": none. */
function check(body: Body, from: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let at = body.start;
    let restAt = at + restsAfterBytes;
    from.on("data", (piece: Buffer) => {
      const length = Math.min(piece.length, body.end - at);
      if (length < piece.length || piece.compare(noise, at, at + length) !== 0) {
        from.removeAllListeners("data").resume();
        resolve(`other bytes than those sent, from ${at - body.start} of ${body.end - body.start} on`);
      }
      at += piece.length;
      if (body.restMs === 0 || at < restAt) return;
      restAt = Infinity;
      from.pause();
      setTimeout(() => from.resume(), body.restMs);
    });
    from.on("end", () => resolve(at === body.end ? "" : `${at - body.start} bytes of ${body.end - body.start}`));
    from.on("error", (error) => resolve(error.message));
  });
}

/** What the origin is to read and to answer stands in the head. */
const planField = "x-plan";

function serve(request: IncomingMessage, response: ServerResponse): void {
  const { sent, answered, early } = JSON.parse(String(request.headers[planField])) as {
    readonly sent: Body;
    readonly answered: Body;
    readonly early: boolean;
  };
  const whole = check(sent, request);
  const answer = (fault: string): void => {
    response.statusCode = fault === "" ? 200 : 500;
    if (fault !== "") {
      response.end(fault);
      return;
    }
    if (!answered.chunked) response.setHeader("content-length", answered.end - answered.start);
    void send(answered, response);
  };
  if (early) answer("");
  void whole.then((fault) => {
    if (!early) answer(fault);
    // The answer has begun: only its end can tell.
    else if (fault !== "") response.destroy();
  });
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Bytes of buffers that somebody holds: garbage of other tests is not counted. */
function heldBytes(): number {
  collect();
  return process.memoryUsage().arrayBuffers;
}

let gateway: Gateway | null = null;
let origin: Server | null = null;
afterEach(() => {
  gateway?.close();
  origin?.closeAllConnections();
  origin?.close();
});

async function start(secureUpstream: boolean): Promise<void> {
  origin = secureUpstream ? createHttpsServer({ cert: certPem, key: keyPem }, serve) : createHttpServer(serve);
  await new Promise<void>((resolve) => {
    origin!.listen(0, "127.0.0.1", resolve);
  });
  gateway = await new Gateway({ time: "real" }).listen();
  const tls = secureUpstream ? { tls: { context: "test", sni: null, caPem: null, certificate: null } } : {};
  gateway.serveIris([(origin.address() as AddressInfo).port], { timeout: { ms: 0, setBy: "test" } }, tls);
}

/** One request and its answer. "": both were whole; null: the client left in the middle, as it was to. */
function exchange(secure: boolean, agent: HttpAgent, leaves: boolean): Promise<string | null> {
  const sent = anyBody();
  const answered = anyBody();
  const length = sent.chunked ? {} : { "content-length": sent.end - sent.start };
  const options = {
    agent,
    host: "127.0.0.1",
    port: secure ? gateway!.tlsPort : gateway!.port,
    method: "POST",
    path: "/seldon/prod/iris/x",
    headers: { [planField]: JSON.stringify({ sent, answered, early: Math.random() < 0.3 }), ...length },
  };
  return new Promise((resolve) => {
    const request = (secure ? requestHttps : requestHttp)(
      { ...options, ...(secure ? { rejectUnauthorized: false } : {}) },
      (response) => {
        if (response.statusCode === 200) void check(answered, response).then(resolve);
        else response.on("data", (text: Buffer) => resolve(`status ${response.statusCode}: ${text.toString()}`));
      },
    );
    request.on("error", (error) => resolve(leaves ? null : error.message));
    if (leaves) {
      request.on("close", () => resolve(null));
      setTimeout(() => request.destroy(), below(20));
    }
    void send(sent, request);
  });
}

describe.each(transports)("client %s", (_name, secure) => {
  test.each(transports)(
    "upstream %s: bodies both ways, many at once, slow, fast and cut short",
    async (_upstream, secureUpstream) => {
      await start(secureUpstream);
      const agent = secure
        ? new HttpsAgent({ keepAlive: true, maxSockets: 10 })
        : new HttpAgent({ keepAlive: true, maxSockets: 10 });
      const wanted = Array.from({ length: 60 }, (_, index) => exchange(secure, agent, index % 6 === 5));
      const faults = (await Promise.all(wanted)).filter((fault) => fault !== "" && fault !== null);
      agent.destroy();
      expect(faults).toEqual([]);
      await eventually(() => gateway!.counted("inFlight") === 0, "the end of every exchange");
    },
  );

  test("readers that stop cost no more than what two reads bring, each", async () => {
    const readers = 10;
    let written = 0;
    const block = Buffer.alloc(256 * 1024, "a");
    origin = createHttpServer((_request, response) => {
      response.setHeader("content-length", 1_000_000_000);
      const pump = (): void => {
        do written += block.length;
        while (!response.destroyed && response.write(block));
      };
      response.on("drain", pump);
      pump();
    });
    await new Promise<void>((resolve) => {
      origin!.listen(0, "127.0.0.1", resolve);
    });
    gateway = await new Gateway({ time: "real" }).listen();
    gateway.serveIris([(origin.address() as AddressInfo).port]);
    const clients = await Promise.all(Array.from({ length: readers }, () => gateway!.open(secure)));
    const before = heldBytes();
    for (const client of clients) {
      client.socket.pause();
      client.write(post("x"));
    }
    // Until the kernel is full too.
    let seen = -1;
    while (seen < written) {
      seen = written;
      await new Promise((resolve) => {
        setTimeout(resolve, 250);
      });
    }
    expect(written).toBeLessThan(readers * 64 * 1024 * 1024);
    await eventually(() => heldBytes() - before < readers * 512 * 1024, "what is kept for them is little");
    for (const client of clients) client.destroy();
  });

  test("requests behind a large body in the same reads are requests of their own", async () => {
    const recorder = await new Origin().listen();
    gateway = await new Gateway({ time: "real" }).listen();
    gateway.serveIris([recorder.port]);
    const client = await gateway.open(secure);
    const bodies = [40_000, 3, 131_072, 65_536, 0, 99_999, 32_768].map((bytes, index) =>
      String.fromCharCode(97 + index).repeat(bytes),
    );
    client.write(bodies.map((body) => post(body)).join(""));
    await client.answers(bodies.length);
    expect(requestsIn(recorder.text).map((request) => request.slice(request.indexOf("\r\n\r\n") + 4))).toEqual(bodies);
    client.destroy();
    await recorder.close();
  });
});
