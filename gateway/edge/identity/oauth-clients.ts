// Clients of the OAuth gateway, as a data worker looks them up: by what tokens are of, and by the name and secret that they send.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { credentialDigest } from '../../../routing/credential-digest.ts';
import type { OAuthClient, OAuthClientsChange } from '../../callers/oauth-client.ts';

/** Compared with where a name is nobody's: that takes as long. */
const nobody: readonly OAuthClient[] = Object.freeze([{ id: '', names: [], secret: randomBytes(32).toString('hex'), namespace: '', deployment: '' }]);

export class OAuthClients {
  readonly #byId = new Map<string, OAuthClient>();
  readonly #byName = new Map<string, readonly OAuthClient[]>();
  /** They are known: before that nobody is told that a token is none. */
  known = false;

  apply({ whole, set, removed }: OAuthClientsChange): void {
    this.known = true;
    if (whole) {
      this.#byId.clear();
      this.#byName.clear();
    }
    for (const id of removed) this.#remove(id);
    for (const client of set) {
      this.#remove(client.id);
      this.#byId.set(client.id, client);
      for (const name of client.names) this.#byName.set(name, [...(this.#byName.get(name) ?? []), client]);
    }
  }

  #remove(id: string): void {
    const client = this.#byId.get(id);
    if (client === undefined) return;
    this.#byId.delete(id);
    for (const name of client.names) {
      const others = this.#byName.get(name)!.filter((one) => one !== client);
      if (others.length === 0) this.#byName.delete(name);
      else this.#byName.set(name, others);
    }
  }

  /** Whose tokens these are; null: nobody's, or nobody's any more. */
  of(id: string): OAuthClient | null {
    return this.#byId.get(id) ?? null;
  }

  /** Who sends this name and secret; null: nobody, or it is not clear who. Takes as long whether the name or the secret is wrong. */
  authenticate(name: string, secret: string): OAuthClient | null {
    const candidates = this.#byName.get(credentialDigest('oauth name', name)) ?? nobody;
    const digest = Buffer.from(credentialDigest('oauth secret', secret), 'hex');
    let found: OAuthClient | null = null;
    let count = 0;
    for (const client of candidates) {
      if (!timingSafeEqual(Buffer.from(client.secret, 'hex'), digest)) continue;
      found = client;
      count += 1;
    }
    return count === 1 && found!.id !== '' ? found : null;
  }
}
