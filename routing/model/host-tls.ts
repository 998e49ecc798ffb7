// HostTls: on which terms clients reach a host by TLS, and what becomes of their requests in cleartext. Plain values, as the translation of objects, the
// control worker and the data plane know them.

import type { ObjectRef } from "../text/problem.ts";

/** What a TLS handshake with a host must keep to. */
export interface TlsTerms {
  /** The lowest and the highest version, 1.2 and up; null: as the gateway has it where nobody says. */
  readonly minVersion: TlsVersion | null;
  readonly maxVersion: TlsVersion | null;
  /** Of TLS 1.2, in order, by OpenSSL's names; empty: the gateway's own. */
  readonly ciphers: readonly string[];
  /** Groups for the exchange of keys, in order, by OpenSSL's names; empty: the gateway's own. */
  readonly curves: readonly string[];
  /** Protocols that are offered by ALPN. */
  readonly alpn: readonly AlpnName[];
  /** Whose certificates clients show; null: they are not asked. */
  readonly client: ClientTerms | null;
}

export type TlsVersion = "TLSv1.2" | "TLSv1.3";
export type AlpnName = "h2" | "http/1.1";

/** Certificates of clients. One that is shown is verified, also where none is required. */
export interface ClientTerms {
  readonly caPem: string;
  /** Lists of what was revoked; null: none are kept. */
  readonly crlPem: string | null;
  /** Without one there is no connection. */
  readonly required: boolean;
}

/** What becomes of a request in cleartext: sent to https, served as it is, or answered 404. */
export type Cleartext = "redirect" | "route" | "reject";

export const plainTerms: TlsTerms = Object.freeze({
  minVersion: null,
  maxVersion: null,
  ciphers: [],
  curves: [],
  alpn: ["h2", "http/1.1"] as const,
  client: null,
});

/** Who declares how hosts are served by TLS: an object, or files. */
export interface HostDeclaration {
  /** Unlike any other: `Host models/door`, `a.crt`. For Problems, metrics and logs. */
  readonly name: string;
  readonly subject: ObjectRef;
  readonly field: string;
  /** `a.example.com`, `*.example.com` or `*`, lower case; null: those that the certificate names. */
  readonly hosts: readonly string[] | null;
  /**
   * PEM texts; or why there are none, so that the ones from before stay, and how that is told; or why its hosts have no TLS whatever was before. null: it says
   * nothing of certificates, only of cleartext.
   */
  readonly identity: Identity | MissingIdentity | { readonly closed: string } | null;
  readonly terms: TlsTerms;
  /** Names whose certificates clients show, and the list of those revoked: where these are the same, so is what was asked of a client. "": nobody is asked. */
  readonly clientName: string;
  /** null: it says nothing of it. */
  readonly cleartext: Cleartext | null;
}

/** `missing` follows "the certificate". */
export interface MissingIdentity {
  readonly missing: string;
  readonly level: "error" | "warning";
}

/** A certificate chain and its key, PEM. */
export interface Identity {
  readonly certPem: string;
  readonly keyPem: string;
}
