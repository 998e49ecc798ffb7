// What header variables and hashing know of a request: where it came from and what it was sent in.
import { isIP } from 'node:net';
import { fieldNamed, fieldText } from '../../../routing/bytes.ts';
import type { RequestValues } from '../../../routing/header-template.ts';
import { fillEdits } from './header-edits.ts';
import type { CompiledEdits } from './header-edits.ts';
import type { WireRequestHead } from './request-head.ts';
import type { ClientFacts } from './client-facts.ts';

/**
 * Address of the client, without port: the one that the outermost of the believed proxies saw, which is the `trustedHops`-th of
 * x-forwarded-for from its end; the peer's where no proxy is believed, the list is shorter, or that place holds no address.
 */
export function clientAddress(head: WireRequestHead, facts: ClientFacts): string {
  const peer = facts.peer.toString('latin1');
  const first = facts.trustedHops === 0 ? -1 : fieldNamed(head, 'x-forwarded-for', 0);
  if (first < 0) return peer;
  const told = fieldText(head, 'x-forwarded-for', first).split(',').at(-facts.trustedHops)?.trim() ?? '';
  return isIP(told) === 0 ? peer : told;
}

function requestValues(head: WireRequestHead, facts: ClientFacts): RequestValues {
  const protocol = head.neverIndexed !== null ? 'HTTP/2' : head.http11 ? 'HTTP/1.1' : 'HTTP/1.0';
  return { address: clientAddress(head, facts), peer: facts.peer.toString('latin1'), protocol };
}

/** The edits of one request or of its answer: the Mapping's own, unless variables are to be filled in. */
export function editsFor(edits: CompiledEdits | null, head: WireRequestHead, facts: ClientFacts): CompiledEdits | null {
  return edits === null || edits.templates === null ? edits : fillEdits(edits, requestValues(head, facts));
}
