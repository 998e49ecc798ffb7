// A clock that stands until a test says how far it goes.
import type { Alarm, Clock } from "../gateway/shared/clock.ts";
import { turns } from "./turns.ts";

const stepMs = 10;
/** Of this clock. */
const patienceMs = 60_000;

interface Waiting extends Alarm {
  readonly atMs: number;
  readonly ring: () => void;
}

/** A deadline of the wheel is met in the tick after it, so much later at most. */
export const tickMs = 8;

/** What an alarm sets going arrives at the peers, all in this process, before time goes on. */
const turnsBetween = 6;

export class StoppedClock implements Clock {
  #nowMs = 50_000;
  readonly #waiting = new Set<Waiting>();

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, ring: () => void): Alarm {
    const alarm: Waiting = { atMs: this.#nowMs + ms, ring, cancel: () => void this.#waiting.delete(alarm) };
    this.#waiting.add(alarm);
    return alarm;
  }

  /** Alarms that are set. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Goes on by `ms` and rings nothing: alarms that are due meanwhile are late. */
  skip(ms: number): void {
    this.#nowMs += ms;
  }

  /** Goes on by `ms` within this callback. Alarms ring at their time and in their order, those too that are set meanwhile. */
  pass(ms: number): void {
    const untilMs = this.#nowMs + ms;
    while (this.#ring(untilMs));
    this.#nowMs = untilMs;
  }

  /** As `pass`, and what is under way between sockets arrives before it, and after each alarm. */
  async advance(ms: number): Promise<void> {
    await turns(turnsBetween);
    const untilMs = this.#nowMs + ms;
    while (this.#ring(untilMs)) await turns(turnsBetween);
    this.#nowMs = untilMs;
    await turns(turnsBetween);
  }

  /** Goes on in small steps until `holds`: for what comes in its time, whatever that is. Throws, naming `what`, after a minute of this clock. */
  async goOnUntil(holds: () => boolean, what: string): Promise<void> {
    const lastMs = this.#nowMs + patienceMs;
    while (!holds()) {
      if (this.#nowMs > lastMs) throw new Error(`never: ${what}`);
      await this.advance(stepMs);
    }
  }

  /** Goes on in small steps until `work` is done, and gives what it gave. */
  async goOnDuring<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = (): void => void (isDone = true);
    work.then(done, done);
    await this.goOnUntil(() => isDone, "the end of what was begun");
    return work;
  }

  /** Rings what is due first, of several at one time the one that was set first. False: nothing is due until then. */
  #ring(untilMs: number): boolean {
    let first: Waiting | null = null;
    for (const alarm of this.#waiting)
      if (alarm.atMs <= untilMs && (first === null || alarm.atMs < first.atMs)) first = alarm;
    if (first === null) return false;
    this.#waiting.delete(first);
    this.#nowMs = Math.max(this.#nowMs, first.atMs);
    first.ring();
    return true;
  }
}
