// The certificate of a client, from what Node knows of it.
import type { X509Certificate } from "node:crypto";
import type { ClientCertificate } from "../message/client-certificate.ts";

/** Names of one kind that are read, and how long they may be. Authorities choose what they sign; memory of a connection is ours. */
const mostNames = 64;
const mostNameLength = 1024;
/** OpenSSL's own bound of what it prints is far above. */
const mostSubjectLength = 4096;

/** What is told of a certificate that was verified. */
export function clientCertificateOf(certificate: X509Certificate): ClientCertificate {
  const names = alternativeNames(certificate.subjectAltName ?? "");
  const of = (kind: string): readonly string[] =>
    names
      .flatMap(([name, value]) => (name === kind && value.length <= mostNameLength ? [value] : []))
      .slice(0, mostNames);
  return {
    subject: subjectOf(certificate.subject ?? "").slice(0, mostSubjectLength),
    dnsNames: of("DNS"),
    uris: of("URI"),
    emails: of("email"),
    fingerprint: certificate.fingerprint256.replaceAll(":", "").toLowerCase(),
  };
}

/** Node writes one part a line, the most general first, already escaped as RFC 2253 §2.4 says but for bytes beyond ASCII. */
function subjectOf(lines: string): string {
  return lines
    .split("\n")
    .reverse()
    .join(",")
    .replaceAll(/\P{ASCII}+/gu, (text) =>
      Buffer.from(text).reduce(
        (escaped, byte) => `${escaped}\\${byte.toString(16).toUpperCase().padStart(2, "0")}`,
        "",
      ),
    );
}

/** `DNS:a, URI:b, DNS:"quoted, as JSON"`: kinds and values. A part that cannot be read ends it: what follows could be forged by it. */
function alternativeNames(text: string): readonly (readonly [kind: string, value: string])[] {
  const names: [string, string][] = [];
  const part = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;
  while (part.lastIndex < text.length) {
    const found = part.exec(text);
    if (found === null) break;
    const [, kind, value] = found as unknown as [string, string, string];
    names.push([kind, value.startsWith('"') ? (JSON.parse(value) as string) : value]);
  }
  return names;
}
