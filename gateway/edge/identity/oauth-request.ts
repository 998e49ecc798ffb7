// What a request asks of the OAuth gateway, and the token that it has. What is asked of every request where `--oauth` is given allocates nothing.
import { fieldNamed, isText } from '../../../routing/bytes.ts';
import type { RequestHead } from '../../../routing/head.ts';
import { parametersNamed } from '../message/query.ts';

/** `call`: a gRPC call with metadata `oauth_token`. */
export type OAuthPlace = 'token' | 'api' | 'call' | null;

const tokenPath = '/oauth/token';
const apiPaths: readonly string[] = ['/api/v0.1/predictions', '/api/v1.0/predictions', '/api/v0.1/feedback', '/api/v1.0/feedback'];
const tokenField = 'oauth_token';
/** Where old clients write it (RFC 6750 §2.3). */
export const tokenParameter = 'access_token';
/** A longer text is no token that was given. */
const mostTokenBytes = 256;
const [lowerA, lowerO] = [0x61, 0x6f];

/** null: it is for Routes, as any other. */
export function oauthPlaceOf(head: RequestHead): OAuthPlace {
  if (head.grpc) return fieldNamed(head, tokenField, 0) >= 0 ? 'call' : null;
  const { pathBytes, pathStart, pathEnd } = head;
  const first = pathBytes[pathStart + 1];
  if (first === lowerO) return isText(pathBytes, pathStart, pathEnd, tokenPath) ? 'token' : null;
  if (first !== lowerA) return null;
  for (const path of apiPaths) if (isText(pathBytes, pathStart, pathEnd, path)) return 'api';
  return null;
}

/** Bytes of the one token of a request, valid while the head is, in `authorization` or in the query. `absent`: it has none; `several`: it is not clear which; `none`: no token looks so. */
export function tokenOf(head: RequestHead, place: 'api' | 'call'): Uint8Array | 'absent' | 'several' | 'none' {
  const inQuery = place === 'api' && head.queryEnd > head.queryStart ? parametersNamed(head, tokenParameter) : [];
  const inField = tokenInField(head, place);
  if (inQuery.length === 0 || inField === 'several') return inField;
  if (inField !== 'absent' || inQuery.length > 1) return 'several';
  const [text] = inQuery;
  return text === '' || text!.length > mostTokenBytes ? 'none' : Buffer.from(text!, 'latin1');
}

function tokenInField(head: RequestHead, place: 'api' | 'call'): Uint8Array | 'absent' | 'several' | 'none' {
  const name = place === 'call' ? tokenField : 'authorization';
  const field = fieldNamed(head, name, 0);
  if (field < 0) return 'absent';
  if (fieldNamed(head, name, field + 1) >= 0) return 'several';
  const start = head.fields[field * 4 + 2]!;
  const end = head.fields[field * 4 + 3]!;
  const from = place === 'call' ? start : start + bearerBytes(head.bytes, start, end);
  if (from === start && place === 'api') return 'absent';
  return end === from || end - from > mostTokenBytes ? 'none' : head.bytes.subarray(from, end);
}

/** Length of `Bearer `, in any case; 0: it is another scheme. */
function bearerBytes(bytes: Uint8Array, start: number, end: number): number {
  const word = 'bearer ';
  if (end - start < word.length) return 0;
  for (let at = 0; at < word.length; at++) if ((bytes[start + at]! | 0x20) !== word.charCodeAt(at)) return 0;
  return word.length;
}
