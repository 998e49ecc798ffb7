// The provider `jwt`: callers show a JSON Web Token (RFC 7519) that an issuer has signed.
import { placeOf } from "./material-place.ts";
import type { PolicyEntry } from "./policy-entry.ts";
import type { Material, MaterialPlace, ProviderBase } from "./provider.ts";
import { algorithms, keyBounds, readPublicKeys, type Algorithm, type PublicKey } from "./public-keys.ts";
import { isFree, tokenPlacesOf, type TokenPlace } from "./token-place.ts";

/** What is the same with keys and without. */
interface JwtRules extends ProviderBase {
  readonly kind: "jwt";
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
}

export interface JwtDeclaration extends JwtRules {
  readonly from: MaterialPlace;
}

export interface JwtProvider extends JwtRules {
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

const mostClaims = 32;
const mostLeewaySeconds = 300;
const mostAgeSeconds = 366 * 86_400;

/**
 * `issuer`, `audiences`, and `jwks: URL`, `secret: NAMESPACE/NAME` or `file: FILE`; `algorithms` (RS256 and ES256), `leewaySeconds` (30), `maxAgeSeconds`, `in`
 * (`bearer`), `client` (`sub`), `claims` (values by claim), `headers` (claims by field), `forwardToken` (false). A claim is a name, or a JSON Pointer
 * (RFC 6901) where it begins with `/`.
 */
export function decodeJwt(entry: PolicyEntry, base: ProviderBase): JwtDeclaration {
  const issuer = entry.neededText("issuer", "the iss of its tokens");
  const audiences = entry.texts("audiences");
  if (audiences.length === 0)
    entry.refuse(
      "audiences",
      "are missing: write whom its tokens must be for (aud); tokens for others would be taken, too",
    );
  return {
    ...base,
    kind: "jwt",
    issuer,
    audiences,
    algorithms: algorithmsIn(entry),
    leewaySeconds: entry.integer("leewaySeconds", 0, mostLeewaySeconds, 30),
    maxAgeSeconds: entry.has("maxAgeSeconds") ? entry.integer("maxAgeSeconds", 1, mostAgeSeconds, 1) : null,
    requiredClaims: requiredIn(entry),
    claimHeaders: headersIn(entry),
    clientClaim: pathOf(entry.text("client") ?? "sub", entry, "client"),
    places: tokenPlacesOf(entry),
    forwardsToken: entry.flag("forwardToken", false),
    from: keyPlaceOf(entry),
  };
}

function algorithmsIn(entry: PolicyEntry): readonly Algorithm[] {
  if (!entry.has("algorithms")) return ["RS256", "ES256"];
  const found: Algorithm[] = [];
  for (const text of entry.texts("algorithms")) {
    const algorithm = algorithms.find((known) => known === text);
    if (algorithm !== undefined) found.push(algorithm);
    else
      entry.refuse(
        "algorithms",
        `has "${text.slice(0, 40)}", by which no token is verified here: write some of ${algorithms.join(", ")}${/^hs/i.test(text) ? " (a secret that the gateway shares with the issuer would let the gateway issue tokens)" : ""}`,
      );
  }
  if (found.length === 0) entry.refuse("algorithms", `names none: write some of ${algorithms.join(", ")}`);
  return found;
}

function requiredIn(entry: PolicyEntry): readonly RequiredClaim[] {
  const claims = entry.entry("claims");
  if (claims === null) return [];
  const required = claims.names.map((name) => ({ path: pathOf(name, claims, name), values: claims.scalars(name) }));
  if (required.length === 0) claims.refuse("", "asks for none: write claims and their values, or remove it");
  if (required.length > mostClaims) claims.refuse("", `has more than ${mostClaims} claims: write fewer`);
  return required;
}

function headersIn(entry: PolicyEntry): readonly ClaimHeader[] {
  const headers = entry.entry("headers");
  if (headers === null) return [];
  const fields = headers.names.map((name) => {
    if (!/^[-A-Za-z0-9_]{1,64}$/.test(name) || !isFree(name))
      headers.refuse(name, "is no field that a claim may become: write another name, as x-user");
    return {
      path: pathOf(headers.neededText(name, "the claim that it gets"), headers, name),
      name: name.toLowerCase(),
    };
  });
  if (fields.length > mostClaims) headers.refuse("", `has more than ${mostClaims} fields: write fewer`);
  if (new Set(fields.map(({ name }) => name.replaceAll("_", "-"))).size < fields.length)
    headers.refuse("", "has one field twice: write each once");
  return fields;
}

/** A name, or a JSON Pointer. */
function pathOf(text: string, entry: PolicyEntry, field: string): ClaimPath {
  if (!text.startsWith("/")) return [text];
  if (/~(?![01])/.test(text)) entry.refuse(field, "is no JSON Pointer: write ~0 for ~ and ~1 for /");
  return text
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Over plain HTTP anybody on the way could put keys of their own in place. */
function keyPlaceOf(entry: PolicyEntry): MaterialPlace {
  if (!entry.has("jwks")) return placeOf(entry, "jwks: URL");
  const url = entry.text("jwks") ?? "";
  if (entry.has("secret") || entry.has("file"))
    entry.refuse("", "has its keys in two places: write jwks, secret or file");
  if (!URL.canParse(url)) entry.refuse("jwks", "is no URL: write https://HOST/PATH");
  else if (!isSafe(new URL(url)))
    entry.refuse(
      "jwks",
      "is not safe: write https://HOST/PATH without user and password; http:// is for hosts that end in .svc, and for this machine",
    );
  return { kind: "url", url };
}

function isSafe({ protocol, hostname, username, password }: URL): boolean {
  if (username !== "" || password !== "") return false;
  return (
    protocol === "https:" ||
    (protocol === "http:" && /(?:^localhost|^127\.\d+\.\d+\.\d+|^\[::1\]|\.svc|\.svc\.cluster\.local)$/.test(hostname))
  );
}

/** The provider with its keys; `material` null: there are none. What cannot be used is said in `wrong`. */
export function jwtOf({ from, ...rules }: JwtDeclaration, material: Material | null, wrong: string[]): JwtProvider {
  const keysUrl = from.kind === "url" ? from.url : null;
  if (material === null) return { ...rules, keysUrl, keys: null };
  const keys: PublicKey[] = [];
  for (const [name, text] of material) {
    const outcome = readPublicKeys(text.toString());
    const of = name === "" ? "" : `${name}: `;
    if (outcome.kind === "refused") wrong.push(`its keys cannot be used: ${of}${outcome.sentence}`);
    else keys.push(...outcome.keys);
    if (outcome.kind === "keys") wrong.push(...outcome.faults.map((fault) => `${of}${fault}, and is left out`));
  }
  if (keys.length > keyBounds.keys)
    wrong.push(`it has more than ${keyBounds.keys} keys, and those after them are left out`);
  return { ...rules, keysUrl, keys: keys.length === 0 ? null : keys.slice(0, keyBounds.keys) };
}
