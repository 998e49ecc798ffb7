// Keyring: the public keys of a provider, opened once, and which of them verifies a token.
import { constants, createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { algorithmsOf } from '../../callers/public-keys.ts';
import type { Algorithm, PublicKey } from '../../callers/public-keys.ts';

/** null for those that hash by themselves. */
const digests: Readonly<Record<Algorithm, string | null>> = {
  RS256: 'sha256', RS384: 'sha384', RS512: 'sha512', PS256: 'sha256', PS384: 'sha384', PS512: 'sha512',
  ES256: 'sha256', ES384: 'sha384', ES512: 'sha512', EdDSA: null, Ed25519: null,
};

interface OpenKey {
  readonly kid: string | null;
  readonly algorithm: Algorithm | null;
  readonly fits: readonly Algorithm[];
  readonly key: KeyObject;
}

/** Keys that are tried for one token: each costs as much as a good one. */
const mostTried = 4;

/** One key that verifies by one algorithm. */
export type Verify = (signed: Buffer, signature: Buffer) => boolean;

export class Keyring {
  readonly #keys: readonly OpenKey[];

  constructor(keys: readonly PublicKey[]) {
    this.#keys = keys.map(({ kid, algorithm, jwk }) => ({ kid, algorithm, fits: algorithmsOf(jwk), key: createPublicKey({ key: { ...jwk }, format: 'jwk' }) }));
  }

  /**
   * The keys that may have signed a token which names `kid` (null: none), by `algorithm`, whose type they fit: the one of that name, or those that
   * cannot be told apart by names. Empty: it is not known. null: more of these than are tried.
   */
  find(kid: string | null, algorithm: Algorithm): readonly Verify[] | null {
    const fitting = this.#keys.filter((key) => (key.algorithm === null ? key.fits.includes(algorithm) : key.algorithm === algorithm));
    const named = kid === null ? [] : fitting.filter((key) => key.kid === kid).slice(0, 1);
    const possible = named.length > 0 ? named : fitting.filter((key) => kid === null || key.kid === null);
    return possible.length > mostTried ? null : possible.map(({ key }) => verifierOf(key, algorithm));
  }
}

function verifierOf(key: KeyObject, algorithm: Algorithm): Verify {
  const digest = digests[algorithm];
  const options = algorithm.startsWith('PS')
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : algorithm.startsWith('RS')
      ? { key, padding: constants.RSA_PKCS1_PADDING }
      : { key, dsaEncoding: 'ieee-p1363' as const };
  return (signed, signature) => verify(digest, signed, options, signature);
}
