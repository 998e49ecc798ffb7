// Judges one JSON Web Token: its form and claims by jose, its signature by node:crypto (in one thread a third of the CPU of jose's WebCrypto).
import { UnsecuredJWT, decodeProtectedHeader, errors, type JWTPayload } from "jose";
import { clientName, fieldText } from "../../callers/client-name.ts";
import type { ClaimPath, JwtProvider, RequiredClaim } from "../../callers/providers/jwt.ts";
import { algorithms, keyBounds, type Algorithm } from "../../callers/providers/public-keys.ts";
import type { Keyring } from "./keyring.ts";
import { got } from "./verifier.ts";

/** Longer tokens are refused, bytes. */
export const mostTokenBytes = 16 * 1024;
/** Characters of claims that are read before it is known who wrote them: to read these costs less than to verify, to read longer ones up to four times as much. */
export const mostUnverifiedClaims = 4096;
/** Characters of a header, which must be read to verify: a longer one is refused. */
export const mostHeaderCharacters = 4096;
/** A longer value of a claim is left out of its field. */
const mostFieldCharacters = 2048;

export type JwtVerdict =
  /** `fields`: claims that the model gets; `endMs`: epoch ms from which it must not be taken any more, leeway included. */
  | {
      readonly kind: "verified";
      readonly client: string;
      readonly fields: readonly (readonly [name: string, value: string])[];
      readonly endMs: number;
    }
  /** `error`: of RFC 6750 §3.1; `got`: how far it got, as of a verifier. */
  | {
      readonly kind: "refused";
      readonly got: number;
      readonly error: "invalid_token" | "insufficient_scope";
      readonly sentence: string;
    }
  /** It may be good: its key is not among those that are known. */
  | { readonly kind: "unknown-key" }
  /** It may be good: no keys are known yet. */
  | { readonly kind: "no-keys" };

const form = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;
const encrypted = /^[\w-]+(?:\.[\w-]*){4}$/;
/** `{"alg":"none"}`: what claims are judged behind, for jose judges those of signed tokens only after a verification of its own. */
const unsigned = Buffer.from('{"alg":"none"}').toString("base64url");

/** The verdict on a token at `nowMs`, epoch ms; `keyring` null: no keys are known yet. Never throws. What is cheap is asked first; the claims that decide on access, last. */
export function judgeJwt(token: string, provider: JwtProvider, keyring: Keyring | null, nowMs: number): JwtVerdict {
  if (token.length > mostTokenBytes)
    return refused(`the token has more than ${mostTokenBytes} bytes: ask its issuer for a shorter one`, got.form);
  const parts = form.exec(token);
  if (parts === null) {
    return encrypted.test(token)
      ? refused("the token is encrypted: send one that is only signed", got.form)
      : refused(
          "the token is no JSON Web Token: send its three parts, in base64url with dots between them",
          got.nothing,
        );
  }
  const [, head, body, tail] = parts as unknown as readonly [string, string, string, string];
  if (head.length > mostHeaderCharacters)
    return refused(
      `the header of the token has more than ${mostHeaderCharacters} characters: have it name its key (kid) and hold no certificates`,
      got.form,
    );
  const header = readHeader(token, provider);
  if (typeof header === "string") return refused(header, got.form);
  const isLong = body.length > mostUnverifiedClaims;
  const early = isLong ? null : readClaims(body, provider, nowMs);
  if (early !== null && "wrong" in early) return refused(early.wrong, early.got);
  if (keyring === null) return noKeys;
  // Of a long one nobody knows yet who has issued it.
  const far = isLong ? got.form : got.issuer;
  const keys = keyring.find(header.kid, header.algorithm);
  if (keys.count === 0) return unknownKey;
  const signature = Buffer.from(tail, "base64url");
  const signed = Buffer.from(`${head}.${body}`, "latin1");
  // One signature has one spelling.
  const isWritten = signature.toString("base64url") === tail;
  if (!isWritten || !keys.verify(signed, signature)) {
    // Of a key that was not named it may be one that is not known yet.
    return isWritten && !keys.isNamed && provider.keysUrl !== null
      ? unknownKey
      : refused("the signature of the token is wrong", far);
  }
  const read = early ?? readClaims(body, provider, nowMs);
  return "wrong" in read ? refused(read.wrong, read.got) : judgeClaims(read.claims, provider);
}

const unknownKey: JwtVerdict = Object.freeze({ kind: "unknown-key" });
const noKeys: JwtVerdict = Object.freeze({ kind: "no-keys" });

function readHeader(
  token: string,
  { algorithms: allowed }: JwtProvider,
): { readonly kid: string | null; readonly algorithm: Algorithm } | string {
  let header;
  try {
    header = decodeProtectedHeader(token);
  } catch {
    return "the first part of the token is no JSON object in base64url";
  }
  const { alg, kid, crit } = header;
  const algorithm = algorithms.find((known) => known === alg);
  if (algorithm === undefined || !allowed.includes(algorithm))
    return `the token is signed by an algorithm that is not taken here: have it signed by ${allowed.join(" or ")}`;
  if (crit !== undefined || Object.hasOwn(header, "b64"))
    return "the token demands extensions (crit) that are not known here";
  if (kid !== undefined && (typeof kid !== "string" || kid.length > keyBounds.kidCharacters))
    return `the token names its key (kid) by what is no text of at most ${keyBounds.kidCharacters} characters`;
  return { kid: kid ?? null, algorithm };
}

