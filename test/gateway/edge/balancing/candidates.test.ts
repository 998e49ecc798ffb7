// How Endpoints share the work: the choices without a table, and the tables of consistent hashing.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { leastRequest, roundRobin, type Candidate } from "../../../../gateway/edge/balancing/candidates.ts";
import { maglevOf, ringOf } from "../../../../gateway/edge/balancing/hash-tables.ts";
import { hashRange, hashText, mix } from "../../../../gateway/edge/balancing/sticky-hash.ts";

interface Made extends Candidate {
  inFlight: number;
  takes: boolean;
}

function candidate(address: string): Made {
  return {
    address,
    inFlight: 0,
    takes: true,
    mayTake() {
      return this.takes;
    },
  };
}

function candidates(count: number): Made[] {
  return Array.from({ length: count }, (_, i) => candidate(`10.0.${Math.floor(i / 200)}.${i % 200}:9000`));
}

const keys = Array.from({ length: 4000 }, (_, i) => hashText(`user-${i}`));

describe("least request", () => {
  test("takes the less busy of two that are drawn, never one that was tried", () => {
    const [a, b, c] = candidates(3) as [Made, Made, Made];
    a.inFlight = 5;
    const draws =
      (...numbers: number[]) =>
      () =>
        numbers.shift()!;
    expect(leastRequest([a, b], [], draws(0, 0))).toBe(b);
    expect(leastRequest([a, b], [], draws(0.9, 0))).toBe(b);
    expect(leastRequest([a, b, c], [b, c], draws())).toBe(a);
    expect(leastRequest([a, b], [a, b], draws())).toBeNull();
    expect(leastRequest([], [], draws())).toBeNull();
  });
});

describe("round robin", () => {
  test("takes one after the other, and the same number of times each", () => {
    const all = candidates(3);
    const taken = Array.from({ length: 9 }, (_, turn) => all.indexOf(roundRobin(all, [], turn)!));
    expect(taken).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 2]);
    expect(roundRobin(all, [all[1]!], 1)).toBe(all[2]);
    expect(roundRobin(all, all, 0)).toBeNull();
  });
});

describe("the hash", () => {
  test("is 32 bits, the same for a text and its bytes, and never minus", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii" }), (text) => {
        const bytes = Buffer.from(`<${text}>`, "latin1");
        const hash = hashText(text);
        expect(hashRange(bytes, 1, bytes.length - 1)).toBe(hash);
        expect(hash).toBeGreaterThanOrEqual(0);
        expect(hash).toBeLessThan(2 ** 32);
      }),
    );
    expect(mix(-1)).toBeGreaterThanOrEqual(0);
  });
});

describe.each([
  ["ring_hash", ringOf],
  ["maglev", maglevOf],
] as const)("%s", (policy, tableOf) => {
  /** Owner of each key. */
  const owners = (all: readonly Made[], tried: readonly Made[] = []): readonly (Made | null)[] => {
    const table = tableOf(all);
    return keys.map((key) => table.pick(key, tried, 0));
  };
  const count = fc.integer({ min: 2, max: 24 });

  test("gives a key the same Endpoint every time, in whatever order the Endpoints are told", () => {
    fc.assert(
      fc.property(count, (n) => {
        const all = candidates(n);
        expect(owners(all.toReversed())).toEqual(owners(all));
      }),
      { numRuns: 10 },
    );
  });

  test("spreads the keys: each Endpoint has a share near the mean", () => {
    for (const n of [2, 5, 20]) {
      const shares = new Map<Made | null, number>();
      for (const owner of owners(candidates(n))) shares.set(owner, (shares.get(owner) ?? 0) + 1);
      expect(shares.size).toBe(n);
      for (const share of shares.values()) {
        expect(share / keys.length).toBeGreaterThan(0.6 / n);
        expect(share / keys.length).toBeLessThan(1.5 / n);
      }
    }
  });

  test("when an Endpoint goes, its keys move, and of the others few; when it comes back, they come back", () => {
    fc.assert(
      fc.property(count, fc.nat(), (n, which) => {
        const all = candidates(n);
        const gone = all[which % n]!;
        const before = owners(all);
        const after = owners(all.filter((one) => one !== gone));
        let moved = 0;
        for (const [i, owner] of before.entries()) {
          if (owner === gone) expect(after[i]).not.toBe(gone);
          else if (after[i] !== owner) moved += 1;
        }
        // The ring moves none but its own; Maglev's paper measures a few per cent.
        if (policy === "ring_hash") expect(moved).toBe(0);
        else expect(moved / keys.length).toBeLessThan(0.06);
        expect(owners(all)).toEqual(before);
      }),
      { numRuns: 20 },
    );
  });

  test("when one comes, it gets about its share of the keys, and nobody else gets any", () => {
    fc.assert(
      fc.property(count, (n) => {
        const all = candidates(n);
        const before = owners(all.slice(1));
        const moved = owners(all).flatMap((owner, i) => (owner === before[i] ? [] : [owner]));
        expect(moved.length / keys.length).toBeLessThan(1.6 / n + 0.06);
        const elsewhere = moved.filter((owner) => owner !== all[0]).length;
        expect(elsewhere / keys.length).toBeLessThanOrEqual(policy === "ring_hash" ? 0 : 0.06);
      }),
      { numRuns: 20 },
    );
  });

  test("an Endpoint that takes nothing, or was tried, is passed over; only its keys move, and they come back", () => {
    const all = candidates(5);
    const before = owners(all);
    const tried = owners(all, [all[2]!]);
    all[2]!.takes = false;
    const without = owners(all);
    expect(without).toEqual(tried);
    for (const [i, owner] of without.entries()) {
      expect(owner).not.toBe(all[2]);
      if (before[i] !== all[2]) expect(owner).toBe(before[i]);
    }
    // What was its own is shared by more than one.
    expect(new Set(without.filter((_, i) => before[i] === all[2])).size).toBeGreaterThan(2);
    all[2]!.takes = true;
    expect(owners(all)).toEqual(before);
  });

  test("nobody left: null; nobody at all: null", () => {
    const all = candidates(2);
    expect(tableOf(all).pick(7, all, 0)).toBeNull();
    expect(tableOf<Made>([]).pick(7, [], 0)).toBeNull();
  });

  test("many Endpoints make no larger a table than allowed", () => {
    const all = candidates(2000);
    const shares = new Set(owners(all));
    expect(shares.size).toBeGreaterThan(1500);
  });
});
