// Verifier: one provider at work in a data worker.
import type { Provider } from "../../callers/providers/kinds.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import type { HeadChange } from "../message/head-copy.ts";
import type { Clock } from "../../shared/clock.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { PasswordChecks } from "./password-checks.ts";

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

/** What a verifier may use of its worker. */
export interface VerifierWorld {
  readonly clock: Clock;
  /** Epoch ms. */
  readonly epochMs: () => number;
  /** The control worker looks for new keys of this provider, and says so when it has. */
  readonly askKeys: (provider: string) => void;
  readonly passwords: Pick<PasswordChecks, "compare">;
}

/** One provider at work. A kind overrides what differs from a verifier that looks at heads and needs nobody else. */
export abstract class Verifier {
  /** Values of WWW-Authenticate, one or more: each way to show a credential of it. */
  abstract readonly challenges: readonly string[];

  /** An answer at once where it can; a Promise never rejects. */
  abstract verify(request: IdentityRequest): Admission | Promise<Admission>;

  /** Names of the fields that it writes for the model. */
  get fields(): readonly string[] {
    return [];
  }

  /** Why the head of a request alone does not tell whom it admits, for `explain`; null: it does. */
  get unexplained(): string | null {
    return null;
  }

  /** Goes on with the provider as it is declared now. False: it cannot, and another verifier takes its place. */
  take(_provider: Provider): boolean {
    return false;
  }

  /** New keys were looked for, and there are none. */
  keysLooked(): void {}
}

export const absent: Admission = Object.freeze({ kind: "absent" });
