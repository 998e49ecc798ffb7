// Verifier: one provider at work in a data worker.
import type { ClientFacts } from '../message/client-facts.ts';
import type { HeadChange } from '../message/head-copy.ts';
import type { WireRequestHead } from '../message/request-head.ts';

/** Who called. */
export interface Caller {
  readonly provider: string;
  readonly client: string;
}

export type Admission =
  /** `change`: what later steps and the upstream see otherwise; null: nothing. */
  | { readonly kind: 'admitted'; readonly caller: Caller; readonly change: HeadChange | null }
  /** The request holds nothing for this provider. */
  | { readonly kind: 'absent' }
  /** `challenge`: one value of WWW-Authenticate that says more than the verifier's own; null: that one. */
  | { readonly kind: 'refused'; readonly as: 'unauthenticated' | 'forbidden' | 'unavailable'; readonly sentence: string; readonly retryAfterSeconds: number; readonly challenge: string | null };

export type Refused = Extract<Admission, { kind: 'refused' }>;

/** What a verifier sees of a request. After a wait `head` is a copy, whose fields have the same places. */
export interface IdentityRequest {
  readonly head: WireRequestHead;
  readonly facts: ClientFacts;
  readonly secure: boolean;
}

export interface Verifier {
  /** One value of WWW-Authenticate. */
  readonly challenge: string;
  /** An answer at once where it can; a Promise never rejects. */
  verify(request: IdentityRequest): Admission | Promise<Admission>;
}

export const absent: Admission = Object.freeze({ kind: 'absent' });
