// Tokens of an issuer that exists in tests alone, signed by hand: jose would not write the wrong ones.
import { constants, createHmac, generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { readPublicKeys, type PublicKey } from "../../../../gateway/callers/providers/public-keys.ts";
import type { JwtProvider } from "../../../../gateway/callers/providers/jwt.ts";

export const issuer = "https://login.example";
/** Time of the tests, epoch s. */
export const now = 1_900_000_000;

export interface Pair {
  readonly kid: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const curves = { ES256: "P-256", ES384: "P-384", ES512: "P-521" } as const;

export function pairOf(kid: string, alg = "ES256"): Pair {
  if (alg in curves) return { kid, ...generateKeyPairSync("ec", { namedCurve: curves[alg as keyof typeof curves] }) };
  return {
    kid,
    ...(alg.startsWith("Ed") ? generateKeyPairSync("ed25519") : generateKeyPairSync("rsa", { modulusLength: 2048 })),
  };
}

export function jwksOf(...pairs: readonly Pair[]): string {
  return JSON.stringify({
    keys: pairs.map(({ kid, publicKey }) => ({ ...publicKey.export({ format: "jwk" }), kid, use: "sig" })),
  });
}

export function keysOf(...pairs: readonly Pair[]): readonly PublicKey[] {
  const outcome = readPublicKeys(jwksOf(...pairs));
  if (outcome.kind !== "keys") throw new Error(outcome.sentence);
  return outcome.keys;
}

export const claims = { iss: issuer, aud: "models", sub: "alice", exp: now + 60, iat: now } as const;

type Fields = Readonly<Record<string, unknown>>;

const part = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** A token of the pair. `header` and `payload` change what a good one has; a text stands for the whole part. */
export function tokenOf(
  pair: Pair,
  payload: Fields | string = {},
  header: Fields | string = {},
  alg = "ES256",
): string {
  const head = part(typeof header === "string" ? header : { alg, typ: "JWT", kid: pair.kid, ...header });
  const body = part(typeof payload === "string" ? payload : { ...claims, ...payload });
  return `${head}.${body}.${signatureOf(alg, `${head}.${body}`, pair.privateKey)}`;
}

function signatureOf(alg: string, text: string, key: KeyObject): string {
  const digest = alg.startsWith("Ed") ? null : `sha${alg.slice(2)}`;
  const padding = alg.startsWith("PS")
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : {};
  return sign(digest, Buffer.from(text), { key, dsaEncoding: "ieee-p1363", ...padding }).toString("base64url");
}

/** Signed with a public key as if it were a secret. */
export function confusedToken(pair: Pair): string {
  const text = `${part({ alg: "HS256", kid: pair.kid })}.${part(claims)}`;
  const pem = pair.publicKey.export({ type: "spki", format: "pem" });
  return `${text}.${createHmac("sha256", pem).update(text).digest("base64url")}`;
}

export function jwtProvider(keys: readonly PublicKey[] | null, changes: Partial<JwtProvider> = {}): JwtProvider {
  return {
    kind: "jwt",
    namespaces: [],
    issuer,
    audiences: ["models"],
    algorithms: ["ES256"],
    leewaySeconds: 0,
    maxAgeSeconds: null,
    requiredClaims: [],
    claimHeaders: [],
    clientClaim: ["sub"],
    places: [{ kind: "bearer" }],
    forwardsToken: false,
    keysUrl: "https://login.example/jwks",
    keys,
    ...changes,
  };
}
