// What a worker keeps of answers until their pair is whole: bounded in all, and of one shadow by what is free.
import { describe, expect, test } from "vitest";
import { CapturedBody, Captures, maxCapturedBytes, maxHeldCaptures } from "../../../../gateway/edge/shadow/captures.ts";
import type { WorkerContext } from "../../../../gateway/edge/io/worker-context.ts";

function capturesOf(): { readonly captures: Captures; readonly drops: () => number } {
  let drops = 0;
  const worker = { counters: { set: () => undefined, add: () => (drops += 1) } } as unknown as WorkerContext;
  return { captures: new Captures(worker, () => undefined), drops: () => drops };
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
  [maxCapturedBytes - 1, false],
  [maxCapturedBytes, false],
  [maxCapturedBytes + 1, true],
])("a body of %d bytes in pieces: too long %s", (bytes, tooLong) => {
  const { captures, drops } = capturesOf();
  const body = new CapturedBody(captures, 1);
  const piece = Buffer.alloc(1024 * 1024);
  for (let left = bytes; left > 0; left -= piece.length) body.body(piece, 0, Math.min(left, piece.length));
  const { captured } = body;
  expect([captured.tooLong, captured.bytes, captures.heldBytes]).toEqual([
    tooLong,
    tooLong ? 0 : bytes,
    tooLong ? 0 : bytes,
  ]);
  body.lose();
  expect([captures.heldBytes, drops()]).toEqual([0, 0]);
});
