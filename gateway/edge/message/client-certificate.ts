// ClientCertificate: who a client proved to be in its TLS handshake, and how an upstream is told (`x-forwarded-client-cert`).

/** A certificate that was verified against the authorities of its host, in a connection whose client holds the key. */
export interface ClientCertificate {
  /** RFC 2253: most special part first, `CN=batch,OU=models,O=Example`; ASCII, other bytes as `\C3\A9`. */
  readonly subject: string;
  /** Subject alternative names, by kind, as they stand in it, so many of each kind as are read. */
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
  readonly emails: readonly string[];
  /** SHA-256 of the whole certificate: 64 digits, lower hex. */
  readonly fingerprint: string;
}

/** What the TLS handshake of a connection says about every request on it. */
export interface ClientTls {
  /** What the client presented and was verified; null: nothing, or it was not asked. */
  readonly certificate: ClientCertificate | null;
  /** Changes with whose certificates were asked for; "": nobody was. */
  readonly clientDigest: string;
}

/** Envoy's field for it. What clients say by that name never goes on. */
const name = "x-forwarded-client-cert";

/**
 * The line that tells an upstream, with its end: `Hash=…;Subject="…";URI=…;DNS=…`, as Envoy writes with SANITIZE_SET (1.40: `ClientCertificate…`
 * details subject, uri and dns). Differs: a name that holds a separator is quoted, so that it cannot pose as another part. Null: none.
 */
export function clientCertificateLine(certificate: ClientCertificate | null): string {
  if (certificate === null) return "";
  const { fingerprint, subject, uris, dnsNames } = certificate;
  const parts = [
    `Hash=${fingerprint}`,
    `Subject="${printable(subject)}"`,
    ...uris.map((uri) => `URI=${valueOf(uri)}`),
    ...dnsNames.map((dns) => `DNS=${valueOf(dns)}`),
  ];
  return `${name}: ${parts.join(";")}\r\n`;
}

function valueOf(text: string): string {
  const plain = printable(text);
  return /[,;="\\ ]/.test(plain) ? `"${plain.replaceAll(/["\\]/g, String.raw`\$&`)}"` : plain;
}

/** Nothing of a certificate ends the line. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, "?");
}
