// What the supervisor keeps of the OAuth gateway, for data workers that start later: its clients, the keys of its tokens, and which tokens are revoked.
import { randomBytes } from "node:crypto";
import type { OAuthClient, OAuthClientsChange } from "../callers/oauth-client.ts";
import type { Revocation } from "../callers/oauth-token.ts";
import { RevokedTokens } from "../callers/revoked-tokens.ts";
import { seedsIn } from "../options/seeds.ts";
import type { Settings } from "../options/settings.ts";

export class OAuthState {
  /** The first signs tokens, all verify them. */
  keys: readonly Uint8Array[];
  readonly #keyFile: string | null;
  readonly #revoked = new RevokedTokens();
  /** By id; null: no control worker has said them yet. */
  #clients: Map<string, OAuthClient> | null = null;

  constructor({ oauthKeyFile }: Settings) {
    this.#keyFile = oauthKeyFile;
    this.keys = this.#read() ?? [Uint8Array.from(randomBytes(32))];
  }

  /** null: there is no file, or it has no keys. */
  #read(): readonly Uint8Array[] | null {
    return this.#keyFile === null ? null : seedsIn(this.#keyFile);
  }

  /** Reads the file again. `unreadable`: it has no keys, and those of before stay. */
  reread(): "read" | "unreadable" | "none" {
    if (this.#keyFile === null) return "none";
    const keys = this.#read();
    if (keys === null) return "unreadable";
    this.keys = keys;
    return "read";
  }

  get clients(): readonly OAuthClient[] | null {
    return this.#clients === null ? null : [...this.#clients.values()];
  }

  take({ whole, set, removed }: OAuthClientsChange): void {
    if (whole || this.#clients === null) this.#clients = new Map();
    for (const id of removed) this.#clients.delete(id);
    for (const client of set) this.#clients.set(client.id, client);
  }

  get revoked(): readonly Revocation[] {
    return this.#revoked.all();
  }

  /** False: there is no room to keep it. */
  revoke(revocation: Revocation): boolean {
    return this.#revoked.take(revocation, Date.now());
  }
}
