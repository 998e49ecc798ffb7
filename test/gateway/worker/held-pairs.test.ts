// Pairs of answers on their way to the comparing thread: in batches, within a bound, and gone with a thread that ends.
import { once } from "node:events";
import { MessageChannel } from "node:worker_threads";
import { expect, test } from "vitest";
import type { CapturedPair, PairBatch } from "../../../gateway/shared/compared-pairs.ts";
import { HeldPairs, maxWaitingBytes, maxWaitingPairs } from "../../../gateway/worker/held-pairs.ts";

function pairOf(primary: Buffer, shadow: Buffer | null): CapturedPair {
  const captured = (bytes: Buffer): CapturedPair["primary"] => ({
    status: 200,
    grpcStatus: -1,
    headerBytes: -1,
    encoding: "",
    tooLong: false,
    pieces: [bytes],
    bytes: bytes.length,
  });
  return {
    namespace: "prod",
    deployment: "iris",
    predictor: "next",
    against: "main",
    rules: "true",
    atMs: 0,
    requestId: "",
    isGrpc: false,
    path: "/",
    primary: captured(primary),
    shadow: shadow === null ? null : captured(shadow),
    primaryMs: 0,
    isAsked: true,
    shadowMs: 0,
  };
}

test("a batch has all bodies in one piece of memory; the thread is asked for once", async () => {
  let [wanted, dropped] = [0, 0];
  const held = new HeldPairs(
    () => (wanted += 1),
    () => (dropped += 1),
  );
  held.take(pairOf(Buffer.from("one"), Buffer.from("two")));
  held.take(pairOf(Buffer.from("three"), null));
  expect([wanted, dropped]).toEqual([1, 0]);
  const { port1, port2 } = new MessageChannel();
  held.connect(port1);
  const [{ pairs, bytes }] = (await once(port2, "message")) as [PairBatch];
  const text = ({ start, end }: { readonly start: number; readonly end: number }): string =>
    Buffer.from(bytes.subarray(start, end)).toString();
  expect(pairs.map(({ primary, shadow }) => [text(primary), shadow === null ? null : text(shadow)])).toEqual([
    ["one", "two"],
    ["three", null],
  ]);
  port2.close();
});

test.each([
  [maxWaitingPairs - 1, 0],
  [maxWaitingPairs, 0],
  [maxWaitingPairs + 1, 1],
])("of %d pairs that no thread takes %d are dropped", (count, over) => {
  let dropped = 0;
  const held = new HeldPairs(
    () => undefined,
    () => (dropped += 1),
  );
  for (let at = 0; at < count; at++) held.take(pairOf(Buffer.alloc(1), null));
  expect(dropped).toBe(over);
});

test("bytes are bounded, one pair is always let through, and what the thread has taken makes room", async () => {
  let dropped = 0;
  const held = new HeldPairs(
    () => undefined,
    () => (dropped += 1),
  );
  const { port1, port2 } = new MessageChannel();
  held.connect(port1);
  const half = Buffer.alloc(maxWaitingBytes / 2);
  held.take(pairOf(half, half.subarray(1)));
  held.take(pairOf(Buffer.alloc(1), null));
  expect(dropped).toBe(0);
  held.take(pairOf(Buffer.alloc(1), null));
  expect(dropped).toBe(1);
  const [first] = (await once(port2, "message")) as [PairBatch];
  port2.postMessage({ pairs: first.pairs.length, bytes: first.bytes.length });
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  held.take(pairOf(half, null));
  expect(dropped).toBe(1);
  // Another thread has nothing of what was posted to the one before.
  const other = new MessageChannel();
  held.connect(other.port1);
  held.take(pairOf(half, half));
  expect(dropped).toBe(1);
  for (const port of [port2, other.port2]) port.close();
});

test.each([
  ["pairs", maxWaitingPairs * 0.75 - 2, 0, [true, true, false]],
  ["bytes", 2, maxWaitingBytes * 0.25, [true, true, false]],
])("while three quarters of its %s are not taken no pair of a namespace begins", (_what, count, bytes, room) => {
  const held = new HeldPairs(
    () => undefined,
    () => undefined,
  );
  const body = Buffer.alloc(bytes);
  for (let at = 0; at < count; at++) held.take(pairOf(body, null));
  const seen = room.map((_, more) => {
    if (more > 0) held.take(pairOf(more === 1 ? body : Buffer.alloc(1), null));
    return held.hasRoom("prod");
  });
  expect(seen).toEqual(room);
  expect(held.hasRoom("other")).toBe(true);
});

test.each([
  ["pairs", maxWaitingPairs * 3, 0],
  ["bytes", 64, maxWaitingBytes / 4],
])("a namespace that fills its share of %s leaves room for the next ones", (_what, count, bytes) => {
  let dropped = 0;
  const held = new HeldPairs(
    () => undefined,
    () => (dropped += 1),
  );
  const body = Buffer.alloc(bytes);
  for (let at = 0; at < count; at++) held.take({ ...pairOf(body, null), namespace: "greedy" });
  expect(dropped).toBe(count - Math.min(maxWaitingPairs, bytes === 0 ? Infinity : maxWaitingBytes / bytes));
  dropped = 0;
  // Each namespace that does the same gets half of what the one before got, or a little less.
  for (const namespace of ["second", "third"]) held.take({ ...pairOf(body, null), namespace });
  expect(dropped).toBe(0);
});

test("what a thread has taken is of the namespace that it was", async () => {
  let dropped = 0;
  const held = new HeldPairs(
    () => undefined,
    () => (dropped += 1),
  );
  const { port1, port2 } = new MessageChannel();
  held.connect(port1);
  for (const round of [1, 2, 3]) {
    for (let at = 0; at < maxWaitingPairs; at++) held.take(pairOf(Buffer.alloc(1), null));
    held.take({ ...pairOf(Buffer.alloc(1), null), namespace: "other" });
    expect([round, dropped]).toEqual([round, 0]);
    held.flush();
    const [{ pairs, bytes }] = (await once(port2, "message")) as [PairBatch];
    port2.postMessage({ pairs: pairs.length, bytes: bytes.length });
    await once(port1, "message");
  }
  port2.close();
});
