// Origins that answer with generated and mutated bytes, at any time, and leave at any byte: one of HTTP/1.1, one of HTTP/2.
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { settingsAck } from "../../load/peers/h2/frames.ts";
import { requestsIn } from "../wire/origin.ts";
import { Draws } from "./draws.ts";
import { endless, http1Answer } from "./http1-answers.ts";
import { http2Answer } from "./http2-answers.ts";
import { flags, someSettings, types } from "./http2-frames.ts";
import type { Moments } from "./moments.ts";
import { play } from "./player.ts";
import { scriptOf, type Script } from "./script.ts";

const longestHead = 200_000;

export class HostileOrigin {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  port = 0;

  constructor(serve: (socket: Socket) => void) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => this.#sockets.delete(socket));
      serve(socket);
    });
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, "0.0.0.0", resolve);
    });
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Connections of which nobody speaks any longer end. */
  drop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.drop();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const yes = latin1("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

function answering(draws: Draws): Script {
  if (draws.chance(0.97)) return scriptOf(draws, [latin1(http1Answer(draws))]);
  const [begin, drip] = draws.any(endless);
  return [
    { kind: "write", bytes: latin1(begin) },
    { kind: "drip", bytes: latin1(drip) },
  ];
}

/**
 * `seed` and the connection's number make its draws; connections are numbered as they come, so only single cases repeat exactly. Requests with `only` in
 * their text meet it; others get an empty 200.
 */
export function hostileHttp1(seed: number, moments: Moments, only = ""): HostileOrigin {
  let connections = 0;
  return new HostileOrigin((socket) => {
    const draws = new Draws(seed ^ 0x11111111, connections++);
    let text = "";
    let busy = false;
    const answer = (): void => {
      busy = true;
      text = "";
      void play(socket, answering(draws), moments).then(() => (busy = false));
    };
    socket.on("end", () => draws.chance(0.9) && socket.end());
    // Before it is asked.
    if (only === "" && draws.chance(0.03)) answer();
    socket.on("data", (bytes: Buffer) => {
      moments.happened("origin");
      if (busy) return;
      text = (text + bytes.toString("latin1")).slice(-longestHead);
      if (!text.includes(only)) {
        if (requestsIn(text).length === 0) return;
        text = "";
        socket.write(yes);
        return;
      }
      // At the first byte, in the middle, or when the request is whole; never, sometimes.
      if (draws.chance(0.08) || requestsIn(text).length > 0) {
        if (draws.chance(0.97)) answer();
        else text = "";
      }
    });
  });
}

/** Answers each connection once, byte by byte: a head of one long field, chunks of one byte, and trailers. */
export function drippingHttp1(): HostileOrigin {
  const answer = Buffer.from(
    `HTTP/1.1 200 OK\r\nx: ${"v".repeat(10_000)}\r\nTransfer-Encoding: chunked\r\n\r\n${"1\r\na\r\n".repeat(500)}0\r\nx: ${"v".repeat(7000)}\r\n\r\n`,
    "latin1",
  );
  return new HostileOrigin((socket) => {
    socket.once("data", () => {
      socket.resume();
      void (async () => {
        for (let at = 0; at < answer.length && !socket.destroyed; at++) {
          socket.write(answer.subarray(at, at + 1));
          if (at % 8 === 0) await new Promise(setImmediate);
        }
        socket.end();
      })();
    });
  });
}

export function hostileHttp2(seed: number, moments: Moments): HostileOrigin {
  let connections = 0;
  return new HostileOrigin((socket) => {
    const draws = new Draws(seed ^ 0x22222222, connections++);
    const early = draws.chance(0.3);
    let left = Buffer.alloc(0);
    let preface = 24;
    let plays: Promise<void> = Promise.resolve();
    // Answers of streams stand behind each other, as one socket has one order of bytes.
    const answer = (streamId: number): void => {
      plays = plays.then(() => play(socket, scriptOf(draws, http2Answer(draws, streamId)), moments));
    };
    socket.on("end", () => draws.chance(0.9) && socket.end());
    if (draws.chance(0.97)) socket.write(someSettings(draws));
    socket.on("data", (bytes: Buffer) => {
      moments.happened("origin");
      left = Buffer.concat([left, bytes]);
      const skipped = Math.min(preface, left.length);
      preface -= skipped;
      let at = skipped;
      while (left.length - at >= 9) {
        const end = at + 9 + left.readUIntBE(at, 3);
        if (end > left.length) break;
        const [type, flag, streamId] = [left[at + 3]!, left[at + 4]!, left.readUInt32BE(at + 5) & 0x7fffffff];
        at = end;
        if (socket.destroyed || socket.writableEnded) continue;
        if (type === types.settings && (flag & flags.ack) === 0 && draws.chance(0.97)) socket.write(settingsAck);
        else if (type === types.headers && (early || (flag & flags.endStream) !== 0)) answer(streamId);
        else if (type === types.data && !early && (flag & flags.endStream) !== 0) answer(streamId);
      }
      left = left.subarray(at);
    });
  });
}
