// Field rules: which fields go on, by kind, to whom and where in a message, whatever protocol either side speaks. One byte a kind: 1, it goes on.
import { kind } from "./field-kind.ts";

/** They frame the message or belong to one connection (RFC 9110 §7.6.1), or pose as what does: they end here, in requests, answers and trailers. */
const ofThisHop: readonly number[] = [
  kind.contentLength,
  kind.transferEncoding,
  kind.connection,
  kind.hop,
  kind.te,
  kind.upgrade,
  kind.underscoreAlias,
];
/** What a client may not say about itself. Written anew, or by a proxy in front that is believed. */
const claims: readonly number[] = [
  kind.requestId,
  kind.forwardedFor,
  kind.forwardedProto,
  kind.forwardedHost,
  kind.forwarded,
  kind.gateway,
  kind.originalPath,
  kind.original,
  kind.vouched,
];
/** What an upstream may not say as if the gateway did. */
const ofGateway: readonly number[] = [kind.gateway, kind.originalPath];

function allBut(...ending: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, fieldKind) => (ending.includes(fieldKind) ? 0 : 1));
}

/** Fields of a client's request to an upstream. The 100 Continue of `expect` is the gateway's own. */
export const fromClient = allBut(...ofThisHop, kind.expect, ...claims);
/** The same where the id that a client gives its request is kept. */
export const fromClientWithId = allBut(
  ...ofThisHop,
  kind.expect,
  ...claims.filter((claim) => claim !== kind.requestId),
);
/** The same of a proxy in front that is believed. The chain of addresses is written anew, as is who proved to be whom. */
export const fromTrustedProxy = allBut(...ofThisHop, kind.expect, kind.forwardedFor, kind.vouched);
/** Fields of an answer to a client. The id of its request is said by the gateway. */
export const fromUpstream = allBut(...ofThisHop, ...ofGateway, kind.requestId);
/**
 * Trailers where the receiver may merge them into the head (RFC 9110 §6.5.1): of requests, and of answers over HTTP/1.1. What has a kind at all
 * stays out, for it frames, routes or vouches.
 */
export const mergeableTrailers = Uint8Array.from({ length: 32 }, (_, fieldKind) => (fieldKind === kind.other ? 1 : 0));
/** Trailers of an answer that stay apart from its head, over HTTP/2 and in gRPC-Web: metadata of gRPC may have any name. */
export const separateTrailers = allBut(...ofThisHop, ...ofGateway, kind.trailer, kind.host);
