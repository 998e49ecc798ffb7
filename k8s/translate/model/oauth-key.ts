// The key and secret of a SeldonDeployment for Seldon's OAuth gateway (`spec.oauth_key`, `spec.oauth_secret`), as digests.
import { credentialDigest } from "../../../routing/text/credential-digest.ts";
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { fieldOf, isRecord, quoted, textOf, type UnknownRecord } from "../values/value.ts";

export type OAuthKey =
  | {
      readonly kind: "key";
      /** Digest of the SeldonDeployment, key and secret together. */
      readonly id: string;
      /** Digests of the two names of the client: the key, and the key followed by the namespace. */
      readonly plain: string;
      readonly scoped: string;
      /** Digest of the secret. */
      readonly secret: string;
    }
  /** It gets no token. The sentence repeats neither. */
  | { readonly kind: "bad"; readonly field: string; readonly sentence: string };

const maxKeyBytes = 256;
const maxSecretBytes = 1024;

/** null: no key, so that the OAuth gateway does not know it. */
export function decodeOAuthKey({ namespace, name }: ObjectRef, spec: UnknownRecord): OAuthKey | null {
  const key = fieldOf(spec, "oauth_key") ?? "";
  if (key === "") return null;
  if (typeof key !== "string") return bad("oauth_key", `${quoted(key)} is not a text`, "a text");
  // HTTP Basic ends the name at the first colon.
  if (Buffer.byteLength(key) > maxKeyBytes || !isPrintable(key) || key.includes(":"))
    return bad(
      "oauth_key",
      "it is too long, or holds a colon or a control character",
      `at most ${maxKeyBytes} bytes without any`,
    );
  const secret = secretDigestOf(fieldOf(spec, "oauth_secret") ?? "");
  if (secret === null)
    return bad("oauth_secret", "it is empty, too long, or no text", `a text of 1 to ${maxSecretBytes} bytes`);
  return {
    kind: "key",
    id: credentialDigest("oauth client", namespace, name, key, secret),
    plain: credentialDigest("oauth name", key),
    scoped: credentialDigest("oauth name", key + namespace),
    secret,
  };
}

function bad(field: string, wrong: string, write: string): OAuthKey {
  return {
    kind: "bad",
    field: `spec.${field}`,
    sentence: `${wrong}, so this SeldonDeployment gets no tokens; write ${write}`,
  };
}

/** null: nobody can have it. */
function secretDigestOf(secret: unknown): string | null {
  if (isRecord(secret)) {
    const digest = textOf(fieldOf(secret, digestField));
    return /^[0-9a-f]{64}$/.test(digest) ? digest : null;
  }
  if (typeof secret !== "string" || secret === "" || Buffer.byteLength(secret) > maxSecretBytes || !isPrintable(secret))
    return null;
  return credentialDigest("oauth secret", secret);
}

const digestField = "digest";

/** What stays of a spec's secret in a Source: its digest, which decodes as the secret does. */
export function keptSecret({ oauth_secret: secret }: UnknownRecord): UnknownRecord {
  const digest = typeof secret === "string" ? secretDigestOf(secret) : null;
  return digest === null ? {} : { oauth_secret: { [digestField]: digest } };
}

function isPrintable(text: string): boolean {
  return !/\p{Cc}/u.test(text);
}
