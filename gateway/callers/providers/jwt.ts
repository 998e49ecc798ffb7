// The provider `jwt`: callers show a JSON Web Token (RFC 7519) that an issuer has signed.
import {
  byDefault,
  converted,
  entries,
  flag,
  integer,
  needed,
  notEmpty,
  oneOrMany,
  optional,
  scalar,
  text,
  word,
  type Place,
} from "../../schema/schema.ts";
import { isFree, placesOf, placeWords, type TokenPlace } from "./credential-place.ts";
import { materialFields, onePlaceOf, type Material, type MaterialPlace } from "./material.ts";
import { providerKind, type ProviderBase } from "./provider.ts";
import { safeUrl } from "./safe-url.ts";
import { algorithms, keyBounds, readPublicKeys, type Algorithm, type PublicKey } from "./public-keys.ts";

/** What is the same with keys and without. */
interface JwtRules extends ProviderBase<"jwt"> {
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

const maxClaims = 32;
const maxPlaces = 8;
const maxLeewaySeconds = 300;
const maxAgeSeconds = 366 * 86_400;

const kindsOfPlaces = ["header", "cookie", "query", "bearer"] as const;
const places = placesOf<TokenPlace>(kindsOfPlaces, isFree, {
  min: 1,
  max: maxPlaces,
  fault: `is empty, or has more than ${maxPlaces} places: write ${placeWords(kindsOfPlaces)}`,
});

const algorithm = word(
  (written) => algorithms.find((known) => known === written),
  `an algorithm that Sluice verifies: write some of ${algorithms.join(", ")} (HS256 and its like need a secret with which the gateway could issue tokens)`,
  new RegExp(`^(?:${algorithms.join("|")})$`),
);

/** A name, or a JSON Pointer (RFC 6901) if it begins with `/`. */
function pathOf(written: string, place: Place): ClaimPath | undefined {
  if (!written.startsWith("/")) return [written];
  if (/~(?![01])/.test(written)) return place.refuse("is not a JSON Pointer: write ~0 for ~ and ~1 for /");
  return written
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

const claim = converted(text, pathOf);

const requiredClaims = converted(
  entries(null, oneOrMany(scalar, notEmpty("is empty: write values, or remove it")), maxClaims),
  (written, place) => {
    if (written.length === 0) return place.refuse("is empty: write claims and their values, or remove it");
    const { length } = place.wrong;
    const claims = written.map(([name, values]) => ({ path: pathOf(name, place.at(name))!, values }));
    return place.wrong.length > length ? undefined : claims;
  },
);

const fieldName = /^[-A-Za-z0-9_]{1,64}$/;

const claimHeaders = converted(
  entries(
    { pattern: fieldName, words: "the name of a field that a claim may become: write another, for example x-user" },
    claim,
    maxClaims,
  ),
  (written, place) => {
    const taken = written.find(([name]) => !isFree(name));
    if (taken !== undefined)
      return place
        .at(taken[0])
        .refuse("is not the name of a field that a claim may become: write another, for example x-user");
    const fields = written.map(([name, path]) => ({ path, name: name.toLowerCase() }));
    return new Set(fields.map(({ name }) => name.replaceAll("_", "-"))).size < fields.length
      ? place.refuse("has one field twice: write each once")
      : fields;
  },
);

const keysUrl = converted(safeUrl, (url): MaterialPlace => ({ kind: "url", url }));

export const jwt = providerKind("jwt", {
  shows: "a JSON Web Token",
  fields: {
    issuer: needed(text, "is missing: write the iss of its tokens", "`iss` of its tokens, exactly"),
    audiences: needed(
      oneOrMany(text, notEmpty("is empty: write whom its tokens must be for (aud)")),
      "is missing: write whom its tokens must be for (aud). Without it tokens for others would be accepted",
      "A token must be for one of these (`aud`)",
    ),
    jwks: optional(keysUrl, null, "URL of the issuer's keys (`jwks_uri`). Write `jwks`, `secret` or `file`"),
    ...materialFields("a JWKS or PEM", "a JWKS or PEM"),
    algorithms: byDefault(
      oneOrMany(algorithm, notEmpty(`is empty: write some of ${algorithms.join(", ")}`)),
      ["RS256", "ES256"],
      `Signatures that are accepted: some of ${algorithms.map((name) => `\`${name}\``).join(", ")}`,
    ),
    leewaySeconds: byDefault(integer(0, maxLeewaySeconds), 30, "How far the clocks may be apart, in seconds, 0 to 300"),
    maxAgeSeconds: optional(
      integer(1, maxAgeSeconds),
      null,
      "Greatest age of a token, in seconds, by its `iat`. Absent: any age",
    ),
    in: byDefault(
      places,
      "bearer",
      "Where clients put the token: some of `bearer`, `header NAME`, `cookie NAME`, `query NAME`",
    ),
    client: byDefault(claim, "sub", "The claim that names the client. A claim is a name, or a JSON Pointer"),
    claims: optional(
      requiredClaims,
      [],
      "Claims that a token must have: for each a value, or a list of which one must be there",
    ),
    headers: optional(
      claimHeaders,
      [],
      "Fields that the model gets: for each the claim. The client's own fields of these names never reach the model",
    ),
    forwardToken: byDefault(flag, false, "`true`: the model gets the token, too, unless it stood in the query"),
  },
  declare(
    { jwks, secret, file, in: places, client, claims, headers, forwardToken, ...said },
    place,
  ): JwtDeclaration | undefined {
    const from = onePlaceOf([jwks, secret, file], place, "jwks: URL, ");
    return (
      from && {
        ...said,
        from,
        places,
        clientClaim: client,
        requiredClaims: claims,
        claimHeaders: headers,
        forwardsToken: forwardToken,
      }
    );
  },
  complete: jwtOf,
  keys: ({ keys, keysUrl }) => (keys !== null ? "some" : keysUrl === null ? "none" : "unknown"),
  withKeysOf: (next, before) => (next.keysUrl === before.keysUrl ? { ...next, keys: before.keys } : next),
});

/** The provider with its keys; `material` null: there are none. `wrong` takes a sentence about each key that cannot be used. */
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
