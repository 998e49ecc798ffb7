// Public keys that sign tokens, read from a JWKS (RFC 7517) or PEM: which of them may verify what, and why the others are left out.
import { createPublicKey, type KeyObject, type webcrypto } from "node:crypto";
import { repeatedKeyOffset } from "../../../routing/text/json-keys.ts";

/** Algorithms of signatures that providers may allow (RFC 7518, RFC 8037, RFC 9864). None is symmetric: a public key is no secret. */
export const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;
export type Algorithm = (typeof algorithms)[number];

/** A public key as data workers get it: plain values without anything private. */
export interface PublicKey {
  /** null: it verifies tokens whatever key they name. */
  readonly kid: string | null;
  /** The one algorithm that it is for; null: any that fits its type. */
  readonly algorithm: Algorithm | null;
  readonly jwk: PublicJwk;
}

export type PublicJwk =
  | { readonly kty: "RSA"; readonly n: string; readonly e: string }
  | { readonly kty: "EC"; readonly crv: string; readonly x: string; readonly y: string }
  | { readonly kty: "OKP"; readonly crv: string; readonly x: string };

/** `keys` may be empty only with `faults`, which say one sentence each. `refused`: nothing of it is taken. */
export type KeysOutcome =
  | { readonly kind: "keys"; readonly keys: readonly PublicKey[]; readonly faults: readonly string[] }
  | { readonly kind: "refused"; readonly sentence: string };

/** Bounds of a key set: whole sets beyond them are refused. */
export const keyBounds = {
  bytes: 512 * 1024,
  keys: 256,
  kidCharacters: 256,
  leastRsaBits: 2048,
  mostRsaBits: 8192,
  exponentBytes: 4,
} as const;

/** Keys of one type that no name tells apart: each is tried for a token that names none of a set, and costs as much as a good one. */
export const mostUnnamedKeys = 8;

/** Which algorithms a key of this type can verify; empty: none that is known. */
export function algorithmsOf(jwk: PublicJwk): readonly Algorithm[] {
  if (jwk.kty === "RSA") return ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
  return byCurve[`${jwk.kty} ${jwk.crv}`] ?? [];
}

const byCurve: Readonly<Record<string, readonly Algorithm[]>> = {
  __proto__: null as never,
  "EC P-256": ["ES256"],
  "EC P-384": ["ES384"],
  "EC P-521": ["ES512"],
  "OKP Ed25519": ["EdDSA", "Ed25519"],
};

/** A JWKS, one JWK, or PEM with public keys or certificates. Never throws; no sentence holds anything of a key. */
export function readPublicKeys(text: string): KeysOutcome {
  if (Buffer.byteLength(text) > keyBounds.bytes) return refused(`it has more than ${keyBounds.bytes / 1024} KiB`);
  return text.includes("-----BEGIN ") ? fromPem(text) : fromJson(text);
}

function fromJson(text: string): KeysOutcome {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return refused(
      /^\s*</.test(text)
        ? "it is HTML or XML, not a JSON Web Key Set: give the address of the keys themselves (jwks_uri)"
        : "it is neither a JSON Web Key Set nor PEM",
    );
  }
  if (repeatedKeyOffset(text) !== null)
    return refused("a key of one of its maps is written twice, and which of the two counts is not known");
  if (!isRecord(document)) return refused('it is no JSON Web Key Set: {"keys": […]}');
  const entries = Object.hasOwn(document, "keys") ? document["keys"] : [document];
  if (!Array.isArray(entries)) return refused('its "keys" are no list');
  if (entries.length === 0) return refused("it holds no keys");
  if (entries.length > keyBounds.keys) return refused(`it holds ${entries.length} keys, more than ${keyBounds.keys}`);
  return gathered(entries.map(fromJwk));
}

