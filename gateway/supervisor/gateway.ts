// A gateway, as whoever started it sees it.
import type { Settings } from "../options/settings.ts";

/** A gateway that serves. */
export interface Gateway {
  readonly listen: { readonly host: string; readonly port: number };
  /** 0: no TLS. */
  readonly tlsPort: number;
  readonly admin: { readonly host: string; readonly port: number };
  /** Not ready at once, then the drain: serve on, ask clients to connect again, finish what is in flight. Resolves when every thread has ended. */
  drain(reason: string): Promise<void>;
  /** Files were changed: certificate and key are read again, and these Grants hold from now on; null: as before. */
  reload(grants: Settings["grants"] | null): void;
}
