import * as fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { compileLimit, type CompiledLimit } from "../../../../gateway/edge/limits/compiled-limit.ts";
import { KeyedHash } from "../../../../gateway/edge/limits/keyed-hash.ts";
import { LimitTable } from "../../../../gateway/edge/limits/limit-table.ts";
import { countedClients, limitMemory, ways, type LimitMemory } from "../../../../gateway/shared/memory/limit-memory.ts";
import { parseLimits } from "../../../../routing/model/rate-limit.ts";

const owner = "prod/iris";

function limitOf(text: string, memory: LimitMemory, whose = owner): CompiledLimit {
  const read = parseLimits(text);
  if (read.kind === "wrong") throw new Error(read.reason);
  return compileLimit(
    read.limits[0]!,
    { namespace: whose.split("/")[0]!, object: `SeldonDeployment ${whose}` },
    memory,
  );
}

/** A table as one worker has it. */
class Worker {
  readonly table: LimitTable;
  evicted = 0;
  readonly #hash = new KeyedHash();

  constructor(memory: LimitMemory) {
    this.table = new LimitTable(memory, () => (this.evicted += 1));
  }

  take(limit: CompiledLimit, client: string, nowMs: number): number {
    this.#hash.ofText(limit.key0, limit.key1, client);
    return this.table.take(limit, this.#hash, nowMs);
  }

  look(limit: CompiledLimit, client: string, nowMs: number): number {
    this.#hash.ofText(limit.key0, limit.key1, client);
    return this.table.look(limit, this.#hash, nowMs);
  }

  giveBack(limit: CompiledLimit, client: string): void {
    this.#hash.ofText(limit.key0, limit.key1, client);
    this.table.giveBack(limit, this.#hash);
  }

  /** How many of `count` requests at once are admitted. */
  admitted(limit: CompiledLimit, client: string, nowMs: number, count: number): number {
    let admitted = 0;
    for (let at = 0; at < count; at++) if (this.take(limit, client, nowMs) >= 0) admitted += 1;
    return admitted;
  }
}

function memoryOf(clients = 1000): LimitMemory {
  return limitMemory(clients, 0, [1, 3]);
}

afterEach(() => vi.unstubAllGlobals());

describe("one client", () => {
  test.each([
    ["1/s", 1, 1000],
    ["100/s burst 200", 200, 10],
    ["3/s", 3, 334],
    ["5000/h per client", 5000, 720],
    ["1/d", 1, 86_400_000],
    ["1000000/s burst 1", 1, 0.001],
    ["1000000000/h", 1_000_000_000, 3.6],
  ])("%s: a burst of %i, and the next after %d ms", (text, burst, nextMs) => {
    const memory = memoryOf();
    const worker = new Worker(memory);
    const limit = limitOf(text, memory);
    for (const startMs of [0, 5.5, 1e9, 3 * 365 * 86_400_000]) {
      const client = `at ${startMs}`;
      if (burst <= 5000) {
        expect(worker.admitted(limit, client, startMs, burst + 1)).toBe(burst);
        expect(worker.take(limit, client, startMs + nextMs * 0.99)).toBeLessThan(0);
        expect(worker.take(limit, client, startMs + nextMs * 1.001)).toBeGreaterThanOrEqual(0);
      } else expect(worker.take(limit, client, startMs)).toBe((burst - 1) * limit.permit);
    }
  });

  test("over a year it gets its rate to the request, at any pace", () => {
    const memory = memoryOf();
    const worker = new Worker(memory);
    const limit = limitOf("7/min burst 3", memory);
    const yearMs = 365 * 86_400_000;
    let admitted = 0;
    for (let nowMs = 0; nowMs < yearMs / 50; nowMs += 1237.3) if (worker.take(limit, "a", nowMs) >= 0) admitted += 1;
    expect(Math.abs(admitted - (yearMs / 50) * (7 / 60_000))).toBeLessThanOrEqual(4);
  });

  test("what is left falls to 0 and says how much is missing", () => {
    const memory = memoryOf();
    const worker = new Worker(memory);
    const limit = limitOf("2/s", memory);
    expect(
      [
        worker.take(limit, "a", 0),
        worker.look(limit, "a", 0),
        worker.take(limit, "a", 0),
        worker.take(limit, "a", 0),
        worker.take(limit, "a", 250),
      ].map((left) => left / limit.permit),
    ).toEqual([1, 0, 0, -1, -0.5]);
  });

  test("a clock that lags gives nothing more", () => {
    const memory = memoryOf();
    const [ahead, behind] = [new Worker(memory), new Worker(memory)];
    const limit = limitOf("10/s", memory);
    expect(ahead.admitted(limit, "a", 1000, 10)).toBe(10);
    expect(behind.take(limit, "a", 950)).toBeLessThan(0);
  });

  test("what is given back is there again, and never more", () => {
    const memory = memoryOf();
    const worker = new Worker(memory);
    const limit = limitOf("2/s", memory);
    worker.giveBack(limit, "a");
    expect(worker.admitted(limit, "a", 0, 3)).toBe(2);
    worker.giveBack(limit, "a");
    expect(worker.admitted(limit, "a", 0, 3)).toBe(1);
  });
});

describe("several", () => {
  test("clients, limits and owners have cells of their own", () => {
    const memory = memoryOf();
    const worker = new Worker(memory);
    const limit = limitOf("1/s per client", memory);
    for (const [one, client] of [
      [limit, "a"],
      [limit, "b"],
      [limitOf("1/s per address", memory), "a"],
      [limitOf("1/s", memory), "a"],
      [limitOf("1/s per client", memory, "prod/other"), "a"],
    ] as const) {
      expect(worker.admitted(one, client, 0, 2)).toBe(1);
    }
  });

  test("workers share them", () => {
    const memory = memoryOf();
    const [one, other] = [new Worker(memory), new Worker(memory)];
    const limit = limitOf("3/s", memory);
    expect(
      [one.take(limit, "a", 0), other.take(limit, "a", 0), one.take(limit, "a", 0), other.take(limit, "a", 0)].map(
        (left) => left >= 0,
      ),
    ).toEqual([true, true, true, false]);
  });

  test("counted are those that hold something now", () => {
    const memory = memoryOf();
    const worker = new Worker(memory);
    const limit = limitOf("1/s per client", memory);
    for (let at = 0; at < 200; at++) worker.take(limit, `client ${at}`, 0);
    expect(countedClients(memory, 500)).toBe(200);
    expect(countedClients(memory, 3100)).toBe(0);
  });
});

describe("a full table", () => {
  const flood = (worker: Worker, limit: CompiledLimit, count: number, nowMs: (at: number) => number): void => {
    for (let at = 0; at < count; at++) worker.take(limit, `10.${at >>> 16}.${(at >>> 8) & 255}.${at & 255}`, nowMs(at));
  };

  test("idle clients make room, and nobody notices", () => {
    const memory = memoryOf(100);
    const worker = new Worker(memory);
    const limit = limitOf("1/s per address", memory);
    flood(worker, limit, 20_000, (at) => at * 100);
    expect(worker.evicted).toBe(0);
  });

  test("of one limit, those go that have used least, and it is counted", () => {
    const memory = memoryOf(100);
    const worker = new Worker(memory);
    const limit = limitOf("5000/h per address", memory);
    worker.admitted(limit, "spent", 0, 5000);
    flood(worker, limit, 20_000, () => 0);
    expect(worker.evicted).toBeGreaterThan(19_000);
    expect(worker.take(limit, "spent", 0)).toBeLessThan(0);
  });

  test("a million addresses of one limit take nothing from clients of another, nor from deployments as a whole, and no memory", () => {
    const memory = memoryOf(1000);
    const worker = new Worker(memory);
    const flooded = limitOf("1/d per address", memory);
    const other = limitOf("2/h per client", memory, "prod/other");
    const whole = limitOf("2/h", memory, "prod/other");
    const clients = Array.from({ length: 100 }, (_, at) => `client ${at}`);
    flood(worker, flooded, 100_000, () => 0);
    for (const client of clients) expect(worker.admitted(other, client, 0, 3)).toBe(2);
    expect(worker.admitted(whole, "", 0, 3)).toBe(2);
    flood(worker, flooded, 1_000_000, () => 1);
    for (const client of clients) expect(worker.take(other, client, 2)).toBeLessThan(0);
    expect(worker.take(whole, "", 2)).toBeLessThan(0);
    expect(memory.buffer.byteLength).toBeLessThan(5_000_000);
  }, 60_000);

  test("a namespace that floods all limits of all its objects takes nothing from clients of another namespace", () => {
    const memory = memoryOf(1000);
    const worker = new Worker(memory);
    const other = limitOf("2/h per client", memory);
    const flooded = ["a", "b"].flatMap((object) =>
      Array.from({ length: 8 }, (_, at) => limitOf(`${at + 1}/d per header x`, memory, `else/${object}`)),
    );
    const clients = Array.from({ length: 100 }, (_, at) => `client ${at}`);
    for (const client of clients) expect(worker.admitted(other, client, 0, 2)).toBe(2);
    for (const limit of flooded) flood(worker, limit, 5000, () => 0);
    for (const client of clients) expect(worker.take(other, client, 1)).toBeLessThan(0);
  });

  test.each([999, 1000, 1001])("has room for about as many clients as it was made for: %i of 1000", (count) => {
    const memory = memoryOf(1000);
    const worker = new Worker(memory);
    const limit = limitOf("1/d per client", memory);
    for (let at = 0; at < count; at++) worker.take(limit, `client ${at}`, 0);
    expect(worker.evicted).toBeLessThan(15);
  });
});

/** What a table uses of Atomics, of words of any length. */
interface Steps {
  readonly load: (words: object, at: number) => unknown;
  readonly compareExchange: (words: object, at: number, expected: unknown, value: unknown) => unknown;
}

/** After so many steps somebody else comes, or, the worker ends there. */
interface Turn {
  readonly steps: number;
  readonly ends: boolean;
}

/**
 * Workers whose steps interleave: before each step that one takes in shared memory, be it only a read, others may do whole operations, in the midst of
 * which yet others may. And a worker may end there, for good. Only for tables that are made later.
 */
class Interleaving {
  readonly #turns: Iterator<Turn, undefined>;
  #operations: (() => void)[] = [];
  /** Of the turn that comes next; Infinity: there is none. */
  #steps = Infinity;
  #ends = false;
  depth = 0;

  constructor(turns: readonly Turn[]) {
    this.#turns = turns[Symbol.iterator]();
    this.#turn();
    const { load, compareExchange } = Atomics as unknown as Steps;
    const Halves = Uint32Array;
    const read = new WeakMap<object, Uint32Array>();
    vi.stubGlobal("Uint32Array", function halvesOf(buffer: SharedArrayBuffer) {
      const halves = new Halves(buffer);
      const seen = new Proxy(halves, { get: (_, at) => (step(), Reflect.get(halves, at)) });
      read.set(seen, halves);
      return seen;
    });
    const step = (): void => this.#others();
    vi.stubGlobal("Atomics", {
      load: (words, at) => (step(), load(words, at)),
      compareExchange: (words, at, expected, value) => (
        step(),
        compareExchange(read.get(words) ?? words, at, expected, value)
      ),
    } satisfies Steps);
  }

  run(operations: readonly (() => void)[]): void {
    this.#operations = [...operations];
    for (let operation = this.#operations.shift(); operation !== undefined; operation = this.#operations.shift())
      this.#do(operation);
    this.#steps = Infinity;
    vi.unstubAllGlobals();
  }

  #turn(): void {
    const { steps, ends } = this.#turns.next().value ?? { steps: Infinity, ends: false };
    this.#steps = steps;
    this.#ends = ends;
  }

  #others(): void {
    if (this.depth > 4 || --this.#steps >= 0) return;
    const ends = this.#ends;
    this.#turn();
    if (ends) throw ended;
    const operation = this.#operations.shift();
    if (operation !== undefined) this.#do(operation);
  }

  #do(operation: () => void): void {
    this.depth += 1;
    try {
      operation();
    } catch (error) {
      if (error !== ended) throw error;
    } finally {
      this.depth -= 1;
    }
  }
}

const ended = new Error("the worker has ended");
/** Few steps, or about as many as a whole operation takes. */
const stepsUntil = fc.oneof(fc.nat(6), fc.nat(60));
const turns = (ends: fc.Arbitrary<boolean>): fc.Arbitrary<Turn[]> =>
  fc.array(fc.record({ steps: stepsUntil, ends }), { maxLength: 40, size: "max" });
const nobodyEnds = fc.constant(false);
const somebodyEnds = fc.constantFrom(false, false, false, true);

describe("any interleaving of workers", () => {
  // Few sets, so that they meet in them; some clients and limits, so that they insert and evict.
  const requests = fc.array(
    fc.record({ worker: fc.nat(3), client: fc.nat(9), afterMs: fc.constantFrom(0, 0, 0, 1, 40, 700, 4000) }),
    { minLength: 1, maxLength: 120, size: "max" },
  );

  test("admits exactly what one worker would, while nobody has to make room", () => {
    fc.assert(
      fc.property(
        turns(nobodyEnds),
        fc.array(fc.record({ worker: fc.nat(3), client: fc.nat(ways - 1) }), {
          minLength: 1,
          maxLength: 80,
          size: "max",
        }),
        (plan, calls) => {
          const memory = memoryOf(1);
          const limit = limitOf("5/h per client", memory);
          const interleaving = new Interleaving(plan);
          const workers = Array.from({ length: 4 }, () => new Worker(memory));
          const admitted = Array.from({ length: ways }, () => 0);
          const asked = [...admitted];
          interleaving.run(
            calls.map(({ worker, client }) => () => {
              asked[client]! += 1;
              if (workers[worker]!.take(limit, `client ${client}`, 0) >= 0) admitted[client]! += 1;
            }),
          );
          expect(admitted).toEqual(asked.map((count) => Math.min(count, 5)));
        },
      ),
      {
        numRuns: 1500,
        examples: [
          // Of two that insert into the same idle way, one was admitted between the other's choice of the way and its look at the state.
          [
            [29, 0, 0, 2, 11, 6].map((count) => ({ steps: count, ends: false })),
            [0, 0, 0, 2, 1, 3, 2, 2, 2, 2, 2, 0].map((client) => ({ worker: 0, client })),
          ],
          // Of two that insert the same client, one took the last idle way while the other saw that there was none.
          [
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 8].map((count) => ({ steps: count, ends: false })),
            [0, 0, 0, 1, 0, 3, 2, 5, 4, 2, 1, 0, 0].map((client) => ({ worker: 0, client })),
          ],
        ],
      },
    );
  });

  test("what some give back is there for others, all of it and no more", () => {
    fc.assert(
      fc.property(
        turns(nobodyEnds),
        fc.array(fc.record({ worker: fc.nat(3), client: fc.nat(2), back: fc.boolean() }), {
          minLength: 1,
          maxLength: 40,
          size: "max",
        }),
        (plan, calls) => {
          const memory = memoryOf(1);
          const limit = limitOf("5/h per client", memory);
          const interleaving = new Interleaving(plan);
          const workers = Array.from({ length: 4 }, () => new Worker(memory));
          const kept = [0, 0, 0];
          interleaving.run(
            calls.map(({ worker, client, back }) => () => {
              if (workers[worker]!.take(limit, `client ${client}`, 0) < 0) return;
              if (back) workers[worker]!.giveBack(limit, `client ${client}`);
              else kept[client]! += 1;
            }),
          );
          const after = new Worker(memory);
          expect(kept.map((count, client) => count + after.admitted(limit, `client ${client}`, 0, 6))).toEqual([
            5, 5, 5,
          ]);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("never admits more than burst + rate × time to a client that keeps its cell, whoever ends where", () => {
    let whole = 0;
    fc.assert(
      fc.property(turns(somebodyEnds), requests, (plan, calls) => {
        const memory = memoryOf(2);
        const limits = ["2/s burst 3 per client", "1/s per address"].map((text) => limitOf(text, memory));
        const admitted = new Map<string, number[]>();
        let nowMs = 0;
        const interleaving = new Interleaving(plan);
        const workers = Array.from({ length: 4 }, () => new Worker(memory));
        interleaving.run(
          calls.map(({ worker, client, afterMs }) => () => {
            // Clocks of workers differ by less than a second.
            if (interleaving.depth === 1 || afterMs < 50) nowMs += afterMs;
            const atMs = nowMs;
            const limit = limits[client % 2]!;
            if (workers[worker]!.take(limit, `client ${client}`, atMs) < 0) return;
            const key = `${client % 2} ${client}`;
            admitted.set(
              key,
              [...(admitted.get(key) ?? []), atMs].sort((a, b) => a - b),
            );
          }),
        );
        if (workers.some(({ evicted }) => evicted > 0)) return;
        whole += 1;
        for (const [key, times] of admitted) {
          const { permits, periodMs, burst } = limits[Number(key[0])]!.limit;
          for (const [first, from] of times.entries()) {
            for (const [last, to] of times.entries())
              if (last >= first)
                expect(last - first + 1).toBeLessThanOrEqual(burst + ((to - from) * permits) / periodMs + 1e-6);
          }
        }
      }),
      { numRuns: 1500 },
    );
    expect(whole).toBeGreaterThan(300);
  });

  test("a worker that ends anywhere locks nobody out", () => {
    fc.assert(
      fc.property(turns(somebodyEnds), requests, (plan, calls) => {
        const memory = memoryOf(1);
        const limit = limitOf("1/s per client", memory);
        const interleaving = new Interleaving(plan);
        const workers = Array.from({ length: 4 }, () => new Worker(memory));
        interleaving.run(
          calls.map(
            ({ worker, client }) =>
              () =>
                void workers[worker]!.take(limit, `client ${client}`, 0),
          ),
        );
        const [one, other] = [new Worker(memory), new Worker(memory)];
        for (let client = 0; client < 5; client++)
          expect(one.take(limit, `client ${client}`, 60_000)).toBeGreaterThanOrEqual(0);
        for (let client = 0; client < 5; client++)
          expect(other.take(limit, `client ${client}`, 60_000)).toBeLessThan(0);
      }),
      { numRuns: 500 },
    );
  });
});
