// Is a certificate one that a host can be served with? Read once for each pair of texts.
import { X509Certificate, createPrivateKey } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { Identity, TlsTerms } from "../../../routing/model/host-tls.ts";
import { handshakeOptions, plainTlsDefaults } from "../../options/tls-defaults.ts";

/** Longest PEM text of a chain or key that is looked at. A chain of four RSA certificates is about 8 KiB. */
const mostPemBytes = 256 * 1024;
/** Most names of a certificate that are read. */
export const mostCertificateNames = 1000;

/** Most authorities of clients. */
const mostAuthorities = 256;

export interface CertificateFacts {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Names that it is for, lower case: at most `mostCertificateNames`. */
  readonly names: readonly string[];
  /** It has more names than are read. */
  readonly isCut: boolean;
}

export type CertificateCheck =
  | { readonly kind: "good"; readonly facts: CertificateFacts }
  | { readonly kind: "bad"; readonly reason: string };

/** Whether chain and key can be read and belong together; `reason` follows "the certificate". Its dates are for the caller to judge. */
export function checkIdentity({ certPem, keyPem }: Identity): CertificateCheck {
  for (const [text, what] of [
    [certPem, "chain"],
    [keyPem, "key"],
  ] as const) {
    if (Buffer.byteLength(text) > mostPemBytes)
      return bad(`cannot be used: its ${what} is longer than ${mostPemBytes / 1024} KiB`);
  }
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(certPem);
  } catch {
    return bad("cannot be read: it is no PEM text of an X.509 certificate");
  }
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey(keyPem);
  } catch {
    return bad("has a key that cannot be read: it is no PEM text of a private key, or wants a passphrase");
  }
  if (!certificate.checkPrivateKey(key)) return bad("has a key that belongs to another one");
  const dates = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  if (dates.some(Number.isNaN)) return bad("has dates that cannot be read");
  const refused = isPlain(certificate, certPem) ? null : refusalOf(certPem, keyPem);
  if (refused !== null) return bad(`cannot be used (${refused})`);
  const names = namesOf(certificate);
  return {
    kind: "good",
    facts: {
      notBeforeMs: dates[0]!,
      notAfterMs: dates[1]!,
      names: names.slice(0, mostCertificateNames),
      isCut: names.length > mostCertificateNames,
    },
  };
}

/** One certificate alone, of a kind that OpenSSL takes: it need not be asked, which costs a fifth of a millisecond. */
function isPlain({ publicKey, signatureAlgorithm }: X509Certificate, certPem: string): boolean {
  const { asymmetricKeyType, asymmetricKeyDetails } = publicKey;
  const isStrong =
    asymmetricKeyType === "ec"
      ? asymmetricKeyDetails?.namedCurve === "prime256v1"
      : asymmetricKeyType === "rsa" && (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
  return isStrong && /sha(?:256|384|512)/i.test(signatureAlgorithm ?? "") && certPem.indexOf("-----BEGIN", 1) < 0;
}

/** What OpenSSL has against the chain, or the strength of any of it; null: nothing. */
function refusalOf(certPem: string, keyPem: string): string | null {
  try {
    createSecureContext({ cert: certPem, key: keyPem });
    return null;
  } catch (error) {
    return codeOf(error);
  }
}

/** Why terms cannot be had, by OpenSSL's code; null: they can. */
export function checkTerms(terms: TlsTerms): string | null {
  const { client } = terms;
  // OpenSSL passes over what it cannot read of them, and Node takes none at all for every authority that there is.
  if (client !== null && !areAuthorities(client.caPem)) return "no authorities in PEM";
  try {
    createSecureContext({
      ...handshakeOptions(terms, plainTlsDefaults),
      ...(client === null ? {} : { ca: client.caPem, ...(client.crlPem === null ? {} : { crl: client.crlPem }) }),
    });
    return null;
  } catch (error) {
    return codeOf(error);
  }
}

function areAuthorities(caPem: string): boolean {
  const blocks = caPem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0 || blocks.length > mostAuthorities) return false;
  try {
    return blocks.every((block) => new X509Certificate(block).raw.length > 0);
  } catch {
    return false;
  }
}

/** Names of hosts: those of the extension, or the common name where there are none (RFC 6125 §6.4.4). */
function namesOf(certificate: X509Certificate): readonly string[] {
  const names = (certificate.subjectAltName ?? "")
    .split(", ")
    .flatMap((part) => (part.startsWith("DNS:") ? [part.slice(4).toLowerCase()] : []));
  if (names.length > 0) return names;
  const common = /(?:^|\n)CN=([^\n]+)/.exec(certificate.subject)?.[1];
  return common === undefined ? [] : [common.toLowerCase()];
}

function bad(reason: string): CertificateCheck {
  return { kind: "bad", reason };
}

/** Never OpenSSL's whole text: it may tell what it was given. */
function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" ? code : "refused";
}
