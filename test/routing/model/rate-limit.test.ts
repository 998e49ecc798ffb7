import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RateLimit } from "../../../routing/model/guard.ts";
import { mostLimits, mostPermits, parseLimits, printLimit } from "../../../routing/model/rate-limit.ts";

const all = { kind: "all" } as const;

function reasonOf(text: string): string {
  const read = parseLimits(text);
  return read.kind === "wrong" ? read.reason : `read: ${read.limits.map(printLimit).join("; ")}`;
}

function isRead(text: string): boolean {
  return parseLimits(text).kind === "limits";
}

describe("limits", () => {
  test.each<[string, readonly RateLimit[]]>([
    ["100/s", [{ permits: 100, periodMs: 1000, burst: 100, per: all }]],
    [
      "100/s burst 200; 5000/h per client",
      [
        { permits: 100, periodMs: 1000, burst: 200, per: all },
        { permits: 5000, periodMs: 3_600_000, burst: 5000, per: { kind: "client" } },
      ],
    ],
    ["  6/min   per  address  burst 1 ", [{ permits: 6, periodMs: 60_000, burst: 1, per: { kind: "address" } }]],
    [
      "6/m burst 2 per header X-Team",
      [{ permits: 6, periodMs: 60_000, burst: 2, per: { kind: "header", name: "x-team" } }],
    ],
    ["1/d", [{ permits: 1, periodMs: 86_400_000, burst: 1, per: all }]],
    [
      "1/s;2/s\n;\t3/s per client",
      [
        { permits: 1, periodMs: 1000, burst: 1, per: all },
        { permits: 2, periodMs: 1000, burst: 2, per: all },
        { permits: 3, periodMs: 1000, burst: 3, per: { kind: "client" } },
      ],
    ],
  ])("%j", (text, limits) => {
    expect(parseLimits(text)).toEqual({ kind: "limits", limits });
  });

  test("what is printed is read again as it was", () => {
    const subject = fc.oneof(
      fc.constantFrom<RateLimit["per"]>(all, { kind: "client" }, { kind: "address" }),
      fc.constantFrom("x-team", "a").map((name) => ({ kind: "header", name }) as const),
    );
    const limit = fc.record({
      permits: fc.integer({ min: 1, max: 1_000_000 }),
      periodMs: fc.constantFrom(1000, 60_000, 3_600_000, 86_400_000),
      burst: fc.integer({ min: 1, max: mostPermits }),
      per: subject,
    });
    fc.assert(
      fc.property(fc.uniqueArray(limit, { minLength: 1, maxLength: mostLimits, selector: printLimit }), (limits) => {
        expect(parseLimits(limits.map(printLimit).join("; "))).toEqual({ kind: "limits", limits });
      }),
    );
  });

  test.each<[string, string]>([
    ["", 'it does not begin with a number, "/" and s, min, h or d'],
    ["   ", 'it does not begin with a number, "/" and s, min, h or d'],
    ["none", 'it does not begin with a number, "/" and s, min, h or d'],
    ["-1/s", 'it does not begin with a number, "/" and s, min, h or d'],
    ["1.5/s", 'it does not begin with a number, "/" and s, min, h or d'],
    ["1e3/s", 'it does not begin with a number, "/" and s, min, h or d'],
    ["100", 'it does not begin with a number, "/" and s, min, h or d'],
    ["100/", 'it does not begin with a number, "/" and s, min, h or d'],
    ["100/w", 'it does not begin with a number, "/" and s, min, h or d'],
    ["100/S", 'it does not begin with a number, "/" and s, min, h or d'],
    ["100/constructor", 'it does not begin with a number, "/" and s, min, h or d'],
    ["100 /s", 'it does not begin with a number, "/" and s, min, h or d'],
    ["1/s;", 'it does not begin with a number, "/" and s, min, h or d (limit 2 of 2)'],
    ["1/s; 2/x", 'it does not begin with a number, "/" and s, min, h or d (limit 2 of 2)'],
    ["1/s burst", "its burst is not a number from 1 to 1000000000"],
    ["1/s burst many", "its burst is not a number from 1 to 1000000000"],
    ["1/s per", '"per" is not followed by client, address or header and a name'],
    ["1/s per user", '"per" is not followed by client, address or header and a name'],
    ["1/s per header", '"per" is not followed by client, address or header and a name'],
    ["1/s per header x:y", '"per" is not followed by client, address or header and a name'],
    ["1/s per header x\u0131", '"per" is not followed by client, address or header and a name'],
    ["1/s burst 1 burst 2", 'after its rate it has something else than one "burst" and one "per"'],
    ["1/s per client per address", 'after its rate it has something else than one "burst" and one "per"'],
    ["1/s, 2/s", 'it does not begin with a number, "/" and s, min, h or d'],
    ["1/s and 2/s", 'after its rate it has something else than one "burst" and one "per"'],
    ["1/s; 1/s burst 1", "it says the same twice (limit 2 of 2)"],
    ["5/s per header X-A; 5/s per header x-a", "it says the same twice (limit 2 of 2)"],
  ])("%j is wrong: %s", (text, reason) => {
    expect(reasonOf(text)).toBe(reason);
  });

  test("bounds, below, at and above", () => {
    const many = (count: number): string => Array.from({ length: count }, (_, at) => `${at + 1}/s`).join(";");
    expect([7, 8, 9].map((count) => isRead(many(count)))).toEqual([true, true, false]);
    expect([0, 1, 2].map((permits) => isRead(`${permits}/s`))).toEqual([false, true, true]);
    expect([999_999_999, 1_000_000_000, 1_000_000_001].map((permits) => isRead(`${permits}/h`))).toEqual([
      true,
      true,
      false,
    ]);
    expect([999_999, 1_000_000, 1_000_001].map((permits) => isRead(`${permits}/s`))).toEqual([true, true, false]);
    expect([59_999_999, 60_000_000, 60_000_001].map((permits) => isRead(`${permits}/min`))).toEqual([
      true,
      true,
      false,
    ]);
    expect([0, 1, 2, 999_999_999, 1_000_000_000, 1_000_000_001].map((burst) => isRead(`1/s burst ${burst}`))).toEqual([
      false,
      true,
      true,
      true,
      true,
      false,
    ]);
    expect([127, 128, 129].map((length) => isRead(`1/s per header ${"x".repeat(length)}`))).toEqual([
      true,
      true,
      false,
    ]);
    expect([1023, 1024, 1025].map((length) => isRead("1/s".padEnd(length)))).toEqual([true, true, false]);
  });

  test("any text is read or has a reason that repeats none of it", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc
            .array(fc.constantFrom("1/s", "burst", "per", "client", "header", ";", " ", "\u0007", "7"))
            .map((words) => words.join(" ")),
        ),
        (text) => {
          const read = parseLimits(text);
          if (read.kind === "wrong") expect(read.reason).toMatch(/^[ -~]{1,120}$/);
          else expect(read.limits.length).toBeGreaterThan(0);
        },
      ),
    );
  });
});
