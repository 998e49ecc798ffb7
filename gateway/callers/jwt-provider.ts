// The provider `jwt`: callers show a JSON Web Token (RFC 7519) that an issuer has signed.
import type { Algorithm, PublicKey } from './public-keys.ts';
import type { TokenPlace } from './token-place.ts';

export interface JwtProvider {
  readonly kind: 'jwt';
  /** `iss` of every token, exactly. */
  readonly issuer: string;
  /** One of these is among `aud`; at least one. */
  readonly audiences: readonly string[];
  /** At least one. */
  readonly algorithms: readonly Algorithm[];
  /** How far clocks may be apart, s, 0..300. */
  readonly leewaySeconds: number;
  /** Oldest `iat`, s; null: any age. */
  readonly maxAgeSeconds: number | null;
  /** All of them hold. */
  readonly requiredClaims: readonly RequiredClaim[];
  readonly claimHeaders: readonly ClaimHeader[];
  /** Whose text is the client's name. */
  readonly clientClaim: ClaimPath;
  /** At least one. A token in two of them is refused. */
  readonly places: readonly TokenPlace[];
  /** The token goes on to the model; never one that stood in the query. */
  readonly forwardsToken: boolean;
  /** Where its keys come from, and new ones may be asked for; null: from a Secret or file. */
  readonly keysUrl: string | null;
  /** null: its keys were never got, and nobody is admitted. */
  readonly keys: readonly PublicKey[] | null;
}

/** Names of members, outermost first; at least one. */
export type ClaimPath = readonly string[];

export interface RequiredClaim {
  readonly path: ClaimPath;
  /** The claim, or one element of its list, is one of these; of `scope`, one of its words. Empty: any value but null. */
  readonly values: readonly (string | number | boolean)[];
}

/** A claim that the model gets as a field. The client's own fields of that name never reach it. */
export interface ClaimHeader {
  readonly path: ClaimPath;
  /** In lower case. */
  readonly name: string;
}
