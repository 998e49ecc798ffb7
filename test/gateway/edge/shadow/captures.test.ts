// What a worker keeps of answers until their pair is whole: bounded in all, and of one shadow by what is free.
import { describe, expect, test } from "vitest";
import { CapturedBody, Captures, maxHeldCaptures } from "../../../../gateway/edge/shadow/captures.ts";
import { ComparedExchange, type ComparedPair } from "../../../../gateway/edge/shadow/compared-exchange.ts";
import type { WorkerContext } from "../../../../gateway/edge/io/worker-context.ts";
import { maxAnswerBytes } from "../../../../gateway/shared/compared-pairs.ts";

function capturesOf(hasRoom = true): {
  readonly captures: Captures;
  readonly drops: () => number;
  readonly leftOut: readonly string[];
  readonly given: readonly string[];
} {
  let drops = 0;
  const [given, leftOut]: [string[], string[]] = [[], []];
  const worker = { counters: { set: () => undefined, add: () => (drops += 1) } } as unknown as WorkerContext;
  const taker: ConstructorParameters<typeof Captures>[1] = {
    take: ({ against }) => hasRoom && given.push(against) > 0,
    leftOut: (_sides, why) => void leftOut.push(why),
  };
  return { captures: new Captures(worker, taker, 1), drops: () => drops, leftOut, given };
}

describe("all that a worker keeps", () => {
  test.each([
    [-1, true],
    [0, true],
    [1, false],
  ])("all of it and %d byte more: %s", (more, fits) => {
    const { captures } = capturesOf();
    expect(captures.hold(1, maxHeldCaptures + more)).toBe(fits);
    expect(captures.heldBytes).toBe(fits ? maxHeldCaptures + more : 0);
  });

  test.each([
    [-1, true],
    [0, true],
    [1, false],
  ])("one shadow has as much as is free, and %d byte more: %s", (more, fits) => {
    const { captures } = capturesOf();
    const third = Math.floor(maxHeldCaptures / 3);
    expect(captures.hold(1, third)).toBe(true);
    expect(captures.hold(1, maxHeldCaptures - 2 * third + more)).toBe(fits);
  });

  test("however many shadows, never more than the bound, and each byte is given back", () => {
    const { captures } = capturesOf();
    const held = new Map<number, number>();
    for (let round = 0; round < 200; round++)
      for (let slot = 0; slot < 50; slot++)
        if (captures.hold(slot, 100_000)) held.set(slot, (held.get(slot) ?? 0) + 100_000);
    expect(captures.heldBytes).toBeLessThanOrEqual(maxHeldCaptures);
    expect(captures.heldBytes).toBeGreaterThan(0.9 * maxHeldCaptures);
    expect(captures.hold(50, maxHeldCaptures - captures.heldBytes + 1)).toBe(false);
    for (const [slot, bytes] of held) captures.release(slot, bytes);
    expect(captures.heldBytes).toBe(0);
  });
});

test.each([
  [maxAnswerBytes - 1, false],
  [maxAnswerBytes, false],
  [maxAnswerBytes + 1, true],
])("a body of %d bytes in pieces: too large %s", (bytes, isTooLarge) => {
  const { captures } = capturesOf();
  const body = new CapturedBody(captures, 1);
  const piece = Buffer.alloc(10_000);
  for (let left = bytes; left > 0; left -= piece.length) body.body(piece, 0, Math.min(left, piece.length));
  expect([body.state, body.lostBy]).toEqual(isTooLarge ? ["lost", "too_large"] : ["coming", null]);
  expect([body.captured.body.length, captures.heldBytes]).toEqual(isTooLarge ? [0, 0] : [bytes, bytes]);
  body.lose(null);
  expect(captures.heldBytes).toBe(0);
});

