// Limits that replicas share, of requests that have several of them, while Redis comes, goes, is late and loses answers.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { CallPolicy } from "../../../../gateway/callers/call-policy.ts";
import type { WorkerContext } from "../../../../gateway/edge/io/worker-context.ts";
import { compileLimit } from "../../../../gateway/edge/limits/compiled-limit.ts";
import { LeaseBook } from "../../../../gateway/edge/limits/lease-book.ts";
import { Limiter } from "../../../../gateway/edge/limits/limiter.ts";
import { leasedRateLimitStep } from "../../../../gateway/edge/steps/leased-rate-limit.ts";
import { waits, type Step, type StepRequest, type Verdict } from "../../../../gateway/edge/steps/step.ts";
import type { RedisScript } from "../../../../gateway/edge/store/redis-script.ts";
import type { RedisAnswer } from "../../../../gateway/edge/store/redis.ts";
import { limitMemory } from "../../../../gateway/shared/memory/limit-memory.ts";
import { parseLimits } from "../../../../routing/model/rate-limit.ts";
import { requestOf } from "../identity/requests.ts";

const replicas = 2;
const away: RedisAnswer = { kind: "away", why: "late", sentence: "late" };

/** Redis as the scripts of leases use it, in time that stands until it is told. */
class Store {
  nowMs = 0;
  isReady = true;
  /** What becomes of questions: answered, answered later, done and not answered, neither. */
  mode: "now" | "later" | "unanswered" | "lost" = "now";
  readonly #tats = new Map<string, number>();
  #later: (() => void)[] = [];

  run = (_script: RedisScript, [key]: readonly string[], args: readonly (string | number)[]): Promise<RedisAnswer> => {
    if (args.length === 2) return Promise.resolve({ kind: "reply", reply: replicas });
    if (!this.isReady || this.mode === "lost") return Promise.resolve(away);
    const reply = this.#take(key!, args as readonly number[]);
    if (this.mode === "unanswered") return Promise.resolve(away);
    if (this.mode === "now") return Promise.resolve(reply);
    return new Promise((resolve) => this.#later.push(() => resolve(reply)));
  };

  answer(): void {
    for (const one of this.#later.splice(0)) one();
  }

  #take(key: string, [permits, periodMs, burst, wanted, back]: readonly number[]): RedisAnswer {
    const rate = permits! / periodMs!;
    const now = this.nowMs * rate;
    const tat = Math.max((this.#tats.get(key) ?? 0) - back!, now);
    const granted = Math.max(0, Math.min(wanted!, Math.floor(burst! - (tat - now) + 1e-6)));
    this.#tats.set(key, tat + granted);
    return { kind: "reply", reply: [granted, String(Math.max(0, (tat + granted + 1 - now - burst!) / rate))] };
  }
}

/** A replica of one worker, with these limits. */
async function replica(
  text: string,
  store: Store,
  number: number,
  withoutRedis: CallPolicy["limitsWithoutRedis"],
): Promise<Step> {
  const read = parseLimits(text);
  if (read.kind === "wrong") throw new Error(read.reason);
  const memory = limitMemory(100, 0, [number, 9]);
  const clock = { now: () => store.nowMs, after: () => ({ cancel: () => undefined }) };
  const book = new LeaseBook({ store, clock, workers: 1, most: 100, replica: String(number) });
  const worker = {
    get nowMs() {
      return store.nowMs;
    },
    counters: { add: () => undefined },
  } as unknown as WorkerContext;
  const limiter = new Limiter(memory, 0, worker, book);
  await Promise.resolve();
  return leasedRateLimitStep(
    read.limits.map((limit) =>
      compileLimit(limit, { namespace: "prod", object: "SeldonDeployment prod/iris" }, memory),
    ),
    limiter,
    book,
    withoutRedis,
  );
}

/** `said` is told once. */
function ask(step: Step, a: number, b: number, said: (verdict: Verdict) => void): void {
  const request = {
    ...requestOf([`x-a: ${a}`, `x-b: ${b}`]),
    caller: null,
    wait: () => said,
    addToAnswer: () => undefined,
  } as unknown as StepRequest;
  const verdict = step.take(request);
  if (verdict !== waits) said(verdict);
}

async function turn(): Promise<void> {
  for (let at = 0; at < 4; at++) await Promise.resolve();
}

test("while Redis is away, what one limit refuses is not counted by another", async () => {
  const store = new Store();
  const step = await replica("8/d per header x-a; 4/d per header x-b", store, 1, "share");
  store.isReady = false;
  const kinds: string[] = [];
  for (const b of [1, 1, 1, 1, 1, 1, 2, 2, 2]) ask(step, 1, b, ({ kind }) => kinds.push(kind));
  expect(kinds).toEqual(["go-on", "go-on", "fail", "fail", "fail", "fail", "go-on", "go-on", "fail"]);
});

test.each([1, 10, 11, 24, 25, 200])("of %i requests at once each limit admits as many as it says", async (count) => {
  const store = new Store();
  const step = await replica("60/d per header x-a; 24/d per header x-b", store, 1, "close");
  store.mode = "later";
  const kinds: string[] = [];
  for (let at = 0; at < count; at++) ask(step, 1, 1, ({ kind }) => kinds.push(kind));
  while (kinds.length < count) {
    store.answer();
    await turn();
  }
  expect(kinds.filter((kind) => kind === "go-on")).toHaveLength(Math.min(count, 24));
});

const event = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("request" as const),
      replica: fc.nat(replicas - 1),
      a: fc.nat(1),
      b: fc.nat(2),
    }),
  },
  fc.record({ kind: fc.constant("time" as const), ms: fc.constantFrom(1, 400, 1000, 5000, 10_000) }),
  fc.record({
    kind: fc.constant("mode" as const),
    mode: fc.constantFrom("now" as const, "now" as const, "later" as const, "unanswered" as const, "lost" as const),
    isReady: fc.constantFrom(true, true, false),
  }),
  fc.constant({ kind: "answer" as const }),
);

