// The provider `mtls`: callers show a certificate in the TLS handshake. Its chain was verified there; here it is asked whose it is.
import type { PolicyEntry } from "./policy-entry.ts";
import type { ProviderBase } from "./provider.ts";

export interface MtlsProvider extends ProviderBase {
  readonly kind: "mtls";
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

/** What is declared is all that there is. */
export type MtlsDeclaration = MtlsProvider;

/** `any: true`, or some of `uris`, `dns`, `emails`, `subjects` and `fingerprints`, of which one must be the certificate's. */
export function decodeMtls(entry: PolicyEntry, base: ProviderBase): MtlsDeclaration {
  const any = entry.flag("any", false);
  const [uris, dns, emails, subjects, written] = [
    entry.texts("uris"),
    entry.texts("dns"),
    entry.texts("emails"),
    entry.texts("subjects"),
    entry.texts("fingerprints"),
  ];
  const fingerprints = written.map((text) => text.replaceAll(":", "").toLowerCase());
  if (fingerprints.some((text) => !/^[0-9a-f]{64}$/.test(text)))
    entry.refuse(
      "fingerprints",
      "has one that is no SHA-256: write 64 hexadecimal digits (openssl x509 -noout -fingerprint -sha256)",
    );
  if (dns.some((name) => name.includes("*")))
    entry.refuse("dns", "has a *, which means nothing here: write whole names");
  const some = uris.length + dns.length + emails.length + subjects.length + fingerprints.length > 0;
  if (any === some)
    entry.refuse(
      "",
      "must say whose certificates are taken: write any: true, or uris, dns, emails, subjects, fingerprints, and not both",
    );
  return {
    ...base,
    kind: "mtls",
    any,
    subjects,
    dnsNames: dns.map((name) => name.toLowerCase()),
    uris,
    emails,
    fingerprints,
  };
}
