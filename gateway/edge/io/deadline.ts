// Deadlines: one wheel a worker. Setting a deadline later than where its entry stands costs one store, so a connection that serves many
// requests is linked anew only about once per time limit, not once per request.
import type { Alarm, Clock } from "../../shared/clock.ts";

/** What has a deadline. Embed or extend. */
export interface Timed {
  /** Called at the first tick at or after the deadline, never before. It may set another. */
  expired(nowMs: number): void;
}

const slotMs = 8;
const slots = 1024;

/** One deadline. */
export class Deadline {
  readonly owner: Timed;
  /** When it is due, ms of the wheel's clock; Infinity: never. */
  dueMs = Infinity;
  /** Start of the slot where the entry stands; Infinity: in none. */
  slotAtMs = Infinity;
  next: Deadline | null = null;
  previous: Deadline | null = null;

  constructor(owner: Timed) {
    this.owner = owner;
  }
}

/** A hashed wheel of intrusive lists. Its one alarm is set only while there is something to wait for. */
export class DeadlineWheel {
  readonly #clock: Clock;
  readonly #faulted: (error: unknown) => void;
  readonly #heads: (Deadline | null)[] = Array.from({ length: slots }, () => null);
  /** Slots before this time are done. */
  #doneMs: number;
  #alarm: Alarm | null = null;
  #alarmAtMs = Infinity;
  #count = 0;
  #ticking = false;

  /** `faulted` is told what an owner throws: it ends nobody else's deadline. */
  constructor(clock: Clock, faulted: (error: unknown) => void) {
    this.#clock = clock;
    this.#faulted = faulted;
    this.#doneMs = startOfSlot(clock.now());
  }

  /** Sets (or moves) a deadline; Infinity is never. */
  set(deadline: Deadline, dueMs: number): void {
    deadline.dueMs = dueMs;
    // Standing in an earlier slot is fine: the tick there moves it on.
    if (dueMs >= deadline.slotAtMs) return;
    if (deadline.slotAtMs !== Infinity) this.#unlink(deadline);
    if (dueMs !== Infinity) this.#link(deadline);
  }

  /** Entries that stand in it, cleared ones too until their slot is past. */
  get size(): number {
    return this.#count;
  }

  clear(deadline: Deadline): void {
    deadline.dueMs = Infinity;
  }

  /** Takes the entry out at once, for an owner that ends. */
  remove(deadline: Deadline): void {
    deadline.dueMs = Infinity;
    if (deadline.slotAtMs !== Infinity) this.#unlink(deadline);
  }

  close(): void {
    this.#alarm?.cancel();
    this.#alarm = null;
    this.#alarmAtMs = Infinity;
  }

  #link(deadline: Deadline): void {
    // An empty wheel stands still: time goes on from here.
    if (this.#count === 0 && !this.#ticking) this.#doneMs = Math.max(this.#doneMs, startOfSlot(this.#clock.now()));
    this.#count += 1;
    const latest = this.#doneMs + (slots - 1) * slotMs;
    const slotAtMs = Math.min(Math.max(startOfSlot(deadline.dueMs), this.#doneMs), latest);
    const slot = (slotAtMs / slotMs) & (slots - 1);
    const head = this.#heads[slot]!;
    deadline.slotAtMs = slotAtMs;
    deadline.previous = null;
    deadline.next = head;
    if (head !== null) head.previous = deadline;
    this.#heads[slot] = deadline;
    if (slotAtMs + slotMs < this.#alarmAtMs) this.#arm(slotAtMs + slotMs);
  }

  #unlink(deadline: Deadline): void {
    const { next, previous } = deadline;
    this.#count -= 1;
    if (previous !== null) previous.next = next;
    else this.#heads[(deadline.slotAtMs / slotMs) & (slots - 1)] = next;
    if (next !== null) next.previous = previous;
    deadline.next = null;
    deadline.previous = null;
    deadline.slotAtMs = Infinity;
  }

  #arm(atMs: number): void {
    this.#alarm?.cancel();
    this.#alarmAtMs = atMs;
    this.#alarm = this.#clock.after(Math.max(1, Math.ceil(atMs - this.#clock.now())), () => this.#tick());
  }

  #tick(): void {
    this.#alarm = null;
    this.#alarmAtMs = Infinity;
    this.#ticking = true;
    const nowMs = this.#clock.now();
    // Only slots that lie wholly in the past: what stands there is due, or moved on.
    const untilMs = Math.min(startOfSlot(nowMs), this.#doneMs + slots * slotMs);
    for (; this.#doneMs < untilMs; this.#doneMs += slotMs) {
      const slot = (this.#doneMs / slotMs) & (slots - 1);
      let deadline = this.#heads[slot]!;
      while (deadline !== null) {
        this.#unlink(deadline);
        if (deadline.dueMs <= nowMs) {
          deadline.dueMs = Infinity;
          this.#expire(deadline, nowMs);
        } else if (deadline.dueMs !== Infinity) {
          this.#link(deadline);
        }
        deadline = this.#heads[slot]!;
      }
    }
    this.#ticking = false;
    this.#armForNext();
  }

  #expire(deadline: Deadline, nowMs: number): void {
    try {
      deadline.owner.expired(nowMs);
    } catch (error) {
      this.#faulted(error);
    }
  }

  #armForNext(): void {
    if (this.#count === 0) return;
    for (let i = 0; i < slots; i++) {
      const atMs = this.#doneMs + i * slotMs;
      if (this.#heads[(atMs / slotMs) & (slots - 1)] === null) continue;
      if (atMs + slotMs < this.#alarmAtMs) this.#arm(atMs + slotMs);
      return;
    }
  }
}

function startOfSlot(ms: number): number {
  return Math.floor(ms / slotMs) * slotMs;
}
