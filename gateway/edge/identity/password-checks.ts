// PasswordChecks: comparisons with bcrypt hashes, in a thread of their own that is there while it is needed. Each takes long, so whoever asks for many
// waits behind himself: places and turns are shared by those who ask.
import { Worker } from "node:worker_threads";
import type { Alarm, Clock } from "../../shared/clock.ts";

export interface PasswordQuestion {
  readonly number: number;
  readonly password: string;
  readonly hash: string;
}

export interface PasswordAnswer {
  readonly number: number;
  readonly matches: boolean;
}

/** Comparisons that wait or run, of one worker: what is beyond is not compared. */
export const mostPasswordChecks = 64;
/** The thread ends when nobody has needed it for so long. */
const idleMs = 60_000;
/** JavaScript heap of the thread, MiB. */
const heapMb = 64;

/** The end of a thread that compares; tests put their own in its place. */
export interface PasswordThread {
  postMessage(question: PasswordQuestion): void;
  on(event: "message", take: (answer: PasswordAnswer) => void): unknown;
  on(event: "exit" | "error", take: () => void): unknown;
  unref(): void;
  terminate(): unknown;
}

/** A comparison that waits for its turn. */
interface Waiting {
  readonly password: string;
  readonly hash: string;
  readonly settle: (matches: boolean | null) => void;
}

export class PasswordChecks {
  readonly #clock: Clock;
  readonly #open: () => PasswordThread;
  #thread: PasswordThread | null = null;
  /** By who asks; whose turn is next, first. */
  #queues = new Map<string, Waiting[]>();
  /** In all queues. */
  #waiting = 0;
  /** The thread compares it; null: nothing. */
  #asked: Waiting | null = null;
  #number = 0;
  #idle: Alarm | null = null;
  #closed = false;

  constructor(clock: Clock, open: () => PasswordThread = openThread) {
    this.#clock = clock;
    this.#open = open;
  }

  /** Does the password have this hash? null: it was not compared, for want of room or of a thread. `from`: who asks. */
  compare(password: string, hash: string, from: string): Promise<boolean | null> {
    const isFull = this.#waiting + (this.#asked === null ? 0 : 1) >= mostPasswordChecks;
    if (this.#closed || (isFull && !this.#makeRoom(from))) return Promise.resolve(null);
    return new Promise((settle) => {
      this.#idle?.cancel();
      this.#idle = null;
      const queue = this.#queues.get(from) ?? [];
      queue.push({ password, hash, settle });
      this.#queues.set(from, queue);
      this.#waiting += 1;
      this.#next();
    });
  }

  /** Whoever has most places loses the last of them to one who has fewer. False: nobody has more than who asks would have. */
  #makeRoom(from: string): boolean {
    const own = this.#queues.get(from)?.length ?? 0;
    let most: Waiting[] = [];
    for (const queue of this.#queues.values()) if (queue.length > most.length) most = queue;
    if (most.length <= own + 1) return false;
    this.#waiting -= 1;
    most.pop()!.settle(null);
    return true;
  }

  /** Everybody's turn comes after one of each other's. */
  #next(): void {
    if (this.#asked !== null) return;
    for (const [from, queue] of this.#queues) {
      this.#queues.delete(from);
      const next = queue.shift()!;
      if (queue.length > 0) this.#queues.set(from, queue);
      this.#waiting -= 1;
      this.#asked = next;
      (this.#thread ??= this.#start()).postMessage({
        number: ++this.#number,
        password: next.password,
        hash: next.hash,
      });
      return;
    }
    this.#idle = this.#clock.after(idleMs, () => this.#end());
  }

  close(): void {
    this.#closed = true;
    this.#idle?.cancel();
    this.#end();
  }

  #start(): PasswordThread {
    const thread = this.#open();
    thread.unref();
    thread.on("message", ({ number, matches }) => {
      const asked = this.#asked;
      if (number !== this.#number || asked === null) return;
      this.#asked = null;
      this.#next();
      asked.settle(matches);
    });
    const gone = (): void => {
      if (this.#thread === thread) this.#end();
    };
    thread.on("error", gone);
    thread.on("exit", gone);
    return thread;
  }

  /** The thread goes, and what it was asked is not compared. */
  #end(): void {
    const thread = this.#thread;
    const waiting = [...this.#queues.values()].flat();
    if (this.#asked !== null) waiting.push(this.#asked);
    this.#thread = null;
    this.#asked = null;
    this.#queues = new Map();
    this.#waiting = 0;
    thread?.terminate();
    for (const { settle } of waiting) settle(null);
  }
}

function openThread(): PasswordThread {
  return new Worker(new URL("password-thread.ts", import.meta.url), {
    name: "passwords",
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  });
}
