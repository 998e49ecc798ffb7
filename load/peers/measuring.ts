// The window of a load generator: what is counted in it, and CPU accounts read in the same turn of the loop that opens and closes it, so that requests
// and time match.
import { coreTime, threadTimes, timeBetween, type ThreadTime } from "./account.ts";
import { Histogram } from "./histogram.ts";
import type { LoadPlan, LoadResult } from "./load-plan.ts";

/** More errors than this and the run is over: nothing is learnt from the rest. */
const errorLimit = 1000;

/** What a generator does around the window. */
export interface Loading {
  start(): void;
  /** Waits for what is on its way, and counts what does not come as missing. */
  finish(): Promise<void>;
}

export class Measuring {
  readonly #plan: LoadPlan;
  readonly #latency = new Histogram();
  readonly #byAnswer: number[];
  readonly errors = { status: 0, body: 0, connection: 0, missing: 0, first: null as string | null };
  #requests = 0;
  #answers = 0;
  reconnects = 0;
  #phase: "warm-up" | "window" | "over" = "warm-up";

  constructor(plan: LoadPlan) {
    this.#plan = plan;
    this.#byAnswer = plan.answers.map(() => 0);
  }

  /** Nothing more is to be sent, as soon as the window closes or all goes wrong. */
  get over(): boolean {
    return this.#phase === "over" || this.errors.status + this.errors.body + this.errors.connection > errorLimit;
  }

  failed(kind: "status" | "body" | "connection", sentence: string): void {
    this.errors[kind]++;
    this.errors.first ??= sentence;
  }

  /** An answer, right or not; `body` is an index of the right ones or −1. */
  answered(body: number, dueMs: number, nowMs: number): void {
    this.#answers++;
    if (this.#phase !== "window") return;
    this.#requests++;
    if (body >= 0) this.#byAnswer[body]! += 1;
    this.#latency.add((nowMs - dueMs) * 1000);
  }

  async run(loading: Loading): Promise<LoadResult> {
    const { warmUpMs, measureMs, accountCore } = this.#plan;
    loading.start();
    await pass(warmUpMs);
    this.#latency.clear();
    this.#byAnswer.fill(0);
    this.#requests = 0;
    this.#phase = "window";
    const before = this.#times();
    const coreBefore = coreTime(accountCore);
    const openedMs = performance.now();
    const cpuBefore = process.cpuUsage();
    await pass(measureMs);
    const cpu = process.cpuUsage(cpuBefore);
    const after = this.#times();
    const coreAfter = coreTime(accountCore);
    const seconds = (performance.now() - openedMs) / 1000;
    const requests = this.#requests;
    const byAnswer = [...this.#byAnswer];
    this.#phase = "over";
    await loading.finish();
    const { threads, ended } = timeBetween(before, after);
    return {
      requests,
      answers: this.#answers,
      seconds,
      errors: this.errors,
      byAnswer,
      latency: this.#latency.latency(),
      threads,
      endedThreads: ended,
      core: { busyMs: coreAfter.busyMs - coreBefore.busyMs, stolenMs: coreAfter.stolenMs - coreBefore.stolenMs },
      generatorNs: (cpu.user + cpu.system) * 1000,
      reconnects: this.reconnects,
    };
  }

  #times(): readonly ThreadTime[] {
    return this.#plan.accountPids.flatMap(threadTimes);
  }
}

export async function pass(ms: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
