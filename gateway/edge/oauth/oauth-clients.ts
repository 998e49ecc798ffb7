// Clients of the OAuth gateway, as a data worker looks them up: by what tokens are of, and by the name and secret that they send.
import { credentialDigest } from "../../../routing/text/credential-digest.ts";
import type { OAuthClient, OAuthClientsChange } from "../../callers/oauth-client.ts";
import { tokenClient } from "../../callers/oauth-token.ts";

export class OAuthClients {
  readonly #byId = new Map<string, OAuthClient>();
  /** By `tokenClient`. */
  readonly #byToken = new Map<string, OAuthClient>();
  /** By digests of name and secret together (`credentialsOf`): thousands may have one name, and neither a change of one nor a request for a token looks at the others. */
  readonly #byCredentials = new Map<string, Set<OAuthClient>>();
  /** They are known: before that nobody is told that a token is none. */
  known = false;

  apply({ whole, set, removed }: OAuthClientsChange): void {
    this.known = true;
    if (whole) {
      this.#byId.clear();
      this.#byToken.clear();
      this.#byCredentials.clear();
    }
    for (const id of removed) this.#remove(id);
    for (const client of set) {
      this.#remove(client.id);
      this.#byId.set(client.id, client);
      this.#byToken.set(tokenClient(client.namespace, client.deployment), client);
      for (const name of client.names) {
        const credentials = credentialsOf(name, client.secret);
        const clients = this.#byCredentials.get(credentials);
        if (clients === undefined) this.#byCredentials.set(credentials, new Set([client]));
        else clients.add(client);
      }
    }
  }

  #remove(id: string): void {
    const client = this.#byId.get(id);
    if (client === undefined) return;
    this.#byId.delete(id);
    const token = tokenClient(client.namespace, client.deployment);
    if (this.#byToken.get(token) === client) this.#byToken.delete(token);
    for (const name of client.names) {
      const credentials = credentialsOf(name, client.secret);
      const clients = this.#byCredentials.get(credentials)!;
      clients.delete(client);
      if (clients.size === 0) this.#byCredentials.delete(credentials);
    }
  }

  /** Whose tokens these are, by `tokenClient`; null: nobody's, or nobody's any more. */
  ofToken(client: string): OAuthClient | null {
    return this.#byToken.get(client) ?? null;
  }

  /** Who sends this name and secret; null: nobody, or it is not clear who. Takes as long whether the name or the secret is wrong: one look-up, by digests. */
  authenticate(name: string, secret: string): OAuthClient | null {
    const clients = this.#byCredentials.get(
      credentialsOf(credentialDigest("oauth name", name), credentialDigest("oauth secret", secret)),
    );
    return clients?.size === 1 ? clients.values().next().value! : null;
  }
}

function credentialsOf(name: string, secret: string): string {
  return `${name} ${secret}`;
}
