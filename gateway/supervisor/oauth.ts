// What the supervisor keeps of the OAuth gateway: its clients, for data workers that start while there is no control worker, and the memory of its tokens.
import type { OAuthClient, OAuthClientsChange } from "../callers/oauth-client.ts";
import type { Settings } from "../options/settings.ts";
import { tokenMemory } from "../shared/memory/token-memory.ts";

export class OAuthState {
  /** One part a data worker; empty: tokens are in Redis, or there are none. */
  readonly tokens: readonly SharedArrayBuffer[];
  /** By id; null: no control worker has said them yet. */
  #clients: Map<string, OAuthClient> | null = null;

  constructor({ oauth, redis, limits, workers }: Settings) {
    this.tokens = oauth && redis === null ? tokenMemory(limits.oauthTokens, workers) : [];
  }

  get clients(): readonly OAuthClient[] | null {
    return this.#clients === null ? null : [...this.#clients.values()];
  }

  take({ whole, set, removed }: OAuthClientsChange): void {
    if (whole || this.#clients === null) this.#clients = new Map();
    for (const id of removed) this.#clients.delete(id);
    for (const client of set) this.#clients.set(client.id, client);
  }
}
