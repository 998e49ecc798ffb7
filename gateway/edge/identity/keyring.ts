// Keyring: the public keys of a provider, opened once, and which of them verifies a token.
import { constants, createPublicKey, verify, type KeyObject } from "node:crypto";
import { algorithmsOf, mostUnnamedKeys, type Algorithm, type PublicKey } from "../../callers/providers/public-keys.ts";

/** null for those that hash by themselves. */
const digests: Readonly<Record<Algorithm, string | null>> = {
  RS256: "sha256",
  RS384: "sha384",
  RS512: "sha512",
  PS256: "sha256",
  PS384: "sha384",
  PS512: "sha512",
  ES256: "sha256",
  ES384: "sha384",
  ES512: "sha512",
  EdDSA: null,
  Ed25519: null,
};

interface OpenKey {
  readonly kid: string | null;
  readonly algorithm: Algorithm | null;
  readonly fits: readonly Algorithm[];
  readonly key: KeyObject;
}

/** What may have signed a token. */
export interface Signers {
  /** The token names one of the keys, so no other key may have signed it. Where it names none and no key verifies it, the verifier may ask for new keys. */
  readonly isNamed: boolean;
  /** How many keys are tried; 0: none of those that are known fits. */
  readonly count: number;
  verify(signed: Buffer, signature: Buffer): boolean;
}

export class Keyring {
  readonly #keys: readonly OpenKey[];

  constructor(keys: readonly PublicKey[]) {
    this.#keys = keys.map(({ kid, algorithm, jwk }) => ({
      kid,
      algorithm,
      fits: algorithmsOf(jwk),
      key: createPublicKey({ key: { ...jwk }, format: "jwk" }),
    }));
  }

  /**
   * The keys that may have signed a token which names `kid` (null: none), by `algorithm`, whose type they fit: the one of that name, or those that
   * cannot be told apart by names, of which no more are tried than `mostUnnamedKeys`.
   */
  find(kid: string | null, algorithm: Algorithm): Signers {
    const fitting = this.#keys.filter((key) =>
      key.algorithm === null ? key.fits.includes(algorithm) : key.algorithm === algorithm,
    );
    const named = kid === null ? undefined : fitting.find((key) => key.kid === kid);
    const possible =
      named === undefined
        ? fitting.filter((key) => kid === null || key.kid === null).slice(0, mostUnnamedKeys)
        : [named];
    return {
      isNamed: named !== undefined,
      count: possible.length,
      verify: (signed, signature) => possible.some(({ key }) => verifierOf(key, algorithm)(signed, signature)),
    };
  }
}

function verifierOf(key: KeyObject, algorithm: Algorithm): (signed: Buffer, signature: Buffer) => boolean {
  const digest = digests[algorithm];
  const options = algorithm.startsWith("PS")
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : algorithm.startsWith("RS")
      ? { key, padding: constants.RSA_PKCS1_PADDING }
      : { key, dsaEncoding: "ieee-p1363" as const };
  return (signed, signature) => verify(digest, signed, options, signature);
}
