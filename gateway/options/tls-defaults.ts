// TLS where no TLSContext says otherwise: Mozilla's "intermediate" (https://wiki.mozilla.org/Security/Server_Side_TLS), which has none of the suites that HTTP/2 forbids
// (RFC 9113 Appendix A). Its DHE suites are left out: they need parameters of their own, and every client that has these has ECDHE.
import { getCiphers, type SecureContextOptions } from "node:tls";
import type { TlsTerms, TlsVersion } from "../../routing/model/host-tls.ts";

/** What holds where terms say nothing. */
export interface TlsDefaults {
  readonly minVersion: TlsVersion;
  /** By OpenSSL's names, in order. Of TLS 1.3 all three are served where none is named. */
  readonly cipherSuites: readonly string[];
}

export const plainTlsDefaults: TlsDefaults = Object.freeze({
  minVersion: "TLSv1.2",
  cipherSuites: Object.freeze([
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
  ]),
});

/** The first stands as well against whoever records today and has a quantum computer later; clients that do not know it take one of the others. */
const defaultGroups = "X25519MLKEM768:X25519:P-256:P-384";

/** Versions, suites and groups of a handshake with these terms. */
export function handshakeOptions(
  { minVersion, maxVersion, ciphers, curves }: TlsTerms,
  defaults: TlsDefaults,
): SecureContextOptions {
  // A highest version that is written is served, whatever the lowest is elsewhere.
  const lowest = minVersion ?? (maxVersion === "TLSv1.2" ? maxVersion : defaults.minVersion);
  return {
    minVersion: lowest,
    ...(maxVersion === null ? {} : { maxVersion }),
    ciphers: (ciphers.length === 0 ? suitesFrom(lowest, defaults.cipherSuites) : ciphers).join(":"),
    ecdhCurve: curves.length === 0 ? defaultGroups : curves.join(":"),
  };
}

/** A gateway that serves TLS 1.3 only may have no suite for a host whose terms ask for TLS 1.2: it has those that are there where nobody says. */
function suitesFrom(lowest: TlsVersion, suites: readonly string[]): readonly string[] {
  return lowest === "TLSv1.2" && suites.every((name) => name.startsWith("TLS_"))
    ? [...suites, ...plainTlsDefaults.cipherSuites]
    : suites;
}

/** Suites without a certificate or a cipher, or with keys that the gateway does not have. */
const unserved = /^(?:adh|aecdh|dhe|psk|rsa-psk|dhe-psk|ecdhe-psk|srp)-|null/i;

/** Why no client can be served with the suite of this name; null: some can. Follows the name. */
export function suiteFault(name: string): string | null {
  if (name !== name.toUpperCase() || !getCiphers().includes(name.toLowerCase()))
    return "which OpenSSL does not know by this name";
  return unserved.test(name)
    ? "which needs parameters or keys that the gateway does not have, or protects nothing"
    : null;
}
