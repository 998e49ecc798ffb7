// Many streams at once, of any length, with any windows and readers of any speed: every stream carries its own bytes, whole and in order.
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { ClientHttp2Stream } from "node:http2";
import { array, asyncProperty, assert, boolean, constantFrom, integer, record } from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { eventually } from "../turns.ts";
import { Gateway, transports } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { Http2Origin } from "./http2-origin.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

/** What a reader does after each piece. */
type Pace = "at once" | "a turn later" | "late";

const windows = constantFrom(2000, 10_000, 65_535, 1 << 20);
const calls = record({
  bytes: constantFrom(0, 1, 4095, 4096, 4097, 16_384, 40_000, 100_000, 250_000),
  pace: constantFrom<Pace>("at once", "a turn later", "late"),
  /** It is given up after so many bytes of the answer; −1: never. */
  resetAfter: constantFrom(-1, -1, -1, 0, 5000),
});

function hash(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Hash of what comes on a stream; null: it was given up. */
async function readAll(stream: ClientHttp2Stream, pace: Pace, resetAfter: number): Promise<string | null> {
  const sum = createHash("sha256");
  let read = 0;
  const closed = new Promise((resolve) => stream.once("close", resolve));
  if (pace === "late") await new Promise((resolve) => setTimeout(resolve, 30));
  stream.on("data", (piece: Buffer) => {
    sum.update(piece);
    read += piece.length;
    if (resetAfter >= 0 && read > resetAfter) stream.close(8);
    else if (pace !== "at once") {
      stream.pause();
      setImmediate(() => stream.resume());
    }
  });
  await closed;
  return stream.rstCode === 0 ? sum.digest("hex") : null;
}

describe.each(transports)("%s", (_name, secure) => {
  test("each stream gets its own bytes back", async () => {
    await assert(
      asyncProperty(
        windows,
        windows,
        array(calls, { minLength: 5, maxLength: 60 }),
        boolean(),
        integer({ min: 1, max: 4 }),
        async (clientWindow, originWindow, plans, trailing, connections) => {
          const origin = await new Http2Origin(() => undefined, {
            settings: { initialWindowSize: originWindow },
          }).listen();
          origin.atHead = ({ stream }) => {
            stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: trailing });
            stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
            stream.pipe(stream);
          };
          const gateway = await new Gateway({ time: "real" }).listen();
          gateway.serveIris([origin.port], {}, { protocol: "http2" });
          const clients = await Promise.all(
            Array.from({ length: connections }, () =>
              Http2Client.open(gateway, secure, { initialWindowSize: clientWindow }),
            ),
          );
          closers.push(() => {
            for (const client of clients) client.destroy();
            origin.close();
            gateway.close();
          });
          const replies = plans.map(async ({ bytes, pace, resetAfter }, index) => {
            const body = randomBytes(bytes);
            const stream = clients[index % connections]!.start({
              ":method": "POST",
              ":path": "/seldon/prod/iris/x",
              "content-type": "application/grpc",
              te: "trailers",
            });
            const reply = readAll(stream, pace, resetAfter);
            for (let at = 0; at < bytes; at += 30_000)
              if (!stream.write(body.subarray(at, at + 30_000)) && !stream.destroyed)
                await Promise.race([once(stream, "drain").catch(() => null), once(stream, "close")]);
            if (!stream.destroyed) stream.end();
            const got = await reply;
            if (got !== null) expect(got).toBe(hash(body));
            else expect(resetAfter).toBeGreaterThanOrEqual(0);
          });
          await Promise.all(replies);
          // An exchange is over when its answer is given; what waits for a window may still be given up after that.
          await eventually(
            () => gateway.counted("inFlight") === 0 && gateway.counted("http2QueuedBytes") === 0,
            "nothing in flight and nothing queued",
          );
          expect(gateway.faults).toBe(0);
          for (const close of closers.splice(0)) await close();
        },
      ),
      { numRuns: 20 },
    );
  }, 30_000);
});
