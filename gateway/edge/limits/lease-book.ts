// LeaseBook: permits of limits that all replicas share, which a worker has taken from Redis ahead of need. Redis counts by the same algorithm as a
// table does, so that what is taken there is never more than a burst and the rate; what a worker holds is taken already. A request waits for Redis
// only where the worker holds nothing for its client.
import { createHash } from "node:crypto";
import type { Alarm, Clock } from "../../shared/clock.ts";
import { FairMap } from "../../shared/fair-map.ts";
import { redisScript } from "../store/redis-script.ts";
import type { RedisAnswer, RedisStore } from "../store/redis.ts";
import type { CompiledLimit } from "./compiled-limit.ts";

/** What a worker holds is used within this time, or given back with its next question. */
const leaseMs = 10_000;
/** It asks for what it uses in this time, */
const aheadMs = 2000;
/** or for this many, if it uses them before they end: a question is asked when a quarter is left. */
const usualSize = 67;
const firstSize = 10;
/** A limit that has nothing left is asked about again after this time at the latest. */
const askAgainMs = 1000;
/** Redis was late: nobody waits for it in this time. */
const awayMs = 1000;
/** Replicas tell that they are there, and count those that did lately. */
const beatMs = 5000;
const silentMs = 3 * beatMs;

/**
 * KEYS: the client. ARGV: permits, ms, burst, how many are wanted, how many are given back. Returns how many there are, and in how many ms there is
 * one more. Time is the server's.
 */
const takeScript = redisScript(`
local t = redis.call('TIME')
local rate = tonumber(ARGV[1]) / tonumber(ARGV[2])
local burst = tonumber(ARGV[3])
local now = (t[1] * 1000 + t[2] / 1000) * rate
local tat = math.max((tonumber(redis.call('GET', KEYS[1])) or 0) - tonumber(ARGV[5]), now)
local granted = math.max(0, math.min(tonumber(ARGV[4]), math.floor(burst - (tat - now) + 1e-6)))
tat = tat + granted
redis.call('SET', KEYS[1], string.format('%.17g', tat), 'PX', math.max(1, math.ceil((tat - now) / rate)))
return { granted, string.format('%.17g', math.max(0, (tat + 1 - now - burst) / rate)) }
`);

