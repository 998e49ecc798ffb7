// CPU time of the gateway's data workers, or of another of its threads, as the kernel counts it: what a case costs, however busy the machine is.
import { readFileSync, readdirSync } from "node:fs";

const betweenMs = 25;
const keptMs = 30_000;

interface Look {
  readonly atMs: number;
  readonly micros: ReadonlyMap<string, number>;
}

export class CpuClock {
  readonly #folder: string;
  readonly #threads: string;
  #looks: Look[] = [];
  #timer: NodeJS.Timeout | null = null;

  /** `threads`: how their names begin. */
  constructor(pid: number, threads = "data-") {
    this.#threads = threads;
    this.#folder = `/proc/${pid}/task`;
  }

  /** CPU time of all of them so far, µs; 0 where the kernel does not tell. */
  get micros(): number {
    let sum = 0;
    for (const one of this.#now().values()) sum += one;
    return sum;
  }

  /** Looks again and again, for `standstillMs`. */
  start(): void {
    this.#timer = setInterval(() => {
      const atMs = performance.now();
      this.#looks.push({ atMs, micros: this.#now() });
      if (this.#looks[0]!.atMs < atMs - 2 * keptMs)
        this.#looks = this.#looks.filter((look) => look.atMs >= atMs - keptMs);
    }, betweenMs);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#looks = [];
  }

  /**
   * For how long one of them was at work since then without a pause that the machine made: its CPU time, less the time in which this process itself stood
   * still. A wait that is longer than 250 ms is a fault of the gateway only where this is, too.
   */
  standstillMs(sinceMs: number): number {
    const first = this.#looks.findLast(({ atMs }) => atMs <= sinceMs);
    if (first === undefined) return 0;
    let lateMs = 0;
    let beforeMs = first.atMs;
    for (const { atMs } of [...this.#looks.filter((look) => look.atMs > first.atMs), { atMs: performance.now() }]) {
      lateMs += Math.max(0, atMs - beforeMs - 2 * betweenMs);
      beforeMs = atMs;
    }
    let most = 0;
    for (const [thread, micros] of this.#now()) most = Math.max(most, micros - (first.micros.get(thread) ?? micros));
    return most / 1000 - lateMs;
  }

  #now(): Map<string, number> {
    const micros = new Map<string, number>();
    try {
      for (const task of readdirSync(this.#folder)) {
        if (readFileSync(`${this.#folder}/${task}/comm`, "utf8").startsWith(this.#threads))
          micros.set(task, Number.parseInt(readFileSync(`${this.#folder}/${task}/schedstat`, "utf8"), 10) / 1000);
      }
    } catch {
      // It ends, or the kernel tells nothing.
    }
    return micros;
  }
}
