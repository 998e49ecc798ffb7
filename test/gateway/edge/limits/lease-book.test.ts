// Permits that a worker holds of Redis: what it asks for and when, and what becomes of answers that are late, wrong or none.
import { describe, expect, test } from "vitest";
import { compileLimit } from "../../../../gateway/edge/limits/compiled-limit.ts";
import { LeaseBook, type LeaseOptions, type Taken } from "../../../../gateway/edge/limits/lease-book.ts";
import type { RedisAnswer } from "../../../../gateway/edge/store/redis.ts";
import { limitMemory } from "../../../../gateway/shared/memory/limit-memory.ts";
import { parseLimits } from "../../../../routing/model/rate-limit.ts";

interface Question {
  readonly keys: readonly string[];
  readonly wanted: number;
  readonly back: number;
  answer(answer: RedisAnswer): Promise<void>;
}

class Bench {
  nowMs = 0;
  isReady = true;
  readonly questions: Question[] = [];
  readonly book: LeaseBook;
  readonly limit;

  constructor(text: string, more: Partial<LeaseOptions> = {}) {
    const read = parseLimits(text);
    if (read.kind === "wrong") throw new Error(read.reason);
    this.limit = compileLimit(
      read.limits[0]!,
      { namespace: "prod", object: "SeldonDeployment prod/iris" },
      limitMemory(10, 0, [1, 2]),
    );
    const store: LeaseOptions["store"] = { isReady: true, run: (_script, keys, args) => this.#asked(keys, args) };
    Object.defineProperty(store, "isReady", { get: () => this.isReady });
    this.book = new LeaseBook({
      store,
      clock: { now: () => this.nowMs, after: () => ({ cancel: () => undefined }) },
      workers: 1,
      most: 100,
      replica: "one",
      ...more,
    });
    this.questions.length = 0;
  }

  #asked(keys: readonly string[], args: readonly (string | number)[]): Promise<RedisAnswer> {
    const { promise, resolve } = Promise.withResolvers<RedisAnswer>();
    const answer = async (given: RedisAnswer): Promise<void> => {
      resolve(given);
      await promise;
      await Promise.resolve();
    };
    this.questions.push({ keys, wanted: Number(args[3]), back: Number(args[4]), answer });
    return promise;
  }

  /** `namespace`: whose limit it is. */
  take(client = 1, namespace = "prod"): Taken["kind"] | null {
    return (
      this.book.take({ ...this.limit, owner: { ...this.limit.owner, namespace } }, client, () => `client ${client}`)
        ?.kind ?? null
    );
  }

  granted(question: number, granted: unknown, wait: unknown = "0"): Promise<void> {
    return this.questions[question]!.answer({ kind: "reply", reply: [granted, wait] });
  }
}

