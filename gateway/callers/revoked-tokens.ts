// Revoked tokens, until they would have ended. Nothing is forgotten to make room: where there is none, `take` says so.
import { clockMarginMs, type Revocation, type TokenFacts } from "./oauth-token.ts";

/** Revoked tokens of one client: over it the client is revoked as a whole. */
export const mostOfClient = 1000;
/** Revocations in all. */
export const mostRevocations = 65_536;

/** Revoked tokens of one client. */
export class RevokedOfClient {
  /** Every token that ends at this or earlier is revoked, epoch ms. */
  allEndMs = 0;
  /** End of each, by id. */
  readonly ids = new Map<string, number>();

  get size(): number {
    return this.ids.size + (this.allEndMs > 0 ? 1 : 0);
  }

  add(id: string | null, endMs: number): void {
    if (id !== null) {
      if (endMs > this.allEndMs) this.ids.set(id, endMs);
      return;
    }
    this.allEndMs = Math.max(this.allEndMs, endMs);
    this.#forget((end) => end <= this.allEndMs);
  }

  /** Drops what has ended. */
  prune(nowMs: number): void {
    const beforeMs = nowMs - clockMarginMs;
    if (this.allEndMs < beforeMs) this.allEndMs = 0;
    this.#forget((end) => end < beforeMs);
  }

  #forget(isOver: (endMs: number) => boolean): void {
    for (const [id, endMs] of this.ids) if (isOver(endMs)) this.ids.delete(id);
  }

  covers({ id, endMs }: TokenFacts): boolean {
    return endMs <= this.allEndMs || this.ids.has(id);
  }
}

/** Revoked tokens of all clients, bounded for each client and in all. */
export class RevokedTokens {
  readonly #clients = new Map<string, RevokedOfClient>();

  /** False: there is no room, and nothing has changed. */
  take({ client, id, endMs }: Revocation, nowMs: number): boolean {
    const found = this.#clients.get(client);
    if (found === undefined || (id !== null && found.ids.size >= mostOfClient)) this.#prune(nowMs);
    const revoked = this.#clients.get(client) ?? new RevokedOfClient();
    if (revoked.covers({ client, id: id ?? "", endMs })) return true;
    if (id !== null && revoked.ids.size >= mostOfClient) return false;
    const isMore = id !== null || revoked.size === 0;
    if (isMore && this.#size() >= mostRevocations) return false;
    revoked.add(id, endMs);
    this.#clients.set(client, revoked);
    return true;
  }

  of(client: string): RevokedOfClient | null {
    return this.#clients.get(client) ?? null;
  }

  all(): readonly Revocation[] {
    return [...this.#clients].flatMap(([client, { allEndMs, ids }]) => [
      ...(allEndMs > 0 ? [{ client, id: null, endMs: allEndMs }] : []),
      ...Array.from(ids, ([id, endMs]) => ({ client, id, endMs })),
    ]);
  }

  #size(): number {
    return this.#clients.values().reduce((sum, { size }) => sum + size, 0);
  }

  #prune(nowMs: number): void {
    for (const [client, revoked] of this.#clients) {
      revoked.prune(nowMs);
      if (revoked.size === 0) this.#clients.delete(client);
    }
  }
}
