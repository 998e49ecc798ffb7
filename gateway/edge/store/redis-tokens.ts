// Tokens in Redis, shared by replicas. A worker remembers those that it has seen, asks about each again after some seconds, and lets it go on to its
// end while Redis is away.
import type { RevokedTokens } from "../../shared/messages.ts";
import {
  mostTokensOfClient,
  noToken,
  tokenSeconds,
  type AwayToken,
  type FoundToken,
  type NamespaceOf,
  type TokenStore,
} from "./token-store.ts";
import { FairMap } from "../../shared/fair-map.ts";
import type { RedisAnswer, RedisStore } from "./redis.ts";

/** A token that was seen is good for so long without asking, ms: a revoked one ends within this and the time of one call. */
export const tokenFreshMs = 5000;
/** Redis did not answer: a token that was seen is asked about again after this, ms. */
const againMs = 1000;
/** Tokens that a worker remembers: over it the namespace that has most of them gives its oldest. */
export const mostSeenTokens = 16_384;

/** Hundreds of tokens that are ended in one go: more than a client ever has. */
const mostTurns = 64;

const unexpected: AwayToken = Object.freeze({
  kind: "away",
  sentence: "Redis gave an answer that is none of this command",
});

interface Seen {
  readonly found: FoundToken;
  readonly endMs: number;
  askMs: number;
  /** It is asked about; null: it is not. */
  asking: Promise<FoundToken> | null;
}

export class RedisTokens implements TokenStore {
  readonly #redis: Pick<RedisStore, "call">;
  readonly #epochMs: () => number;
  readonly #namespaceOf: NamespaceOf;
  /** By digest. */
  readonly #seen = new FairMap<string, Seen>(mostSeenTokens);

  constructor(redis: Pick<RedisStore, "call">, epochMs: () => number, namespaceOf: NamespaceOf) {
    this.#redis = redis;
    this.#epochMs = epochMs;
    this.#namespaceOf = namespaceOf;
  }

  find(digest: Buffer): FoundToken | Promise<FoundToken> {
    const key = digest.toString("base64url");
    const seen = this.#seen.get(key);
    if (seen === undefined) return this.#ask(key);
    const nowMs = this.#epochMs();
    if (seen.endMs <= nowMs) {
      this.#seen.delete(key);
      return noToken;
    }
    if (nowMs < seen.askMs) return seen.found;
    return (seen.asking ??= this.#askAgain(key, seen));
  }

  async #askAgain(key: string, seen: Seen): Promise<FoundToken> {
    const found = await this.#ask(key);
    seen.asking = null;
    if (found.kind !== "away") return found;
    seen.askMs = this.#epochMs() + againMs;
    return seen.found;
  }

