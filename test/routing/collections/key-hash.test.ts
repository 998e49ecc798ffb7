import { describe, expect, test } from "vitest";
import { hashText } from "../../../gateway/edge/balancing/sticky-hash.ts";
import { maglevOf, ringOf } from "../../../gateway/edge/balancing/hash-tables.ts";
import { digestOf } from "../../../routing/collections/digest.ts";
import {
  addByte,
  addBytes,
  beginKey,
  circle,
  endKey,
  maxKeyBytes,
  secondDraw,
} from "../../../routing/collections/key-hash.ts";
import { anchorOf } from "../../../routing/route/sticky-split.ts";

const seed = digestOf("prod/iris");

function pointOf(key: string | Uint8Array, identity = seed): number {
  const bytes = Buffer.from(key);
  beginKey(identity);
  addBytes(bytes, 0, bytes.length);
  return endKey();
}

/** The sum of squares that a uniform draw exceeds once in a million: 255 degrees of freedom. */
const cells = 256;
const rare = 376;

function chiSquare(draws: readonly number[]): number {
  const counts = Array.from({ length: cells }, () => 0);
  for (const draw of draws) counts[Math.floor(draw * cells)]!++;
  const expected = draws.length / cells;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

const count = 100_000;
const kinds: readonly (readonly [string, (at: number) => string | Uint8Array])[] = [
  ["numbers", (at) => String(at)],
  ["users", (at) => `user-${at}`],
  ["mails", (at) => `${at}@example.com`],
  ["IPv4 addresses", (at) => Uint8Array.of(10, at >> 16, at >> 8, at)],
  ["networks of IPv6", (at) => Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, at >> 16, at >> 8, at)],
  ["the first byte", (at) => `${String.fromCharCode(33 + (at % 90))}${Math.floor(at / 90)}-the-same`],
];

describe("the hash of keys", () => {
  test("is what it was in every release: callers stay over updates", () => {
    expect(seed).toEqual({ high: -559831117, low: 713226954 });
    expect(
      ["", "a", "user-1", "user-2", "alice@example.com", "löwe", "x".repeat(5000)].map((key) => pointOf(key)),
    ).toEqual([
      13060548385864, 238088869006237, 227708675372997, 87272528893767, 266840846867200, 59113545996863,
      187197863085138,
    ]);
    expect(pointOf("user-1", digestOf("prod/other"))).toBe(45561782656181);
    expect(secondDraw(pointOf("user-1"), 7)).toBe(0.6549232844263315);
    const series = { namespace: "prod", deployment: "iris", role: "live", protocol: "http" } as const;
    expect(
      ["main", "canary", "canary-explainer"].map((predictor) => anchorOf({ series: { ...series, predictor } })),
    ).toEqual([22397020812831, 174387578504583, 174387578504583]);
  });

  test.each(kinds)("spreads %s evenly, in its high bits and in the others", (_, keyOf) => {
    const points = Array.from({ length: count }, (__, at) => pointOf(keyOf(at)));
    expect(chiSquare(points.map((point) => point / circle))).toBeLessThan(rare);
    expect(chiSquare(points.map((point) => (point / 2 ** 40) % 1))).toBeLessThan(rare);
    expect(chiSquare(points.map((point) => (point / 2 ** 16) % 1))).toBeLessThan(rare);
    expect(chiSquare(points.map((point) => secondDraw(point, 1)))).toBeLessThan(rare);
  });

  test.each(kinds)(
    "%s: callers of the first 5 percent are spread over Endpoints, shadows and other deployments as all are",
    (_, keyOf) => {
      const first: (string | Uint8Array)[] = [];
      for (let at = 0; first.length < 10_000; at++) {
        const key = keyOf(at);
        if (pointOf(key) < circle / 20) first.push(key);
      }
      const drawsOf = (draw: (key: string | Uint8Array) => number): readonly number[] => first.map((key) => draw(key));
      expect(chiSquare(drawsOf((key) => hashText(Buffer.from(key).toString("latin1")) / 2 ** 32))).toBeLessThan(rare);
      expect(chiSquare(drawsOf((key) => secondDraw(pointOf(key), 3)))).toBeLessThan(rare);
      expect(chiSquare(drawsOf((key) => pointOf(key, digestOf("prod/other")) / circle))).toBeLessThan(rare);
    },
  );

  test.each([
    ["ring", ringOf],
    ["Maglev", maglevOf],
  ] as const)("of the callers of a canary of 5 percent each Endpoint gets a part, by %s", (_, tableOf) => {
    const table = tableOf(
      [1, 2, 3, 4].map((at) => ({ address: `10.0.0.${at}:9000`, inFlight: 0, mayTake: () => true })),
    );
    const got = new Map<unknown, number>();
    let callers = 0;
    for (let at = 0; callers < 5000; at++) {
      if (pointOf(`user-${at}`) >= circle / 20) continue;
      callers++;
      const endpoint = table.pick(hashText(`user-${at}`), [], 0);
      got.set(endpoint, (got.get(endpoint) ?? 0) + 1);
    }
    expect(got.size).toBe(4);
    for (const number of got.values()) expect(number).toBeGreaterThan(700);
  });

  test("pieces are the whole, and byte by byte the same", () => {
    beginKey(seed);
    addBytes(Buffer.from("xuser-1"), 1, 4);
    addByte(0x72);
    addBytes(Buffer.from("-1"), 0, 2);
    expect(endKey()).toBe(pointOf("user-1"));
  });

  test.each([maxKeyBytes - 1, maxKeyBytes])("a key of %d bytes counts to its last byte", (length) => {
    const key = "k".repeat(length - 1);
    expect(pointOf(`${key}a`)).not.toBe(pointOf(`${key}b`));
  });

  test("of a longer key its first bytes and its length count, in one piece or in several", () => {
    const key = "k".repeat(maxKeyBytes);
    expect(pointOf(`${key}a`)).toBe(pointOf(`${key}b`));
    expect(pointOf(`${key}a`)).not.toBe(pointOf(key));
    expect(pointOf(`${key}a`)).not.toBe(pointOf(`${key}ab`));
    beginKey(seed);
    for (const byte of Buffer.from(`${key}a`)) addByte(byte);
    expect(endKey()).toBe(pointOf(`${key}b`));
  });
});
