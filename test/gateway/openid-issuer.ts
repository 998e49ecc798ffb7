// A real OpenID provider on loopback (oidc-provider), whose keys change, and which may go away or lose its mind.
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { Provider } from "oidc-provider";

type Jwk = Readonly<Record<string, unknown>>;

/** A new RSA key of this name. */
export function rsaJwk(kid: string): Jwk {
  return {
    ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }),
    kid,
    alg: "RS256",
    use: "sig",
  };
}

export class OpenidIssuer {
  readonly #server = createServer((request, response) => {
    if (request.url === "/jwks") this.fetches += 1;
    (request.url === "/jwks" ? (this.jwksInstead ?? this.#listener) : this.#listener)(request, response);
  });
  #listener: RequestListener = (_, response) => response.writeHead(503).end();
  /** Answers for the keys; null: the provider does. */
  jwksInstead: RequestListener | null = null;
  /** Of the keys. */
  fetches = 0;
  #port = 0;

  /** The first of the keys signs. */
  async start(...keys: readonly Jwk[]): Promise<this> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
    if (keys.length > 0) this.publish(...keys);
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** It signs with the first of these keys from now on, and publishes all of them. */
  publish(...keys: readonly Jwk[]): void {
    const getResourceServerInfo = (): unknown => ({
      scope: "predict",
      audience: "models",
      accessTokenFormat: "jwt",
      accessTokenTTL: 300,
    });
    const provider = new Provider(this.url, {
      clients: ["batch", "mobile"].map((name) => ({
        client_id: name,
        client_secret: `${name}-secret`,
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      })),
      jwks: { keys },
      scopes: ["predict"],
      ttl: { ClientCredentials: 300 },
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: { enabled: true, getResourceServerInfo },
      },
    });
    this.#listener = provider.callback();
  }

  /** An access token of this client. */
  async token(client: "batch" | "mobile", scope = "predict"): Promise<string> {
    const answer = await fetch(`${this.url}/token`, {
      method: "POST",
      headers: {
        authorization: `Basic ${btoa(`${client}:${client}-secret`)}`,
        "content-type": "application/x-www-form-urlencoded",
      },
      body: `grant_type=client_credentials&resource=urn:models${scope === "" ? "" : `&scope=${scope}`}`,
    });
    const { access_token: token } = (await answer.json()) as { readonly access_token?: string };
    if (token === undefined) throw new Error(`no token: ${answer.status}`);
    return token;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
