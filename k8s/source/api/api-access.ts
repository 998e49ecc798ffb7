// ApiAccess: where the API server is and how this process proves who it is.
import type { Agent } from "node:http";

/** What one request to the API server carries. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: {
    /** Authorities that the server is verified with, PEM; null: the system's. */
    readonly ca: string | Buffer | null;
    readonly cert: string | Buffer | null;
    readonly key: string | Buffer | null;
    /** false only where a kubeconfig says `insecure-skip-tls-verify`. */
    readonly verify: boolean;
    /** Name to verify instead of the host; null: the host. */
    readonly serverName: string | null;
  };
  /** Where a kubeconfig names a proxy; null: a connection of our own. */
  readonly proxy: Agent | null;
}

export interface ApiAccess {
  /** `https://host:port`, without a slash at its end. */
  readonly server: string;
  /** Read anew for each request, so that a rotated token or certificate counts at once. Rejects with one sentence. */
  credentials(): Promise<Credentials>;
  /** The server refused them (401): what is remembered of them goes. */
  renew(): Promise<void>;
}
