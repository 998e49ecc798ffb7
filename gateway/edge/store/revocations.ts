// Revoked tokens of the OAuth gateway, as a data worker knows them. This process tells the worker its own revocations. Where there is Redis, the worker asks it for those of all replicas.
// It believes an answer about a client for some seconds, and longer while Redis is away. It refuses a client about which Redis has never answered.
import { clockMarginMs, tokenMs, type Revocation, type TokenFacts } from "../../callers/oauth-token.ts";
import { mostOfClient, RevokedOfClient, RevokedTokens } from "../../callers/revoked-tokens.ts";
import type { Clock } from "../../shared/clock.ts";
import { FairMap } from "../../shared/fair-map.ts";
import type { RevokedAnswer } from "../../shared/messages.ts";
import { redisScript } from "./redis-script.ts";
import type { RedisStore } from "./redis.ts";

/** What Redis said of a client is good for so long, ms: another replica's revocation holds within this and the time of one call. */
export const freshMs = 5000;
/** Redis did not answer: it is asked again about a client that is known after this, ms. */
const againMs = 1000;
/** Clients that a worker remembers: over it the namespace that has most of them gives its oldest. */
export const mostSeenClients = 16_384;

type Away = Extract<RevokedAnswer, { kind: "away" }>;
export type RevokedState = { readonly kind: "revoked" } | { readonly kind: "valid" } | Away;

const revoked: RevokedState = Object.freeze({ kind: "revoked" });
const valid: RevokedState = Object.freeze({ kind: "valid" });
const unexpected: Away = Object.freeze({
  kind: "away",
  sentence: "Redis gave an answer that is none of this command",
});
export const noRoom: Away = Object.freeze({
  kind: "away",
  sentence: `it cannot be kept: more than ${mostOfClient} tokens of this client, or too many in all, are revoked; revoke all tokens of the client by its deployment`,
});

/**
 * KEYS: the client. ARGV: what ended before this is forgotten, the token or `all`, its end, the most, how long the key stays. Returns 1, or 0: there is no room.
 */
const revokeScript = redisScript(`
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if ARGV[2] == 'all' then
  local last = tonumber(redis.call('ZSCORE', KEYS[1], 'all') or 0)
  redis.call('DEL', KEYS[1])
  redis.call('ZADD', KEYS[1], string.format('%.0f', math.max(last, tonumber(ARGV[3]))), 'all')
elseif not redis.call('ZSCORE', KEYS[1], ARGV[2]) and redis.call('ZCARD', KEYS[1]) > tonumber(ARGV[4]) then
  return 0
else
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[2])
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1
`);

/** What Redis said of a client. */
interface Seen {
  /** null: nothing yet. */
  revoked: RevokedOfClient | null;
  askMs: number;
  /** Resolves with why it is not known, or null. */
  asking: Promise<Away | null> | null;
}

export interface RevocationsOptions {
  /** Of this process, before this worker began. */
  readonly revoked: readonly Revocation[];
  /** null: each process revokes for itself. */
  readonly redis: Pick<RedisStore, "call" | "run"> | null;
  readonly clock: Clock;
  readonly epochMs: () => number;
}

export class Revocations {
  readonly #own = new RevokedTokens();
  readonly #redis: RevocationsOptions["redis"];
  readonly #clock: Clock;
  readonly #epochMs: () => number;
  readonly #seen = new FairMap<string, Seen>(mostSeenClients);

  constructor({ revoked: before, redis, clock, epochMs }: RevocationsOptions) {
    this.#redis = redis;
    this.#clock = clock;
    this.#epochMs = epochMs;
    for (const one of before) this.#own.take(one, epochMs());
  }

  /** Of a verified token. At once where it is known. Never rejects. */
  look(token: TokenFacts, namespace: string): RevokedState | Promise<RevokedState> {
    if (this.#own.of(token.client)?.covers(token) === true) return revoked;
    if (this.#redis === null) return valid;
    const seen = this.#seen.get(token.client);
    if (seen?.revoked?.covers(token) === true) return revoked;
    return seen !== undefined && seen.revoked !== null && this.#clock.now() < seen.askMs
      ? valid
      : this.#lookAgain(token, namespace);
  }

  async #lookAgain(token: TokenFacts, namespace: string): Promise<RevokedState> {
    const { away, seen } = await this.#ask(token.client, namespace);
    if (seen === null) return away ?? unexpected;
    return seen.covers(token) ? revoked : valid;
  }

  /** The earliest end of a token of this client that is not revoked, epoch ms. */
  async firstEndMs(client: string, namespace: string): Promise<number> {
    const seen = this.#redis === null ? null : (await this.#ask(client, namespace)).seen;
    return Math.max(this.#own.of(client)?.allEndMs ?? 0, seen?.allEndMs ?? 0) + 1;
  }

  /** Once for all who wait. */
  async #ask(
    client: string,
    namespace: string,
  ): Promise<{ readonly away: Away | null; readonly seen: RevokedOfClient | null }> {
    let seen = this.#seen.get(client);
    if (seen === undefined) {
      seen = { revoked: null, askMs: 0, asking: null };
      this.#seen.set(client, namespace, seen);
    }
    seen.asking ??= this.#read(client, seen);
    return { away: await seen.asking, seen: seen.revoked };
  }

  async #read(client: string, seen: Seen): Promise<Away | null> {
    const answer = await this.#redis!.call("zrange", [keyOf(client), 0, -1, "withscores"]);
    seen.asking = null;
    const read = answer.kind === "away" ? answer : revokedIn(answer.reply);
    seen.askMs = this.#clock.now() + (read.kind === "away" ? againMs : freshMs);
    if (read.kind === "away") return read;
    // A Redis that came back empty takes nothing back.
    const kept = (seen.revoked ??= new RevokedOfClient());
    kept.prune(this.#epochMs());
    for (const [id, endMs] of read.entries) kept.add(id, endMs);
    return null;
  }

  /** In this worker at once; the answer says whether it holds for all replicas. */
  async revoke(revocation: Revocation): Promise<RevokedAnswer> {
    const nowMs = this.#epochMs();
    if (!this.#own.take(revocation, nowMs)) return noRoom;
    if (this.#redis === null) return { kind: "revoked" };
    const { client, id, endMs } = revocation;
    const args = [Math.floor(nowMs - clockMarginMs), id ?? "all", endMs, mostOfClient, tokenMs + 10 * clockMarginMs];
    const answer = await this.#redis.run(revokeScript, [keyOf(client)], args);
    if (answer.kind === "away") return answer;
    if (answer.reply === 0) return noRoom;
    return answer.reply === 1 ? { kind: "revoked" } : unexpected;
  }
}

function keyOf(client: string): string {
  return `sluice:revoked:${client}`;
}

/** A list of members, each followed by its end. */
function revokedIn(
  reply: unknown,
): Away | { readonly kind: "read"; readonly entries: readonly (readonly [id: string | null, endMs: number])[] } {
  if (!Array.isArray(reply) || reply.length % 2 !== 0 || reply.length > 2 * (mostOfClient + 2)) return unexpected;
  const entries: (readonly [string | null, number])[] = [];
  for (let at = 0; at < reply.length; at += 2) {
    const [member, score] = [reply[at], reply[at + 1]] as readonly unknown[];
    const endMs = typeof score === "string" ? Number(score) : Number.NaN;
    if (typeof member !== "string" || !/^(?:all|[0-9a-f]{32})$/.test(member) || !(endMs > 0)) return unexpected;
    entries.push([member === "all" ? null : member, endMs]);
  }
  return { kind: "read", entries };
}