/** KEYS: the replicas. ARGV: this one, ms of silence after which one is gone. Returns how many there are. */
const beatScript = redisScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
`);

/** `refused`: for so long. `away`: Redis cannot say. */
export type Taken =
  | { readonly kind: "admitted" }
  | { readonly kind: "refused"; readonly waitMs: number }
  | { readonly kind: "away" };

const admitted: Taken = Object.freeze({ kind: "admitted" });
const away: Taken = Object.freeze({ kind: "away" });

interface Lease {
  readonly key: string;
  permits: number;
  untilMs: number;
  /** Permits that it had when it was last filled. */
  size: number;
  /** Used since then. */
  used: number;
  filledMs: number;
  /** There is one more permit then, as Redis has said. */
  nextMs: number;
  askAgainMs: number;
  asking: boolean;
  waiting: ((taken: Taken) => void)[];
}

export interface LeaseOptions {
  readonly store: Pick<RedisStore, "run" | "isReady">;
  readonly clock: Clock;
  /** Workers of this process, each of which holds permits of its own. */
  readonly workers: number;
  /** Clients that it holds permits for: over it the namespace whose limits have most of them gives its oldest, and what that held is lost as if it had been used. */
  readonly most: number;
  /** The process, among all replicas. */
  readonly replica: string;
}

export class LeaseBook {
  readonly #options: LeaseOptions;
  readonly #leases: FairMap<number, Lease>;
  #awayUntilMs = -Infinity;
  #beat: Alarm | null = null;
  #closed = false;
  /** Replicas that were seen last, this one included. */
  replicas = 1;

  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#leases = new FairMap(options.most);
    this.#tell();
  }

  /** Takes a permit that the worker holds. null: it holds none, and Redis is asked: `answered` is told. `client` is the same for all limits of one client. */
  take(limit: CompiledLimit, client: number, text: () => string): Taken | null {
    const nowMs = this.#options.clock.now();
    const lease = this.#leases.get(client) ?? this.#made(limit, client, text);
    if (lease.permits > 0 && nowMs < lease.untilMs) {
      lease.permits -= 1;
      lease.used += 1;
      if (lease.permits * 4 <= lease.size && !lease.asking && nowMs >= lease.askAgainMs && this.#isThere(nowMs))
        this.#fill(limit, lease, nowMs);
      return admitted;
    }
    if (nowMs < lease.askAgainMs) return { kind: "refused", waitMs: lease.nextMs - nowMs };
    if (!this.#isThere(nowMs)) return away;
    if (!lease.asking) this.#fill(limit, lease, nowMs);
    return null;
  }

  /** Is told once, for a client that `take` returned null for, what it would return now. */
  answered(client: number, taken: (taken: Taken) => void): void {
    const lease = this.#leases.get(client);
    if (lease === undefined) taken(away);
    else lease.waiting.push(taken);
  }

  /** A permit was taken for nothing. */
  giveBack(client: number): void {
    const lease = this.#leases.get(client);
    if (lease !== undefined) lease.permits += 1;
  }

  close(): void {
    this.#closed = true;
    this.#beat?.cancel();
  }

  #made(limit: CompiledLimit, client: number, text: () => string): Lease {
    const key = `sluice:limit:${createHash("sha256").update(`${limit.owner.object}\n${limit.text}\n${text()}`).digest("base64url")}`;
    const lease: Lease = {
      key,
      permits: 0,
      untilMs: 0,
      size: 0,
      used: 0,
      filledMs: 0,
      nextMs: 0,
      askAgainMs: -Infinity,
      asking: false,
      waiting: [],
    };
    this.#leases.set(client, limit.owner.namespace, lease, ({ asking }) => asking);
    return lease;
  }

  #isThere(nowMs: number): boolean {
    return this.#options.store.isReady && nowMs >= this.#awayUntilMs;
  }

  #fill(limit: CompiledLimit, lease: Lease, nowMs: number): void {
    const { permits, periodMs, burst } = limit.limit;
    const back = nowMs >= lease.untilMs ? lease.permits : 0;
    lease.permits -= back;
    // What waits uses its own at once.
    const wanted = Math.max(1, this.#sizeOf(limit, lease, nowMs) + lease.waiting.length - lease.permits);
    lease.asking = true;
    lease.used = 0;
    lease.filledMs = nowMs;
    void this.#options.store
      .run(takeScript, [lease.key], [permits, periodMs, burst, wanted, back])
      .then((answer) => this.#filled(limit, lease, wanted, answer));
  }

  /** All that is held of a limit is at most half of a burst, so that nobody is refused for what others merely hold. */
  #sizeOf({ limit }: CompiledLimit, { size, used, filledMs }: Lease, nowMs: number): number {
    const most = Math.max(1, Math.floor(limit.burst / 2 / (this.#options.workers * this.replicas)));
    const perMs = size === 0 ? 0 : used / Math.max(1, nowMs - filledMs);
    return Math.min(most, Math.ceil(Math.max(firstSize, perMs * aheadMs, Math.min(usualSize, perMs * leaseMs))));
  }

  #filled(limit: CompiledLimit, lease: Lease, wanted: number, answer: RedisAnswer): void {
    const nowMs = this.#options.clock.now();
    lease.asking = false;
    const read = answer.kind === "reply" ? readGrant(answer.reply, wanted) : null;
    if (read === null) this.#awayUntilMs = nowMs + awayMs;
    else {
      lease.permits += read.granted;
      lease.size = Math.max(1, lease.permits);
      lease.untilMs = nowMs + leaseMs;
      lease.nextMs = nowMs + read.waitMs;
      lease.askAgainMs = read.granted < wanted ? nowMs + Math.min(read.waitMs, askAgainMs) : -Infinity;
    }
    for (const taken of lease.waiting.splice(0)) {
      if (lease.permits > 0) {
        lease.permits -= 1;
        lease.used += 1;
        taken(admitted);
      } else if (read === null) taken(away);
      else if (read.granted < wanted) taken({ kind: "refused", waitMs: Math.max(1, lease.nextMs - nowMs) });
      else lease.waiting.push(taken);
    }
    // More came meanwhile than was asked for, and Redis may have more.
    if (lease.waiting.length > 0) this.#fill(limit, lease, nowMs);
  }

  #tell(): void {
    if (this.#closed) return;
    const { store, clock, replica } = this.#options;
    if (store.isReady) {
      void store.run(beatScript, ["sluice:replicas"], [replica, silentMs]).then((answer) => {
        if (answer.kind === "reply" && Number.isSafeInteger(answer.reply) && (answer.reply as number) >= 1)
          this.replicas = answer.reply as number;
      });
    }
    this.#beat = clock.after(this.replicas === 1 && !store.isReady ? beatMs / 50 : beatMs, () => this.#tell());
  }
}

/** null: it is none that this script could give. */
function readGrant(reply: unknown, wanted: number): { readonly granted: number; readonly waitMs: number } | null {
  if (!Array.isArray(reply)) return null;
  const [granted, wait] = reply as readonly unknown[];
  const waitMs = typeof wait === "string" ? Number(wait) : Number.NaN;
  return Number.isSafeInteger(granted) &&
    (granted as number) >= 0 &&
    (granted as number) <= wanted &&
    waitMs >= 0 &&
    waitMs < Infinity
    ? { granted: granted as number, waitMs }
    : null;
}
