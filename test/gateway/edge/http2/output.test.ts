// The end of a message goes with its last DATA frame, where that has not left yet.
import { array, assert, constantFrom, integer, oneof, property } from "fast-check";
import { expect, test } from "vitest";
import { FrameOutput } from "../../../../gateway/edge/http2/output.ts";
import { WriteBatch } from "../../../../gateway/edge/io/write-batch.ts";
import type { Transport } from "../../../../gateway/edge/io/transport.ts";

function start(): { output: FrameOutput; written: () => readonly Buffer[]; frames: () => string[] } {
  const writes: Buffer[] = [];
  const transport = {
    congested: false,
    write: (bytes: Buffer) => writes.push(Buffer.from(bytes)) > 0,
  } as unknown as Transport;
  const output = new FrameOutput(transport, new WriteBatch(() => undefined), { flushed() {}, crashed() {} });
  return {
    output,
    written: () => writes,
    /** Type, flags and stream of each frame that was written. */
    frames: () => {
      output.flush();
      const written = Buffer.concat(writes);
      const found: string[] = [];
      for (let at = 0; at < written.length; at += 9 + written.readUIntBE(at, 3))
        found.push(`${written[at + 3]} ${written[at + 4]} ${written.readUInt32BE(at + 5)}`);
      return found;
    },
  };
}

const body = Buffer.from("body");

test("the last frame of the stream carries the end", () => {
  const { output, frames } = start();
  output.data(1, body, 0, 4, false);
  output.data(3, body, 0, 4, false);
  expect([output.endData(3), output.endData(3)]).toEqual([true, false]);
  expect(frames()).toEqual(["0 0 1", "0 1 3"]);
});

test.each<[string, (output: FrameOutput) => void]>([
  ["another stream has sent since", (output) => output.data(3, body, 0, 4, false)],
  ["another frame was put since", (output) => output.windowUpdate(1, 10)],
  ["it has left", (output) => output.flush()],
])("not when %s", (_, meanwhile) => {
  const { output } = start();
  output.data(1, body, 0, 4, false);
  meanwhile(output);
  expect(output.endData(1)).toBe(false);
});

test("a frame that made the buffer leave first is found where it stands", () => {
  const { output, frames } = start();
  const large = Buffer.alloc(16_384);
  for (let frame = 0; frame < 6; frame++) output.data(1, large, 0, large.length, false);
  expect(output.endData(1)).toBe(true);
  expect(frames()).toEqual(["0 0 1", "0 0 1", "0 0 1", "0 0 1", "0 0 1", "0 1 1"]);
});

test("a frame that has left in part cannot carry the end any more", () => {
  const { output, frames } = start();
  const large = Buffer.alloc(16_384);
  for (let frame = 0; frame < 4; frame++) output.data(1, large, 0, large.length, false);
  expect(output.endData(1)).toBe(false);
  expect(frames()).toEqual(["0 0 1", "0 0 1", "0 0 1", "0 0 1"]);
});

test("frames of any length leave in writes of one packet, byte for byte", () => {
  assert(
    property(
      array(oneof(integer({ min: 0, max: 16_384 }), constantFrom(16_384, 65_160 - 9, 1)), {
        minLength: 1,
        maxLength: 30,
      }),
      (lengths) => {
        const { output, written } = start();
        const expected: Buffer[] = [];
        for (const [index, most] of lengths.entries()) {
          const length = Math.min(most, 16_384);
          const bytes = Buffer.alloc(length + 2, index + 1);
          output.data(index * 2 + 1, bytes, 1, length + 1, false);
          const head = Buffer.alloc(9);
          head.writeUIntBE(length, 0, 3);
          head.writeUInt32BE(index * 2 + 1, 5);
          expected.push(head, Buffer.from(bytes.subarray(1, length + 1)));
          bytes.fill(0);
        }
        output.flush();
        const pieces = written();
        expect(Buffer.concat(pieces).equals(Buffer.concat(expected))).toBe(true);
        expect(pieces.every(({ length }) => length <= 65_160)).toBe(true);
        // Only room that a frame's head does not fit in is left empty.
        expect(pieces.slice(0, -1).every(({ length }) => length > 65_160 - 9)).toBe(true);
      },
    ),
  );
});

const block = Buffer.from([0x88, 0x84]);

/** One whose first header block has been put: that one says how blocks are encoded and stays. */
function startedBlocks(): ReturnType<typeof start> {
  const started = start();
  started.output.headers(1, block, 2, false);
  return started;
}

test("a header block that was put last is taken back, and what is put next stands in its place", () => {
  const { output, frames } = startedBlocks();
  output.headers(3, block, 2, false);
  expect([output.takeBack(3), output.takeBack(3)]).toEqual([true, false]);
  output.headers(5, block, 2, true);
  expect(frames()).toEqual(["1 4 1", "1 5 5"]);
});

test.each<[string, (output: FrameOutput) => void]>([
  ["another frame was put since", (output) => output.windowUpdate(3, 10)],
  ["its content was put", (output) => output.data(3, body, 0, 4, false)],
  ["another block was put since", (output) => output.headers(5, block, 2, false)],
  ["it has left", (output) => output.flush()],
  ["it has left, and something else was put", (output) => (output.flush(), output.ping(Buffer.alloc(8), 0, false))],
])("a header block is not taken back when %s", (_, meanwhile) => {
  const { output } = startedBlocks();
  output.headers(3, block, 2, false);
  meanwhile(output);
  expect(output.takeBack(3)).toBe(false);
});

test("neither is the first one, nor one of several frames", () => {
  const { output } = startedBlocks();
  expect(output.takeBack(1)).toBe(false);
  output.headers(3, Buffer.alloc(20_000), 20_000, false);
  expect(output.takeBack(3)).toBe(false);
});
