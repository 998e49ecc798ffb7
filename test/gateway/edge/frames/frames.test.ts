import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { flag, frameType } from "../../../../gateway/edge/frames/constants.ts";
import { found, FrameReader } from "../../../../gateway/edge/frames/frames.ts";
import { frame } from "../http2/raw-peer.ts";

interface Read {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly content: string;
  readonly flowBytes: number;
}

/** Reads `pieces`, DATA put together again. Each piece is overwritten after use, as the shared read buffer is. `heldEvery`: stop after so many frames. */
function readAll(pieces: readonly Buffer[], heldEvery: number): { frames: Read[]; stopped: number } {
  const reader = new FrameReader();
  const frames: Read[] = [];
  let content = "";
  let flowBytes = 0;
  let count = 0;
  for (const piece of pieces) {
    const bytes = Buffer.from(piece);
    reader.feed(bytes, 0, bytes.length);
    let fresh = true;
    for (;;) {
      const what = reader.next();
      if (what === found.nothing) break;
      if (what !== found.frame) return { frames, stopped: what };
      content += reader.bytes.toString("hex", reader.start, reader.end);
      flowBytes += reader.flowBytes;
      if (reader.last) {
        frames.push({
          type: reader.type,
          flags: reader.flags,
          streamId: reader.streamId,
          content,
          flowBytes: reader.type === frameType.data ? flowBytes : 0,
        });
        content = "";
        flowBytes = 0;
      }
      if (++count % heldEvery === 0 && fresh) {
        reader.hold();
        bytes.fill(0xff);
        fresh = false;
      }
    }
    bytes.fill(0xff);
  }
  return { frames, stopped: found.nothing };
}

const anyFrame = fc
  .record({
    type: fc.integer({ min: 0, max: 12 }),
    flags: fc.constantFrom(0, flag.endStream, flag.endHeaders),
    streamId: fc.integer({ min: 0, max: 0x7fffffff }),
    payload: fc.uint8Array({ maxLength: 60 }),
    padding: fc.option(fc.integer({ min: 0, max: 20 })),
  })
  .map(({ type, flags, streamId, payload, padding }) => {
    const padded = type === frameType.data && padding !== null;
    return {
      bytes: padded
        ? frame(
            type,
            flags | flag.padded,
            streamId,
            Buffer.concat([Buffer.from([padding]), payload, Buffer.alloc(padding)]),
          )
        : frame(type, flags, streamId, Buffer.from(payload)),
      read: {
        type,
        flags: padded ? flags | flag.padded : flags,
        streamId,
        content: Buffer.from(payload).toString("hex"),
        flowBytes: type === frameType.data ? payload.length + (padded ? padding + 1 : 0) : 0,
      } satisfies Read,
    };
  });

describe("frames", () => {
  test("any split of the bytes gives the same frames", () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        fc.integer({ min: 1, max: 5 }),
        (sent, sizes, heldEvery) => {
          const bytes = Buffer.concat(sent.map((one) => one.bytes));
          const pieces: Buffer[] = [];
          for (let at = 0, i = 0; at < bytes.length; at += sizes[i++ % sizes.length]!)
            pieces.push(bytes.subarray(at, at + sizes[i % sizes.length]!));
          expect(readAll(pieces, heldEvery)).toEqual({ frames: sent.map((one) => one.read), stopped: found.nothing });
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    [16_383, found.nothing],
    [16_384, found.nothing],
    [16_385, found.tooLong],
  ])("a payload of %i bytes", (length, stopped) => {
    expect(readAll([frame(frameType.headers, 0, 1, Buffer.alloc(length))], 100).stopped).toBe(stopped);
  });

  test.each([
    [1, 0, found.nothing],
    [5, 4, found.nothing],
    [5, 5, found.badPadding],
    [5, 255, found.badPadding],
  ])("DATA of %i bytes with a padding of %i", (length, padding, stopped) => {
    const payload = Buffer.alloc(length);
    payload[0] = padding;
    expect(readAll([frame(frameType.data, flag.padded, 1, payload)], 100).stopped).toBe(stopped);
  });

  test("DATA goes on as it comes, padding does not", () => {
    const reader = new FrameReader();
    const bytes = frame(
      frameType.data,
      flag.padded,
      1,
      Buffer.concat([Buffer.from([3]), Buffer.from("abcdef"), Buffer.alloc(3)]),
    );
    reader.feed(bytes, 0, 13);
    expect([
      reader.next(),
      reader.bytes.toString("latin1", reader.start, reader.end),
      reader.flowBytes,
      reader.last,
    ]).toEqual([found.frame, "abc", 4, false]);
    expect(reader.next()).toBe(found.nothing);
    reader.feed(bytes, 13, bytes.length);
    expect([
      reader.next(),
      reader.bytes.toString("latin1", reader.start, reader.end),
      reader.flowBytes,
      reader.last,
    ]).toEqual([found.frame, "def", 6, true]);
  });
});