function fromPem(text: string): KeysOutcome {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text))
    return refused("it holds a private key, which is not needed here: give the public key or the certificate");
  const blocks = [
    ...text.matchAll(/-----BEGIN (PUBLIC KEY|RSA PUBLIC KEY|CERTIFICATE)-----[^-]*-----END \1-----/g),
  ].map(([block]) => block);
  if (blocks.length === 0) return refused("it is PEM without a public key or certificate");
  if (blocks.length > keyBounds.keys) return refused(`it holds ${blocks.length} keys, more than ${keyBounds.keys}`);
  return gathered(blocks.map((block) => judged(null, null, () => createPublicKey(block))));
}

function gathered(read: readonly (PublicKey | string | null)[]): KeysOutcome {
  const judgedKeys = withoutTooMany(read);
  const keys = judgedKeys.filter((key) => typeof key === "object" && key !== null);
  const faults = judgedKeys.flatMap((key, index) => (typeof key === "string" ? [`key ${index} ${key}`] : []));
  if (keys.length === 0)
    return refused(
      `none of its keys can be used: ${faults.length === 0 ? "they are not for signatures" : faults.slice(0, 3).join("; ")}`,
    );
  return { kind: "keys", keys, faults };
}

/** Of the keys of one type without names the first ones stay. */
function withoutTooMany(read: readonly (PublicKey | string | null)[]): readonly (PublicKey | string | null)[] {
  const counts = new Map<string, number>();
  return read.map((key) => {
    if (key === null || typeof key === "string" || key.kid !== null) return key;
    const type = algorithmsOf(key.jwk).join();
    const count = (counts.get(type) ?? 0) + 1;
    counts.set(type, count);
    return count <= mostUnnamedKeys
      ? key
      : `has no name (kid), as ${mostUnnamedKeys} others of its type before it, and is not tried: give each key a kid`;
  });
}

/** The key, or why it is left out; null: it is for something else, which many an issuer has beside. */
function fromJwk(entry: unknown): PublicKey | string | null {
  if (!isRecord(entry)) return "is no JSON Web Key";
  const { kid, alg, use, key_ops: operations } = entry;
  if (entry["kty"] === "oct") return "is symmetric: such a key is a secret and verifies nothing here";
  if (use !== undefined && use !== "sig") return null;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) return null;
  if (kid !== undefined && (typeof kid !== "string" || kid.length > keyBounds.kidCharacters))
    return `has a kid that is no text of at most ${keyBounds.kidCharacters} characters`;
  if (alg !== undefined && !algorithms.some((known) => known === alg))
    return "is for an algorithm that is not known here";
  return judged(kid ?? null, (alg as Algorithm | undefined) ?? null, () =>
    createPublicKey({ key: publicPart(entry), format: "jwk" }),
  );
}

/** What of it is public, whatever else was written beside it. */
function publicPart({ kty, crv, n, e, x, y }: Readonly<Record<string, unknown>>): webcrypto.JsonWebKey {
  return (kty === "RSA" ? { kty, n, e } : { kty, crv, x, y }) as webcrypto.JsonWebKey;
}

function judged(kid: string | null, algorithm: Algorithm | null, open: () => KeyObject): PublicKey | string {
  let key: KeyObject;
  let jwk: PublicJwk;
  try {
    key = open();
    jwk = key.export({ format: "jwk" }) as unknown as PublicJwk;
  } catch {
    return "cannot be read";
  }
  const fitting = algorithmsOf(jwk);
  if (fitting.length === 0) return "is of a type that verifies no signature known here";
  if (algorithm !== null && !fitting.includes(algorithm)) return "is of a type that does not fit its alg";
  if (jwk.kty !== "RSA") return { kid, algorithm, jwk };
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < keyBounds.leastRsaBits) return `is an RSA key of ${bits} bits: the least is ${keyBounds.leastRsaBits}`;
  if (bits > keyBounds.mostRsaBits) return `is an RSA key of ${bits} bits: the most is ${keyBounds.mostRsaBits}`;
  // A large exponent makes each verification as slow as a signature.
  if (Buffer.from(jwk.e, "base64url").length > keyBounds.exponentBytes)
    return "is an RSA key with an exponent of more than 32 bits";
  return { kid, algorithm, jwk };
}

function refused(sentence: string): KeysOutcome {
  return { kind: "refused", sentence };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
