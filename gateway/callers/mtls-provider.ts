// The provider `mtls`: callers show a certificate in the TLS handshake. Its chain was verified there; here it is asked whose it is.

export interface MtlsProvider {
  readonly kind: 'mtls';
  /** Any verified certificate is enough; else it must be one of these, in any way. */
  readonly any: boolean;
  /** Whole subjects, as RFC 2253 writes them. */
  readonly subjects: readonly string[];
  /** In lower case. */
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
  readonly emails: readonly string[];
  /** SHA-256, 64 lower-case hexadecimal digits. */
  readonly fingerprints: readonly string[];
}
