// Pairs of answers on their way to the comparing thread: in batches, within a bound, and gone with a thread that ends.
import { once } from "node:events";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { expect, test } from "vitest";
import type { CapturedPair, PairBatch, PairDrop } from "../../../gateway/shared/compared-pairs.ts";
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

/** `drops`: why each one was dropped. */
function holding() {
  const drops: PairDrop[] = [];
  const held = new HeldPairs(
    () => undefined,
    (why, count) => drops.push(...Array.from({ length: count }, () => why)),
  );
  return { held, drops };
}

test("a batch has all bodies in one piece of memory; the thread is asked for once", async () => {
  let [wanted, dropped] = [0, 0];
  const held = new HeldPairs(
    () => (wanted += 1),
    (_why, count) => (dropped += count),
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
    (_why, count) => (dropped += count),
  );
  for (let at = 0; at < count; at++) held.take(pairOf(Buffer.alloc(1), null));
  expect(dropped).toBe(over);
});

test("bytes are bounded, and what the thread has taken makes room", async () => {
  const { held, drops } = holding();
  const { port1, port2 } = new MessageChannel();
  held.connect(port1);
  const half = Buffer.alloc(maxWaitingBytes / 2);
  held.take(pairOf(half, half.subarray(1)));
  held.take(pairOf(Buffer.alloc(1), null));
  expect(drops).toEqual([]);
  held.take(pairOf(Buffer.alloc(1), null));
  expect(drops).toEqual(["queue"]);
  const [first] = (await once(port2, "message")) as [PairBatch];
  port2.postMessage({ namespace: "prod", pairs: first.pairs.length, bytes: first.bytes.length });
  await once(port1, "message");
  held.take(pairOf(half, null));
  expect(drops).toEqual(["queue"]);
  port2.close();
});

test.each([
  ["another one follows", async (held: HeldPairs, _port: MessagePort, next: MessagePort) => held.connect(next)],
  [
    "goes, before another one comes",
    async (_held: HeldPairs, port: MessagePort) => {
      port.close();
      await once(port, "close");
    },
  ],
])("what was posted to a thread that %s is dropped, and makes room", async (_what, end) => {
  const { held, drops } = holding();
  const { port1, port2 } = new MessageChannel();
  held.connect(port1);
  const half = Buffer.alloc(maxWaitingBytes / 2);
  for (let at = 0; at < 2; at++) held.take(pairOf(half, null));
  const other = new MessageChannel();
  await end(held, port1, other.port1);
  expect(drops).toEqual(["ended", "ended"]);
  for (let at = 0; at < 2; at++) held.take(pairOf(half, null));
  expect(drops).toHaveLength(2);
  for (const port of [port2, other.port1, other.port2]) port.close();
});

test("one pair waits beyond the room: of a namespace that has no other, and it takes nobody's room", async () => {
  const { held, drops } = holding();
  const { port1, port2 } = new MessageChannel();
  held.connect(port1);
  const posted: PairBatch[] = [];
  port2.on("message", (batch: PairBatch) => posted.push(batch));
  const huge = Buffer.alloc(2 * maxWaitingBytes);
  const give = (namespace: string, body: Buffer): void => held.take({ ...pairOf(body, body), namespace });
  give("small", Buffer.alloc(1));
  give("huge", huge);
  expect([held.hasRoom("huge"), held.hasRoom("small"), held.hasRoom("other")]).toEqual([false, true, true]);
  expect(drops).toEqual([]);
  give("huge", Buffer.alloc(1));
  give("other", huge);
  expect(drops).toEqual(["queue", "queue"]);
  for (let at = 0; at < maxWaitingPairs - 1; at++) give("small", Buffer.alloc(1));
  give("other", Buffer.alloc(1));
  expect(drops).toHaveLength(2);
  // It is taken, and another one may come.
  port2.postMessage({ namespace: "huge", pairs: 1, bytes: 2 * huge.length });
  await once(port1, "message");
  give("third", huge);
  expect(drops).toHaveLength(2);
  port2.close();
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
    (_why, count) => (dropped += count),
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
    (_why, count) => (dropped += count),
  );
  const { port1, port2 } = new MessageChannel();
  held.connect(port1);
  for (const round of [1, 2, 3]) {
    for (let at = 0; at < maxWaitingPairs; at++) held.take(pairOf(Buffer.alloc(1), null));
    held.take({ ...pairOf(Buffer.alloc(1), null), namespace: "other" });
    expect([round, dropped]).toEqual([round, 0]);
    held.flush();
    await once(port2, "message");
    for (const [namespace, count] of [
      ["other", 1],
      ["prod", maxWaitingPairs],
    ])
      port2.postMessage({ namespace, pairs: count, bytes: count });
    for (let at = 0; at < 2; at++) await once(port1, "message");
  }
  port2.close();
});