test.each(["share", "close"] as const)(
  "nobody gets more than a burst, and the shares of the replicas where they count alone (%s)",
  async (withoutRedis) => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 80, size: "max" }), async (events) => {
        const store = new Store();
        const steps = await Promise.all(
          Array.from({ length: replicas }, (_, number) =>
            replica("6/d per header x-a; 4/d per header x-b", store, number, withoutRedis),
          ),
        );
        const passed = { a: [0, 0], b: [0, 0, 0] };
        for (const one of events) {
          if (one.kind === "request") {
            ask(steps[one.replica]!, one.a, one.b, (verdict) => {
              if (verdict.kind !== "go-on") return;
              passed.a[one.a]! += 1;
              passed.b[one.b]! += 1;
            });
          } else if (one.kind === "time") store.nowMs += one.ms;
          else if (one.kind === "answer") store.answer();
          else Object.assign(store, { mode: one.mode, isReady: one.isReady });
          await turn();
        }
        store.answer();
        await turn();
        // A share is half of a burst.
        const times = withoutRedis === "share" ? 2 : 1;
        expect(Math.max(...passed.a)).toBeLessThanOrEqual(6 * times);
        expect(Math.max(...passed.b)).toBeLessThanOrEqual(4 * times);
      }),
      { numRuns: 500 },
    );
  },
);

test("in any stretch of time at most half of a burst more passes than the limit says", async () => {
  const limits = [
    ["10/s", 10, 0.01],
    ["100/s burst 200", 200, 0.1],
    ["5/min", 5, 5 / 60_000],
    ["1/s burst 4", 4, 0.001],
  ] as const;
  const wave = fc.record({
    intervals: fc.constantFrom(0, 0.5, 1, 3, 30),
    afterMs: fc.constantFrom(0, 0, 0, 9999, 10_000, 12_000),
    replica: fc.nat(replicas - 1),
    count: fc.integer({ min: 1, max: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...limits),
      fc.array(wave, { maxLength: 30, size: "max" }),
      async ([text, burst, perMs], waves) => {
        const store = new Store();
        const steps = await Promise.all(
          Array.from({ length: replicas }, (_, number) => replica(text, store, number, "close")),
        );
        const passed: { readonly atMs: number; readonly before: number }[] = [];
        let count = 0;
        for (const one of waves) {
          store.nowMs += one.intervals / perMs + one.afterMs;
          const before = count;
          for (let at = 0; at < one.count; at++)
            ask(steps[one.replica]!, 1, 1, ({ kind }) => (count += kind === "go-on" ? 1 : 0));
          for (let turns = 0; turns < 4; turns++) await turn();
          passed.push({ atMs: store.nowMs, before });
          // Each replica holds one at least.
          for (const { atMs, before: first } of passed)
            expect(count - first).toBeLessThanOrEqual(
              burst + Math.max(replicas, burst / 2) + (store.nowMs - atMs) * perMs + 1e-3,
            );
        }
      },
    ),
    { numRuns: 150 },
  );
});
