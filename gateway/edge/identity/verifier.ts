// Verifier: one provider at work in a data worker.
import type { ClientFacts } from "../message/client-facts.ts";
import type { HeadChange } from "../message/head-copy.ts";
import type { WireRequestHead } from "../message/request-head.ts";

/** Who called. */
export interface Caller {
  readonly provider: string;
  readonly client: string;
}

export type Admission =
  /** `change`: what later steps and the upstream see otherwise; null: nothing. */
  | { readonly kind: "admitted"; readonly caller: Caller; readonly change: HeadChange | null }
  /** The request holds nothing for this provider. */
  | { readonly kind: "absent" }
  /** `got`: how far the provider got, one of `got`. `challenge`: one value of WWW-Authenticate that says more than the first of the verifier's own; null: that one. */
  | {
      readonly kind: "refused";
      readonly got: number;
      readonly as: "unauthenticated" | "forbidden" | "unavailable";
      readonly sentence: string;
      readonly retryAfterSeconds: number;
      readonly challenge: string | null;
    };

export type Refused = Extract<Admission, { kind: "refused" }>;

/** How far a provider gets with what it is shown. Of several that refuse, the one that got furthest says why; of those that got as far, the first. */
export const got = {
  /** It may be meant for another provider: any text may be a key, and some are no token of the form that is wanted. */
  nothing: 0,
  /** It has the form, or stands in the place, of this provider's credentials. */
  form: 1,
  /** It says that it is of this provider's issuer. */
  issuer: 2,
  /** It is good: who calls is known, and may not. */
  caller: 3,
} as const;

/** What a verifier sees of a request. After a wait `head` is a copy, whose fields have the same places. */
export interface IdentityRequest {
  readonly head: WireRequestHead;
  readonly facts: ClientFacts;
  readonly secure: boolean;
}

export interface Verifier {
  /** Values of WWW-Authenticate, one or more: each way to show a credential of it. */
  readonly challenges: readonly string[];
  /** An answer at once where it can; a Promise never rejects. */
  verify(request: IdentityRequest): Admission | Promise<Admission>;
}

export const absent: Admission = Object.freeze({ kind: "absent" });
