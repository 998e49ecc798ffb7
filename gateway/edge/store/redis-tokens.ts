// Tokens in Redis, shared by replicas. A worker remembers those that it has seen, asks about each again after some seconds, and lets it go on to its
// end while Redis is away.
import type { RevokedTokens } from '../../messages.ts';
import { mostTokensOfClient, noToken, tokenSeconds } from './token-store.ts';
import { FairMap } from './fair-map.ts';
import type { AwayToken, FoundToken, NamespaceOf, TokenStore } from './token-store.ts';
import type { RedisAnswer, RedisStore } from './redis.ts';

/** A token that was seen is good for so long without asking, ms: a revoked one ends within this and the time of one call. */
export const tokenFreshMs = 5000;
/** Redis did not answer: a token that was seen is asked about again after this, ms. */
const againMs = 1000;
/** Tokens that a worker remembers: over it the namespace that has most of them gives its oldest. */
export const mostSeenTokens = 16_384;

interface Seen {
  readonly found: FoundToken;
  readonly endMs: number;
  askMs: number;
  /** It is asked about; null: it is not. */
  asking: Promise<FoundToken> | null;
}

export class RedisTokens implements TokenStore {
  readonly #redis: RedisStore;
  readonly #epochMs: () => number;
  readonly #namespaceOf: NamespaceOf;
  /** By digest. */
  readonly #seen = new FairMap<string, Seen>(mostSeenTokens);

  constructor(redis: RedisStore, epochMs: () => number, namespaceOf: NamespaceOf) {
    this.#redis = redis;
    this.#epochMs = epochMs;
    this.#namespaceOf = namespaceOf;
  }

  find(digest: Buffer): FoundToken | Promise<FoundToken> {
    const key = digest.toString('base64url');
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
    if (found.kind !== 'away') return found;
    seen.askMs = this.#epochMs() + againMs;
    return seen.found;
  }

  async #ask(key: string): Promise<FoundToken> {
    const answer = await this.#redis.call('get', [tokenKey(key)]);
    if (answer.kind === 'away') return answer;
    const kept = decodeToken(answer.reply);
    if (kept === null || kept.endMs <= this.#epochMs()) {
      this.#seen.delete(key);
      return noToken;
    }
    const found: FoundToken = Object.freeze({ kind: 'token', client: kept.client });
    this.#seen.set(key, this.#namespaceOf(kept.client) ?? '', { found, endMs: kept.endMs, askMs: this.#epochMs() + tokenFreshMs, asking: null });
    return found;
  }

  async give(digest: Buffer, client: string): Promise<{ readonly kind: 'given' } | AwayToken> {
    const key = digest.toString('base64url');
    const endMs = Math.floor(this.#epochMs()) + tokenSeconds * 1000;
    // Two keys, which a Cluster may keep apart: each by itself. A token without its line is not found by `revokeClient`, so the line is first.
    const [listed, many] = await Promise.all([
      this.#redis.call('zadd', [clientKey(client), endMs, key]),
      this.#redis.call('zcard', [clientKey(client)]),
      this.#redis.call('expire', [clientKey(client), tokenSeconds]),
    ]);
    if (listed.kind === 'away') return listed;
    const kept = await this.#redis.call('set', [tokenKey(key), `${client} ${endMs}`, 'ex', tokenSeconds]);
    if (kept.kind === 'away') return kept;
    if (many.kind === 'reply' && Number(many.reply) > mostTokensOfClient) void this.#endOldest(client, Number(many.reply) - mostTokensOfClient);
    return { kind: 'given' };
  }

  /** The client has too many. Not waited for: the next token of it looks again. */
  async #endOldest(client: string, count: number): Promise<void> {
    const oldest = await this.#redis.call('zpopmin', [clientKey(client), Math.min(count, 100)]);
    if (oldest.kind === 'away' || !Array.isArray(oldest.reply)) return;
    await Promise.all(textsOf(oldest.reply.filter((_, at) => at % 2 === 0)).map((key) => this.#redis.call('del', [tokenKey(key)])));
  }

  async revoke(digest: Buffer): Promise<RevokedTokens> {
    const key = digest.toString('base64url');
    const revoked = counted(await this.#redis.call('del', [tokenKey(key)]));
    this.#seen.delete(key);
    return revoked;
  }

  async revokeClient(client: string): Promise<RevokedTokens> {
    const revoked = await this.#revokeListed(client);
    // Another worker may have been first with the list; what this one remembers ends all the same.
    for (const [key, { found }] of this.#seen.entries()) if (found.kind === 'token' && found.client === client) this.#seen.delete(key);
    return revoked;
  }

  async #revokeListed(client: string): Promise<RevokedTokens> {
    let count = 0;
    for (;;) {
      // They stay in the list until they are gone: whatever fails between can be tried again.
      const some = await this.#redis.call('zrange', [clientKey(client), 0, 99]);
      if (some.kind === 'away') return some;
      const keys = textsOf(some.reply);
      if (keys.length === 0) return { kind: 'revoked', count };
      const ended = await Promise.all(keys.map(async (key) => counted(await this.#redis.call('del', [tokenKey(key)]))));
      const away = ended.find((one) => one.kind === 'away');
      if (away !== undefined) return away;
      for (const one of ended) if (one.kind === 'revoked') count += one.count;
      const unlisted = await this.#redis.call('zrem', [clientKey(client), ...keys]);
      if (unlisted.kind === 'away') return unlisted;
    }
  }
}

function tokenKey(key: string): string {
  return `sluice:token:${key}`;
}

function clientKey(client: string): string {
  return `sluice:tokens-of:${client}`;
}

/** null: nobody has it, or what is there is not a token. */
function decodeToken(reply: unknown): { readonly client: string; readonly endMs: number } | null {
  const found = typeof reply === 'string' ? /^([0-9a-f]{64}) (\d{1,15})$/.exec(reply) : null;
  return found === null ? null : { client: found[1]!, endMs: Number(found[2]) };
}

function counted(answer: RedisAnswer): RevokedTokens {
  return answer.kind === 'away' ? answer : { kind: 'revoked', count: answer.reply === 1 ? 1 : 0 };
}

function textsOf(reply: unknown): readonly string[] {
  return Array.isArray(reply) ? reply.filter((one): one is string => typeof one === 'string') : [];
}
