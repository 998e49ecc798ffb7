// Stickiness: what of a request keeps its client at one Endpoint (Ambassador `load_balancer` with cookie, header or source_ip; Envoy's hash
// policies). Weighted shares are drawn before, so nobody sticks across canaries.
import { fieldNamed } from '../../../routing/bytes.ts';
import type { LoadBalancer } from '../../../routing/mapping.ts';
import type { WireRequestHead } from '../message/request-head.ts';
import type { ClientFacts } from '../message/client-facts.ts';
import { requestIdBytes } from '../message/request-id.ts';
import type { RequestIds } from '../message/request-id.ts';
import { clientAddress } from '../message/request-values.ts';
import { hashRange, hashText, mix } from '../upstream/sticky-hash.ts';
import { goOn, requestStep } from './step.ts';
import type { Step } from './step.ts';

/** What of a request is hashed. */
type StickyOn = Extract<LoadBalancer, { readonly kind: 'hash' }>['on'];

interface Stick {
  /** null: the request holds nothing to hash, and goes where least request sends it. */
  readonly hash: number | null;
  /** Value of a `set-cookie` for a client that has no cookie yet; null: none. */
  readonly cookie: string | null;
}

/** Keeps the requests of one client at one Endpoint, and gives a client without a cookie one. */
export function stickinessStep(on: StickyOn): Step {
  return requestStep('stickiness', (request) => {
    const { hash, cookie } = stickOf(on, request.head, request.facts, request.ids);
    request.stickTo(hash);
    if (cookie !== null) request.setCookie(cookie);
    return goOn;
  });
}

function stickOf(on: StickyOn, head: WireRequestHead, facts: ClientFacts, ids: RequestIds): Stick {
  switch (on.kind) {
    case 'source-ip':
      return { hash: hashText(clientAddress(head, facts)), cookie: null };
    case 'header':
      return { hash: headerHash(head, on.name), cookie: null };
    case 'cookie': {
      const hash = cookieHash(head, on.name);
      if (hash !== null || on.ttlMs === null) return { hash, cookie: null };
      const id = Buffer.alloc(requestIdBytes);
      ids.write(id);
      return { hash: hashRange(id, 0, id.length), cookie: printCookie(on.name, id.toString('latin1'), on.ttlMs, on.path) };
    }
  }
}

/** Of all its values in order. */
function headerHash(head: WireRequestHead, name: string): number | null {
  const { bytes, fields } = head;
  let hash: number | null = null;
  for (let field = fieldNamed(head, name, 0); field >= 0; field = fieldNamed(head, name, field + 1)) {
    const value = hashRange(bytes, fields[field * 4 + 2]!, fields[field * 4 + 3]!);
    hash = hash === null ? value : mix(hash ^ value);
  }
  return hash;
}

const [space, tab, quote, equals, semicolon] = [0x20, 0x09, 0x22, 0x3d, 0x3b];

/** Of the value of the first cookie of this name, without its quotes; HTTP/2 may send cookies in several fields. An empty value is none. */
function cookieHash(head: WireRequestHead, name: string): number | null {
  const { bytes, fields } = head;
  for (let field = fieldNamed(head, 'cookie', 0); field >= 0; field = fieldNamed(head, 'cookie', field + 1)) {
    const end = fields[field * 4 + 3]!;
    for (let at = fields[field * 4 + 2]!; at < end; at++) {
      while (at < end && (bytes[at] === space || bytes[at] === tab)) at++;
      const start = at;
      while (at < end && bytes[at] !== semicolon) at++;
      if (!isNamed(bytes, start, at, name)) continue;
      const hash = valueHash(bytes, start + name.length + 1, at);
      if (hash !== null) return hash;
    }
  }
  return null;
}

/** Does `bytes[start..end)` begin with the name, in its own case, and `=`? */
function isNamed(bytes: Uint8Array, start: number, end: number, name: string): boolean {
  if (end - start <= name.length || bytes[start + name.length] !== equals) return false;
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name.charCodeAt(i)) return false;
  return true;
}

function valueHash(bytes: Uint8Array, from: number, to: number): number | null {
  let start = from;
  let end = to;
  while (end > start && (bytes[end - 1] === space || bytes[end - 1] === tab)) end--;
  if (end - start >= 2 && bytes[start] === quote && bytes[end - 1] === quote) {
    start += 1;
    end -= 1;
  }
  return start === end ? null : hashRange(bytes, start, end);
}

/** As Envoy writes it. A time to live under a second makes a session cookie. */
function printCookie(name: string, value: string, ttlMs: number, path: string): string {
  const seconds = Math.floor(ttlMs / 1000);
  return `${name}="${value}"${seconds > 0 ? `; Max-Age=${seconds}` : ''}${path === '' ? '' : `; Path=${path}`}; HttpOnly`;
}