describe("a lease", () => {
  test("the first request waits, those after it do not, and more is asked for when a quarter is left", async () => {
    const bench = new Bench("1000/s");
    expect(bench.take()).toBeNull();
    const told: string[] = [];
    bench.book.answered(1, ({ kind }) => told.push(kind));
    expect(bench.take()).toBeNull();
    bench.book.answered(1, ({ kind }) => told.push(kind));
    expect(bench.questions.map(({ wanted }) => wanted)).toEqual([10]);
    await bench.granted(0, 10);
    expect(told).toEqual(["admitted", "admitted"]);
    bench.nowMs = 10;
    for (let at = 0; at < 5; at++) expect(bench.take()).toBe("admitted");
    expect(bench.questions).toHaveLength(1);
    expect(bench.take()).toBe("admitted");
    // 8 in 10 ms: what it uses in two seconds, of half of the burst at most.
    expect(bench.questions.map(({ wanted }) => wanted)).toEqual([10, 498]);
    expect([bench.take(), bench.take(), bench.take()]).toEqual(["admitted", "admitted", null]);
  });

  test("of many at once nobody is refused while Redis may have more", async () => {
    const bench = new Bench("1000/s");
    const told: string[] = [];
    const come = (count: number): void => {
      for (let at = 0; at < count; at++) {
        expect(bench.take()).toBeNull();
        bench.book.answered(1, ({ kind }) => told.push(kind));
      }
    };
    come(25);
    await bench.granted(0, 10);
    expect([told.length, bench.questions[1]!.wanted >= 15]).toEqual([10, true]);
    come(5);
    await bench.granted(1, 17);
    expect([bench.questions.length, new Set(told), told.length]).toEqual([2, new Set(["admitted", "refused"]), 30]);
    expect(told.filter((kind) => kind === "admitted")).toHaveLength(27);
  });

  test("what is not used in time is given back with the next question", async () => {
    const bench = new Bench("1000/s");
    bench.take();
    await bench.granted(0, 10);
    bench.nowMs = 9999;
    expect(bench.take()).toBe("admitted");
    bench.nowMs = 10_000;
    expect(bench.take()).toBeNull();
    expect(bench.questions[1]!.back).toBe(9);
  });

  test("of a small limit a worker holds one, of any its part of half of a burst", async () => {
    expect(new Bench("1/h").take()).toBeNull();
    for (const [burst, workers, wanted] of [
      [1, 1, 1],
      [3, 1, 1],
      [4, 1, 2],
      [16, 2, 4],
      [19, 2, 4],
      [20, 2, 5],
      [1000, 4, 10],
    ] as const) {
      const bench = new Bench(`1/h burst ${burst}`, { workers });
      bench.take();
      expect([burst, bench.questions[0]!.wanted]).toEqual([burst, wanted]);
    }
  });

  test("where there is nothing, it says for how long, and Redis is asked again a second later", async () => {
    const bench = new Bench("1/min");
    bench.take();
    await bench.granted(0, 0, "42000.5");
    expect(bench.book.take(bench.limit, 1, () => "")).toEqual({ kind: "refused", waitMs: 42_000.5 });
    bench.nowMs = 999;
    expect(bench.take()).toBe("refused");
    bench.nowMs = 1000;
    expect(bench.take()).toBeNull();
  });

  test.each<[string, RedisAnswer]>([
    ["is late", { kind: "away", why: "late", sentence: "late" }],
    ["grants more than was asked for", { kind: "reply", reply: [11, "0"] }],
    ["grants less than nothing", { kind: "reply", reply: [-1, "0"] }],
    ["grants a part", { kind: "reply", reply: [1.5, "0"] }],
    ["says no time", { kind: "reply", reply: [1, "soon"] }],
    ["says no end", { kind: "reply", reply: [0, "inf"] }],
    ["says nothing", { kind: "reply", reply: null }],
    ["says a text", { kind: "reply", reply: "OK" }],
    ["says READONLY", { kind: "away", why: "refused", sentence: "READONLY" }],
  ])("an answer that %s is none, and nobody waits for the next second", async (_what, answer) => {
    const bench = new Bench("100/s");
    bench.take();
    const told: string[] = [];
    bench.book.answered(1, ({ kind }) => told.push(kind));
    await bench.questions[0]!.answer(answer);
    expect(told).toEqual(["away"]);
    expect([bench.take(), bench.take(2)]).toEqual(["away", "away"]);
    bench.nowMs = 999;
    expect(bench.take()).toBe("away");
    bench.nowMs = 1000;
    expect(bench.take()).toBeNull();
  });

  test("without a connection nobody waits, and what is held is used", async () => {
    const bench = new Bench("100/s");
    bench.take();
    await bench.granted(0, 2);
    bench.isReady = false;
    expect([bench.take(), bench.take(), bench.take()]).toEqual(["admitted", "admitted", "away"]);
    expect(bench.questions).toHaveLength(1);
  });

  test.each([
    [1, "admitted"],
    [2, "admitted"],
    [3, null],
  ] as const)("of two clients that are held for, %i more makes the first one wait: %s", async (clients, kind) => {
    const bench = new Bench("100/s", { most: 2 });
    for (let client = 1; client <= clients; client++) {
      bench.take(client);
      await bench.granted(client - 1, 10);
    }
    expect(bench.take(1)).toBe(kind);
  });

  test("who comes after the many clients of one namespace's limit is held for, and many more of these do not end that", async () => {
    const bench = new Bench("100/s", { most: 4 });
    const namespaces = ["quiet", "loud", "loud", "loud", "loud", "loud", "loud"];
    for (const [client, namespace] of namespaces.entries()) {
      bench.take(client, namespace);
      await bench.granted(client, 10);
    }
    expect([bench.take(0, "quiet"), bench.take(6, "loud"), bench.take(3, "loud")]).toEqual([
      "admitted",
      "admitted",
      null,
    ]);
  });

  test("what is given back is there, and keys tell nothing of the client", async () => {
    const bench = new Bench("1/h");
    bench.take();
    await bench.granted(0, 1);
    expect(bench.take()).toBe("admitted");
    bench.book.giveBack(1);
    expect(bench.take()).toBe("admitted");
    expect(bench.questions[0]!.keys[0]).toMatch(/^sluice:limit:[\w-]{43}$/);
  });
});
