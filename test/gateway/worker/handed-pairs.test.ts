// Pairs of answers on their way to the control worker: within a bound for each namespace and in all, and gone with a control worker that ends.
import { expect, test, vi } from "vitest";
import type { PostedPair } from "../../../gateway/shared/compared-pairs.ts";
import type { DataToControl } from "../../../gateway/shared/messages.ts";
import { HandedPairs, maxHandedBytes, maxHandedPairs } from "../../../gateway/worker/handed-pairs.ts";

function pairOf(namespace: string, bytes: number): PostedPair {
  const answer = { status: 200, grpcStatus: -1, headerBytes: -1, encoding: "" };
  return {
    namespace,
    deployment: "iris",
    predictor: "next",
    against: "main",
    rules: "true",
    atMs: 0,
    requestId: "1",
    isGrpc: false,
    path: "/",
    primary: { ...answer, body: new Uint8Array(bytes) },
    shadow: null,
  };
}

function handed(hasControl: () => boolean = () => true): {
  readonly pairs: HandedPairs;
  readonly posted: DataToControl[];
} {
  const posted: DataToControl[] = [];
  return { pairs: new HandedPairs((message) => hasControl() && posted.push(message) > 0), posted };
}

test("of one namespace half of all pairs, and others find room", () => {
  const { pairs, posted } = handed();
  const half = maxHandedPairs / 2;
  const all = Array.from({ length: half + 1 }, () => pairs.take(pairOf("busy", 1)));
  expect([all.at(-2), all.at(-1), posted.length]).toEqual([true, false, half]);
  expect(pairs.take(pairOf("quiet", 1))).toBe(true);
  // As each is compared there is room again.
  pairs.taken("quiet", 1);
  pairs.taken("busy", 1);
  expect([pairs.take(pairOf("busy", 1)), pairs.take(pairOf("busy", 1))]).toEqual([true, false]);
});

test.each([
  [-1, true],
  [0, true],
  [1, false],
])("beside what a namespace has as many bytes as are free, and %d more: %s", (more, fits) => {
  const { pairs } = handed();
  const quarter = maxHandedBytes / 4;
  expect(pairs.take(pairOf("busy", quarter))).toBe(true);
  expect(pairs.take(pairOf("busy", 2 * quarter + more))).toBe(fits);
  expect(pairs.take(pairOf("quiet", quarter - 1))).toBe(true);
});

test("without a control worker none is taken, and with another one all room is free", () => {
  let hasControl = true;
  const { pairs } = handed(() => hasControl);
  for (let at = 0; at < maxHandedPairs; at++) pairs.take(pairOf("busy", 1));
  hasControl = false;
  expect(pairs.take(pairOf("quiet", 1))).toBe(false);
  hasControl = true;
  expect(pairs.take(pairOf("busy", 1))).toBe(false);
  pairs.restart();
  expect(pairs.take(pairOf("busy", 1))).toBe(true);
  // What is said of pairs of the one before counts for nothing.
  pairs.taken("other", 100);
});

test("what is left out is told once a second, by sides and reason", () => {
  vi.useFakeTimers();
  try {
    const { pairs, posted } = handed();
    const { namespace, deployment, predictor, against, rules } = pairOf("prod", 0);
    const sides = { namespace, deployment, predictor, against, rules };
    for (const why of ["rate", "rate", "too_large"] as const) pairs.leftOut(sides, why);
    expect(posted).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(posted).toEqual([
      {
        kind: "pairs-left-out",
        pairs: [
          { ...sides, why: "rate", count: 2 },
          { ...sides, why: "too_large", count: 1 },
        ],
      },
    ]);
    vi.advanceTimersByTime(5000);
    expect(posted).toHaveLength(1);
  } finally {
    vi.useRealTimers();
  }
});
