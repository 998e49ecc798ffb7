// The provider `mtls`: callers show a certificate in the TLS handshake. Its chain was verified there; here it is asked whose it is.
import { byDefault, flag, oneOrMany, optional, text, word } from "../../schema/schema.ts";
import { providerKind, type DeclaredBase, type ProviderBase } from "./provider.ts";

export interface MtlsProvider extends ProviderBase<"mtls"> {
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

type MtlsDeclaration = MtlsProvider & DeclaredBase<"mtls">;

const dnsName = word(
  (name) => (name.includes("*") ? undefined : name.toLowerCase()),
  "a whole name: write names without *",
  /^[^*]*$/,
);
const fingerprint = word(
  (written) => /^[0-9a-f]{64}$/.exec(written.replaceAll(":", "").toLowerCase())?.[0],
  "a SHA-256: write 64 hexadecimal digits (openssl x509 -noout -fingerprint -sha256)",
  /^[0-9A-Fa-f:]{64,4096}$/,
);

export const mtls = providerKind("mtls", {
  shows: "a certificate, which the TLS of its host has verified",
  fields: {
    any: byDefault(
      flag,
      false,
      "`true`: any verified certificate. Otherwise one of the names below must be the certificate's",
    ),
    uris: optional(oneOrMany(text), [], "Subject alternative names of type URI, as SPIFFE has them"),
    dns: optional(oneOrMany(dnsName), [], "Subject alternative names of type DNS"),
    emails: optional(oneOrMany(text), [], "Subject alternative names of type email"),
    subjects: optional(oneOrMany(text), [], "Whole subjects, as RFC 2253 writes them"),
    fingerprints: optional(oneOrMany(fingerprint), [], "SHA-256 of certificates"),
  },
  declare({ dns, ...said }, place): MtlsDeclaration | undefined {
    const { any, uris, emails, subjects, fingerprints } = said;
    const names = [uris, dns, emails, subjects, fingerprints].flat();
    if (any === names.length > 0)
      return place.refuse(
        "must say whose certificates are taken: write any: true, or uris, dns, emails, subjects, fingerprints, and not both",
      );
    return { ...said, dnsNames: dns, places: [], from: null };
  },
  complete: (declared): MtlsProvider => declared,
  keys: () => "some",
  withKeysOf: (next) => next,
});
