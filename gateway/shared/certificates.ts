// Certificates: what the control worker gives the data workers to end TLS with. Plain values and one piece of shared memory: ten thousand certificates are
// there once, whatever the number of workers, and a host's is only looked at when somebody asks for it. Never logged, never in /api.
import type { Cleartext, TlsTerms } from "../../routing/model/host-tls.ts";

export interface CertificateSet {
  /** PEM texts, one after the other, UTF-8. */
  readonly texts: SharedArrayBuffer;
  readonly entries: readonly CertificateEntry[];
  /** Hosts that have an entry: `a.example.com`, `*.example.com` (one label or more) or `*` (all others), lower case. */
  readonly hosts: ReadonlyMap<string, number>;
  /** What becomes of requests in cleartext, for hosts as above; one that is not here: they are served. */
  readonly cleartext: ReadonlyMap<string, Cleartext>;
  /** Seeds of ticket keys that replicas share, 32 bytes each: the first seals, all open; empty: those of this process. */
  readonly ticketSeeds: readonly Uint8Array[];
}

/** When a certificate that is served ends. */
export interface CertificateExpiry {
  readonly name: string;
  /** Epoch ms. */
  readonly notAfterMs: number;
}

export interface CertificateEntry {
  /** Who says so: `Host models/door`, `a.crt`. For logs, metrics and `explain`. */
  readonly name: string;
  /** Changes with anything that a connection depends on: certificate, key, terms. */
  readonly digest: string;
  /** Changes with what a session must not outlive: the name and who may show which certificate. */
  readonly sessionDigest: string;
  /** Changes with who may show which certificate; "": nobody is asked. Where it is the same, a connection to one host serves another. */
  readonly clientDigest: string;
  /** Where certificate chain and key stand in `texts`; null: there is none that can be used, and the hosts have no handshake. */
  readonly identity: { readonly certStart: number; readonly keyStart: number; readonly end: number } | null;
  readonly terms: TlsTerms;
}

/** TLS is asked for and nothing has come yet. */
export const noCertificates: CertificateSet = Object.freeze({
  texts: new SharedArrayBuffer(0),
  entries: [],
  hosts: new Map(),
  cleartext: new Map(),
  ticketSeeds: [],
});

/** Of a longer name, which no host can have, only its end is looked at. */
const mostNameCharacters = 255;

/**
 * What a host has by these names: exact, then `*.` in place of its first label, of its first two, and so on (Envoy's server_names), then `*`. So what a wildcard asks
 * of its clients holds for every host that a Mapping for that wildcard serves. Null: nothing.
 */
export function byHost<T>(hosts: ReadonlyMap<string, T>, name: string | null): T | null {
  if (name !== null) {
    const exact = hosts.get(name);
    if (exact !== undefined) return exact;
    for (
      let dot = name.indexOf(".", Math.max(0, name.length - mostNameCharacters));
      dot >= 0;
      dot = name.indexOf(".", dot + 1)
    ) {
      const wild = hosts.get(`*${name.slice(dot)}`);
      if (wild !== undefined) return wild;
    }
  }
  return hosts.get("*") ?? null;
}

/** The host of an authority, without its port, as hosts are compared: also one that no certificate could have, for a Mapping may take it. */
export function comparableHost(authority: string): string {
  return authority.replace(/:\d*$/, "").replace(/\.$/, "").toLowerCase();
}
