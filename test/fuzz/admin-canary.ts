// The canary of the admin port: what probes of a cluster ask, on a new connection each time as they do. Who loses an answer, or waits too long for one, has found something.
import { get } from "node:http";
import type { CpuClock } from "./cpu-clock.ts";

/** So long no answer: the control worker stands still. Far more than a busy machine needs. */
const patienceMs = 20_000;
/** A wait that is longer, while the control worker was at work for so long, is a fault: somebody's requests cost too much in a turn. */
const mostStandstillMs = 250;
const betweenMs = 50;
const paths = ["/readyz", "/healthz"] as const;

export class AdminCanary {
  readonly #url: string;
  readonly #cpu: CpuClock;
  readonly #loops: Promise<void>[] = [];
  #over = false;
  answered = 0;
  slowestMs = 0;
  /** What was lost, once. */
  fault: string | null = null;

  constructor(url: string, cpu: CpuClock) {
    this.#url = url;
    this.#cpu = cpu;
  }

  start(): void {
    this.#over = false;
    for (const path of paths) this.#loops.push(this.#ask(path));
  }

  async stop(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#loops.splice(0));
  }

  async #ask(path: string): Promise<void> {
    while (!this.#over && this.fault === null) {
      const askedMs = performance.now();
      const found = await statusOf(`${this.#url}${path}`);
      const waitedMs = performance.now() - askedMs;
      const standstillMs = waitedMs > mostStandstillMs ? this.#cpu.standstillMs(askedMs) : 0;
      this.slowestMs = Math.max(this.slowestMs, waitedMs);
      this.answered += 1;
      if (found !== "200") this.fault ??= `the canary of the admin port: ${path} gives ${found}`;
      else if (standstillMs > mostStandstillMs)
        this.fault ??= `the canary of the admin port waited ${Math.round(waitedMs)} ms for ${path} while the control worker was at work for ${Math.round(standstillMs)} ms`;
      await new Promise((resolve) => {
        setTimeout(resolve, betweenMs);
      });
    }
  }
}

async function statusOf(url: string): Promise<string> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, signal: AbortSignal.timeout(patienceMs) }, (response) => {
      response.resume();
      response.on("end", () => resolve(String(response.statusCode)));
    });
    request.on("error", (error) => resolve(error.message));
  });
}
