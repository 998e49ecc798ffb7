// ClientFacts: what the connection of a client says about every request on it, written once a connection.
import { clientCertificateLine, type ClientCertificate, type ClientTls } from "./client-certificate.ts";
import type { Front } from "../io/front.ts";
import { forwardedUpstream } from "./request-fields.ts";
import { requestIdBytes } from "../fields/request-id.ts";

/** What the connection of the client says about every request on it. */
export interface ClientFacts {
  /** Address of the peer. */
  readonly peer: Buffer;
  /** Over TLS, where its host asks for certificates: what it presented and was verified. */
  readonly certificate: ClientCertificate | null;
  /** Over TLS: whose certificates its handshake asked for, "" nobody's; null: in cleartext. */
  readonly clientDigest: string | null;
  /** `x-forwarded-proto: http` and its line end. */
  readonly protoLine: Buffer;
  /** `x-forwarded-client-cert: …` and its line end; empty without a certificate. */
  readonly certificateLine: Buffer;
  /** What held when they were written: with another Front they are written anew. */
  readonly front: Front;
  /** Proxies in front that are believed. */
  readonly trustedHops: number;
  /** Which of the client's fields go on, by kind. */
  readonly passes: Uint8Array;
  /** All lines that are the same for every request while nobody in front is believed, with room for the id and up to the forwarded host. */
  readonly lines: Buffer;
  /** Fields that are the same for every request to an HTTP/2 upstream, encoded by whoever first needs them. */
  block: Buffer | null;
}

/** The facts of a client at this address; `tls` null: in cleartext. */
export function clientFacts(peer: string, tls: ClientTls | null, front: Front): ClientFacts {
  const certificate = tls === null ? null : tls.certificate;
  const protoLine = `x-forwarded-proto: ${tls === null ? "http" : "https"}\r\n`;
  const certificateLine = clientCertificateLine(certificate);
  const lines = `x-request-id: ${" ".repeat(requestIdBytes)}\r\nx-forwarded-for: ${peer}\r\n${protoLine}${certificateLine}x-forwarded-host: `;
  const passes = forwardedUpstream(front);
  return {
    peer: Buffer.from(peer),
    certificate,
    clientDigest: tls === null ? null : tls.clientDigest,
    protoLine: Buffer.from(protoLine),
    certificateLine: Buffer.from(certificateLine),
    front,
    trustedHops: front.trustedHops,
    passes,
    lines: Buffer.from(lines),
    block: null,
  };
}