describe("each copy that left is one pair, compared or left out once, whatever comes first", () => {
  /** What happens to one request with two shadows; a name ends with the shadow's number. */
  const primaryEvents = ["primary whole", "primary cut", "primary without room"] as const;
  const shadowEvents = ["answered", "failed", "never left", "without room"] as const;

  function happen(event: string, exchange: ComparedExchange, pair: ComparedPair, fill: () => () => void): void {
    const { primary } = exchange;
    const noRoom = (body: CapturedBody): void => {
      const free = fill();
      body.body(Buffer.alloc(10), 0, 10);
      free();
    };
    switch (event) {
      case "primary whole":
        return exchange.primaryOver(true);
      case "primary cut":
        return exchange.primaryOver(false);
      case "primary without room":
        noRoom(primary);
        return exchange.primaryOver(true);
      case "answered":
        pair.shadow.body(Buffer.alloc(10), 0, 10);
        return pair.released(true, true);
      case "failed":
        return pair.released(true, false);
      case "never left":
        return pair.released(false, false);
      case "without room":
        noRoom(pair.shadow);
        return pair.released(true, true);
    }
  }

  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];

  test.each(
    primaryEvents.flatMap((one) =>
      shadowEvents.flatMap((two) => shadowEvents.map((three) => [one, two, three] as const)),
    ),
  )("%s, one shadow %s, the other %s", async (...events) => {
    for (const order of orders) {
      const { captures, drops, given } = capturesOf();
      const request = { against: { deployment: "iris", predictor: "main" }, requestId: "1", isGrpc: false, path: "/" };
      const exchange = new ComparedExchange(captures, 1, request);
      exchange.primary.body(Buffer.alloc(10), 0, 10);
      const subject = { deployment: "iris", predictor: "next" } as unknown as Parameters<
        ComparedExchange["pairWith"]
      >[1];
      const pairs = [exchange.pairWith(2, subject), exchange.pairWith(3, subject)];
      // Another shadow has all that is left.
      const fill = (): (() => void) => {
        const bytes = maxHeldCaptures - captures.heldBytes;
        expect(captures.hold(9, bytes)).toBe(true);
        return () => captures.release(9, bytes);
      };
      for (const at of order) happen(events[at]!, exchange, pairs[Math.max(0, at - 1)]!, fill);
      await new Promise((resolve) => setImmediate(resolve));
      const left = events.slice(1).filter((event) => event !== "never left").length;
      const isWhole = events[0] === "primary whole";
      const compared = isWhole ? events.filter((event) => event === "answered" || event === "failed").length : 0;
      expect([given.length, drops(), captures.heldBytes], order.join()).toEqual([compared, left - compared, 0]);
    }
  });
});

test("where the control worker has no room the pair is left out, and counted as that", async () => {
  const { captures, drops, given, leftOut } = capturesOf(false);
  const request = { against: { deployment: "iris", predictor: "main" }, requestId: "1", isGrpc: false, path: "/" };
  const exchange = new ComparedExchange(captures, 1, request);
  const pair = exchange.pairWith(2, { namespace: "prod", deployment: "iris", predictor: "next", rules: "true" });
  exchange.primary.body(Buffer.alloc(10), 0, 10);
  pair.released(true, true);
  exchange.primaryOver(true);
  await new Promise((resolve) => setImmediate(resolve));
  expect([drops(), given, leftOut, captures.heldBytes]).toEqual([1, [], ["hand_over"], 0]);
});

test("a primary of another deployment, whose predictor may have the shadow's name, is named with it", async () => {
  const { captures, given } = capturesOf();
  const against = { deployment: "wine", predictor: "main" };
  const exchange = new ComparedExchange(captures, 1, { against, requestId: "1", isGrpc: false, path: "/" });
  for (const deployment of ["wine", "iris"]) {
    const subject = { namespace: "prod", deployment, predictor: "main", rules: "true" };
    exchange.pairWith(2, subject).shadow.state = "whole";
  }
  exchange.primaryOver(true);
  await new Promise((resolve) => setImmediate(resolve));
  expect(given).toEqual(["main", "main of wine"]);
});