  async #ask(key: string): Promise<FoundToken> {
    const answer = await this.#redis.call("get", [tokenKey(key)]);
    if (answer.kind === "away") return answer;
    const kept = answer.reply === null ? null : decodeToken(answer.reply);
    if (kept === undefined) return unexpected;
    if (kept === null || kept.endMs <= this.#epochMs()) {
      this.#seen.delete(key);
      return noToken;
    }
    const found: FoundToken = Object.freeze({ kind: "token", client: kept.client });
    this.#seen.set(key, this.#namespaceOf(kept.client) ?? "", {
      found,
      endMs: kept.endMs,
      askMs: this.#epochMs() + tokenFreshMs,
      asking: null,
    });
    return found;
  }

  async give(digest: Buffer, client: string): Promise<{ readonly kind: "given" } | AwayToken> {
    const key = digest.toString("base64url");
    const endMs = Math.floor(this.#epochMs()) + tokenSeconds * 1000;
    // Two keys, which a Cluster may keep apart: each by itself. A token without its line is not found by `revokeClient`, so the line is first.
    const [listed, many, ends] = await Promise.all(
      [
        this.#redis.call("zadd", [clientKey(client), endMs, key]),
        this.#redis.call("zcard", [clientKey(client)]),
        this.#redis.call("expire", [clientKey(client), tokenSeconds]),
      ].map(async (answer) => countOf(await answer)),
    );
    for (const one of [listed!, many!, ends!]) if (one.kind === "away") return one;
    const kept = await this.#redis.call("set", [tokenKey(key), `${client} ${endMs}`, "ex", tokenSeconds]);
    if (kept.kind === "away") return kept;
    // Whatever else it says, nobody knows whether the token is there.
    if (kept.reply !== "OK") return unexpected;
    if (many!.kind === "count" && many!.count > mostTokensOfClient)
      void this.#endOldest(client, many!.count - mostTokensOfClient);
    return { kind: "given" };
  }

  /** The client has too many. Not waited for: the next token of it looks again. */
  async #endOldest(client: string, count: number): Promise<void> {
    const oldest = await this.#redis.call("zpopmin", [clientKey(client), Math.min(count, 100)]);
    if (oldest.kind === "away" || !Array.isArray(oldest.reply)) return;
    await Promise.all(
      textsOf(oldest.reply.filter((_, at) => at % 2 === 0)).map((key) => this.#redis.call("del", [tokenKey(key)])),
    );
  }

  async revoke(digest: Buffer): Promise<RevokedTokens> {
    const key = digest.toString("base64url");
    const ended = countOf(await this.#redis.call("del", [tokenKey(key)]));
    this.#seen.delete(key);
    return ended.kind === "away" ? ended : { kind: "revoked", count: ended.count };
  }

  async revokeClient(client: string): Promise<RevokedTokens> {
    const revoked = await this.#revokeListed(client);
    // Another worker may have been first with the list; what this one remembers ends all the same.
    for (const [key, { found }] of this.#seen.entries())
      if (found.kind === "token" && found.client === client) this.#seen.delete(key);
    return revoked;
  }

  async #revokeListed(client: string): Promise<RevokedTokens> {
    let count = 0;
    for (let turn = 0; turn < mostTurns; turn++) {
      // They stay in the list until they are gone: whatever fails between can be tried again.
      const some = await this.#redis.call("zrange", [clientKey(client), 0, 99]);
      if (some.kind === "away") return some;
      const keys = textsOf(some.reply);
      if (!Array.isArray(some.reply) || keys.length < some.reply.length) return unexpected;
      if (keys.length === 0) return { kind: "revoked", count };
      const ended = await Promise.all(keys.map(async (key) => countOf(await this.#redis.call("del", [tokenKey(key)]))));
      for (const one of ended) {
        if (one.kind === "away") return one;
        count += one.count;
      }
      const unlisted = countOf(await this.#redis.call("zrem", [clientKey(client), ...keys]));
      if (unlisted.kind === "away") return unlisted;
    }
    return unexpected;
  }
}

function tokenKey(key: string): string {
  return `sluice:token:${key}`;
}

function clientKey(client: string): string {
  return `sluice:tokens-of:${client}`;
}

/** undefined: the reply is not a token, so nobody knows whether there is one. */
function decodeToken(reply: unknown): { readonly client: string; readonly endMs: number } | undefined {
  const found = typeof reply === "string" ? /^([0-9a-f]{64}) (\d{1,15})$/.exec(reply) : null;
  return found === null ? undefined : { client: found[1]!, endMs: Number(found[2]) };
}

/** A whole number from 0 on, as Redis counts; anything else says nothing of what has happened. */
function countOf(answer: RedisAnswer): { readonly kind: "count"; readonly count: number } | AwayToken {
  if (answer.kind === "away") return answer;
  const { reply } = answer;
  return typeof reply === "number" && Number.isSafeInteger(reply) && reply >= 0
    ? { kind: "count", count: reply }
    : unexpected;
}

function textsOf(reply: unknown): readonly string[] {
  return Array.isArray(reply) ? reply.filter((one): one is string => typeof one === "string") : [];
}
