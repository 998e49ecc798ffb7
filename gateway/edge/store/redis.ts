// Redis as the gateway uses it: every call is answered within its time, by a reply or by a value that says why there is none. Nothing is kept for
// later, and nothing throws. One object a worker, with its own connection.
import type { Alarm, Clock } from "../../shared/clock.ts";
import type { CounterBlock } from "../../shared/memory/counters.ts";
import { fixed } from "../../shared/metrics/fixed.ts";
import type { WriteLine } from "../../shared/log-events.ts";
import { printRedis, type RedisSettings } from "../../options/redis-settings.ts";
import type { RedisClient } from "./ioredis-client.ts";
import type { RedisScript } from "./redis-script.ts";

/** Why there is no reply. `unreachable`: no connection; `late`: not in time; `busy`: too many wait already; `refused`: Redis says an error. */
type AwayReason = Exclude<keyof typeof fixed.redisCalls, "answered">;

export type RedisAnswer =
  /** What came, of any shape: whoever reads it judges it. */
  | { readonly kind: "reply"; readonly reply: unknown }
  | { readonly kind: "away"; readonly why: AwayReason; /** For people. */ readonly sentence: string };

/** Calls of one worker that wait at once. */
const mostWaiting = 1024;
/** A reply that has not come so long after its time will not: its connection is given up, though bytes still come on it. */
const overdueMs = 1000;
/** Coming and going is logged at most this often. */
const sayMs = 10_000;

const unreachable: RedisAnswer = Object.freeze({
  kind: "away",
  why: "unreachable",
  sentence: "Redis cannot be reached",
});
const late: RedisAnswer = Object.freeze({
  kind: "away",
  why: "late",
  sentence: "Redis did not answer in time (--redis-timeout-ms)",
});
const busy: RedisAnswer = Object.freeze({ kind: "away", why: "busy", sentence: "too many calls wait for Redis" });

export interface RedisUse {
  readonly clock: Clock;
  readonly counters: CounterBlock;
  readonly say: WriteLine;
  readonly faulted: (error: unknown) => void;
}

/** A call that waits. */
interface Waiting {
  readonly alarm: Alarm;
  readonly answer: (answer: RedisAnswer) => void;
}

export class RedisStore {
  readonly #settings: RedisSettings;
  readonly #use: RedisUse;
  readonly #waiting = new Set<Waiting>();
  /** null: it is not loaded yet, or closed. */
  #client: RedisClient | null = null;
  #closed = false;
  #ready = false;
  #saidMs = -Infinity;
  /** null: nothing was said yet. */
  #saidReady: boolean | null = null;
  #why = "";
  #saying: Alarm | null = null;
  readonly #firstReady = Promise.withResolvers<void>();

  constructor(settings: RedisSettings, use: RedisUse) {
    this.#settings = settings;
    this.#use = use;
    this.#open().catch(use.faulted);
  }

  async #open(): Promise<void> {
    const { openClient } = await import("./ioredis-client.ts");
    if (this.#closed) return;
    const events = { ready: () => this.#turn(true, ""), away: (why: string) => this.#turn(false, why) };
    this.#client = openClient(this.#settings, events, this.#use.clock);
  }

  /** It can be asked. */
  get isReady(): boolean {
    return this.#ready;
  }

  /** Resolves when it can be asked for the first time. */
  get opened(): Promise<void> {
    return this.#firstReady.promise;
  }

  #turn(ready: boolean, why: string): void {
    if (this.#closed) return;
    this.#ready = ready;
    this.#use.counters.set(fixed.redisReady, ready ? 1 : 0);
    if (ready) this.#firstReady.resolve();
    // What was sent there is not answered any more.
    else for (const { answer } of this.#waiting) answer(unreachable);
    this.#why = why;
    if (this.#saying !== null) return;
    const pauseMs = this.#saidMs + sayMs - this.#use.clock.now();
    if (pauseMs <= 0) this.#say();
    else this.#saying = this.#use.clock.after(pauseMs, () => this.#say());
  }

  /** How it stands, unless that was the last that was said. */
  #say(): void {
    this.#saying = null;
    if (this.#ready === this.#saidReady || this.#closed) return;
    this.#saidReady = this.#ready;
    this.#saidMs = this.#use.clock.now();
    const address = printRedis(this.#settings);
    if (this.#ready) this.#use.say("redis-ready", { address });
    else
      this.#use.say("redis-away", {
        address,
        sentence: `${this.#why}: what needs Redis is refused or falls back until it is there again`,
      });
  }

  /** One command. Never rejects; answers within `timeoutMs` of the settings. */
  call(command: string, args: readonly (string | number | Buffer)[]): Promise<RedisAnswer> {
    return this.#send(command, args, this.#settings.timeoutMs);
  }

  #send(command: string, args: readonly (string | number | Buffer)[], timeoutMs: number): Promise<RedisAnswer> {
    const client = this.#client;
    if (client === null || !this.#ready) return Promise.resolve(this.#counted(unreachable));
    if (this.#waiting.size >= mostWaiting) return Promise.resolve(this.#counted(busy));
    return new Promise((resolve) => {
      let overdue: Alarm | null = null;
      const waiting: Waiting = {
        alarm: this.#use.clock.after(timeoutMs, () => {
          overdue = this.#use.clock.after(overdueMs, () => client.renew());
          waiting.answer(late);
        }),
        answer: (answer) => {
          if (!this.#waiting.delete(waiting)) return;
          waiting.alarm.cancel();
          resolve(this.#counted(answer));
        },
      };
      this.#waiting.add(waiting);
      const settled = (answer: RedisAnswer): void => {
        overdue?.cancel();
        waiting.answer(answer);
      };
      client.call(command, ...args).then(
        (reply) => settled({ kind: "reply", reply }),
        (error: unknown) => settled(refusedBy(error)),
      );
    });
  }

  /** A script by its digest, or by its text where the server does not have it yet: both within the time of one call. */
  async run(script: RedisScript, keys: readonly string[], args: readonly (string | number)[]): Promise<RedisAnswer> {
    const rest = [keys.length, ...keys, ...args];
    const { timeoutMs } = this.#settings;
    const untilMs = this.#use.clock.now() + timeoutMs;
    const answer = await this.#send("evalsha", [script.digest, ...rest], timeoutMs);
    if (answer.kind === "reply" || !answer.sentence.startsWith("NOSCRIPT")) return answer;
    return this.#send("eval", [script.text, ...rest], Math.max(0, untilMs - this.#use.clock.now()));
  }

  #counted(answer: RedisAnswer): RedisAnswer {
    const outcome = answer.kind === "reply" ? "answered" : answer.why;
    this.#use.counters.add(fixed.redisCalls[outcome], 1);
    return answer;
  }

  close(): void {
    this.#closed = true;
    this.#saying?.cancel();
    this.#ready = false;
    for (const { answer } of this.#waiting) answer(unreachable);
    this.#client?.disconnect();
    this.#client = null;
  }
}

/** An error that Redis itself says has its name in capitals first (READONLY, NOAUTH, OOM); any other is of the connection. */
function refusedBy(error: unknown): RedisAnswer {
  const sentence = error instanceof Error ? error.message.slice(0, 200) : String(error);
  return error instanceof Error && error.name === "ReplyError"
    ? { kind: "away", why: "refused", sentence }
    : unreachable;
}