type ReadClaims = { readonly claims: JWTPayload } | { readonly wrong: string; readonly got: number };

function readClaims(body: string, provider: JwtProvider, nowMs: number): ReadClaims {
  const { issuer, audiences, leewaySeconds, maxAgeSeconds } = provider;
  const age = maxAgeSeconds === null ? {} : { maxTokenAge: maxAgeSeconds };
  try {
    // A token without an end could never be forgotten.
    const options = {
      issuer,
      audience: [...audiences],
      clockTolerance: leewaySeconds,
      currentDate: new Date(nowMs),
      requiredClaims: ["exp"],
      ...age,
    };
    const { payload } = UnsecuredJWT.decode(`${unsigned}.${body}.`, options);
    const { iat } = payload;
    return iat !== undefined && iat > nowMs / 1000 + leewaySeconds
      ? { wrong: "the token was issued in the future: check the clocks", got: got.issuer }
      : { claims: payload };
  } catch (error) {
    // Whether it is of this issuer is asked before anything but what it must have at all.
    const isOfIssuer =
      error instanceof errors.JWTExpired ||
      (error instanceof errors.JWTClaimValidationFailed && error.claim !== "iss" && error.reason !== "missing");
    return { wrong: sentenceOf(error, provider), got: isOfIssuer ? got.issuer : got.form };
  }
}

function sentenceOf(error: unknown, { issuer, audiences }: JwtProvider): string {
  if (error instanceof errors.JWTExpired)
    return error.claim === "iat" ? "the token is too old: get a new one" : "the token has expired: get a new one";
  if (!(error instanceof errors.JWTClaimValidationFailed))
    return "the second part of the token is no JSON object in base64url";
  const { claim, reason } = error;
  if (claim === "iss") return `the token is not from the issuer ${issuer}: get one there`;
  if (claim === "aud") return `the token is for others: get one for the audience ${audiences.join(" or ")}`;
  if (reason === "missing") return `the token has no ${claim}`;
  if (reason === "invalid") return `the ${claim} of the token is no number`;
  return claim === "nbf" ? "the token is not valid yet" : "the token was issued in the future: check the clocks";
}

function judgeClaims(claims: JWTPayload, provider: JwtProvider): JwtVerdict {
  const { requiredClaims, clientClaim, claimHeaders } = provider;
  const missing = requiredClaims.find((required) => !holds(claims, required));
  if (missing !== undefined) {
    const wanted = missing.values.length === 0 ? "" : ` as ${missing.values.join(" or ")}`;
    return {
      kind: "refused",
      got: got.caller,
      error: "insufficient_scope",
      sentence: `the token does not have the claim ${missing.path.join(".")}${wanted}, which is needed here`,
    };
  }
  const said = claimAt(claims, clientClaim);
  const client = typeof said === "string" || typeof said === "number" ? clientName(String(said)) : null;
  if (client === null)
    return refused(
      `the token does not say who the client is: its claim ${clientClaim.join(".")} is no text of 1 to 256 characters`,
      got.caller,
    );
  const fields = claimHeaders.flatMap(({ path, name }) => {
    const value = fieldOf(claimAt(claims, path));
    return value === null ? [] : [[name, value] as const];
  });
  return { kind: "verified", client, fields, endMs: endMsOf(claims, provider) };
}

function endMsOf({ exp, iat }: JWTPayload, { leewaySeconds, maxAgeSeconds }: JwtProvider): number {
  const oldest = maxAgeSeconds === null ? Infinity : iat! + maxAgeSeconds;
  return (Math.min(exp!, oldest) + leewaySeconds) * 1000;
}

function holds(claims: JWTPayload, { path, values }: RequiredClaim): boolean {
  const value = claimAt(claims, path);
  if (value === undefined || value === null) return false;
  if (values.length === 0) return true;
  const isScope = typeof value === "string" && (path.at(-1) === "scope" || path.at(-1) === "scp");
  const held: readonly unknown[] = isScope ? value.split(" ") : Array.isArray(value) ? value : [value];
  return values.some((wanted) => held.includes(wanted));
}

/** Own members only; undefined: there is none. */
function claimAt(claims: JWTPayload, path: ClaimPath): unknown {
  let value: unknown = claims;
  for (const name of path) {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
      return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}

/** Texts, numbers and booleans, and lists of them with commas between; null: a claim of another kind, or too long, which is never cut. */
function fieldOf(value: unknown): string | null {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (items.some((item) => !["string", "number", "boolean"].includes(typeof item))) return null;
  const texts = items.map((item) => fieldText(String(item)));
  // A comma within an element would make it two.
  const text = (Array.isArray(value) ? texts.map((one) => one.replaceAll(",", "%2C")) : texts).join(",");
  return text === "" || text.length > mostFieldCharacters ? null : text;
}

function refused(sentence: string, how: number): JwtVerdict {
  return { kind: "refused", got: how, error: "invalid_token", sentence };
}
