// PasswordChecks: comparisons with bcrypt hashes, in a thread of their own that is there while it is needed.
import { Worker } from 'node:worker_threads';
import type { Alarm, Clock } from '../../clock.ts';

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
  on(event: 'message', take: (answer: PasswordAnswer) => void): unknown;
  on(event: 'exit' | 'error', take: () => void): unknown;
  unref(): void;
  terminate(): unknown;
}

type Settle = (matches: boolean | null) => void;

export class PasswordChecks {
  readonly #clock: Clock;
  readonly #open: () => PasswordThread;
  #thread: PasswordThread | null = null;
  #waiting = new Map<number, Settle>();
  #number = 0;
  #idle: Alarm | null = null;
  #closed = false;

  constructor(clock: Clock, open: () => PasswordThread = openThread) {
    this.#clock = clock;
    this.#open = open;
  }

  /** Does the password have this hash? null: it was not compared, for want of room or of a thread. */
  compare(password: string, hash: string): Promise<boolean | null> {
    if (this.#closed || this.#waiting.size >= mostPasswordChecks) return Promise.resolve(null);
    return new Promise((settle) => {
      this.#idle?.cancel();
      this.#idle = null;
      const number = ++this.#number;
      this.#waiting.set(number, settle);
      (this.#thread ??= this.#start()).postMessage({ number, password, hash });
    });
  }

  close(): void {
    this.#closed = true;
    this.#idle?.cancel();
    this.#end();
  }

  #start(): PasswordThread {
    const thread = this.#open();
    thread.unref();
    thread.on('message', ({ number, matches }) => {
      const settle = this.#waiting.get(number);
      this.#waiting.delete(number);
      if (this.#waiting.size === 0) this.#idle = this.#clock.after(idleMs, () => this.#end());
      settle?.(matches);
    });
    const gone = (): void => {
      if (this.#thread === thread) this.#end();
    };
    thread.on('error', gone);
    thread.on('exit', gone);
    return thread;
  }

  /** The thread goes, and what it was asked is not compared. */
  #end(): void {
    const thread = this.#thread;
    const waiting = this.#waiting;
    this.#thread = null;
    this.#waiting = new Map();
    thread?.terminate();
    for (const settle of waiting.values()) settle(null);
  }
}

function openThread(): PasswordThread {
  return new Worker(new URL('password-thread.ts', import.meta.url), { name: 'passwords', resourceLimits: { maxOldGenerationSizeMb: heapMb } });
}
