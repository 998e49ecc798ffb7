// The provider `api-keys` at work in a data worker. A key is known by its hash: what is compared is never the key, so the time that a look-up takes
// tells nothing of one.
import { hash } from "node:crypto";
import { fieldNamed, fieldText } from "../../../routing/request/bytes.ts";
import type { ApiKeysProvider } from "../../callers/providers/api-keys.ts";
import type { KeyPlace } from "../../callers/providers/credential-place.ts";
import { parametersNamed } from "../../../routing/request/query.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import { withhold } from "../message/withheld.ts";
import { absent, got, type Admission, type IdentityRequest, type Refused, Verifier } from "./verifier.ts";

/** A key that was shown. `field`: where, −1 for a parameter of the query. */
interface Shown {
  readonly key: string;
  readonly field: number;
  /** Nothing else is shown there: it is not in `authorization`. */
  readonly own: boolean;
}

/** A longer one is nobody's. */
const mostKeyBytes = 4096;

export class ApiKeysVerifier extends Verifier {
  readonly challenges: readonly string[];
  readonly #places: readonly KeyPlace[];
  /** By hash. */
  readonly #admissions: ReadonlyMap<string, Admission>;
  readonly #unknown: Refused;
  /** The same of what may well be another provider's. */
  readonly #foreign: Refused;
  readonly #several: Refused;

  constructor(name: string, { clients, places }: ApiKeysProvider) {
    super();
    const words = places.map(wordsOf).join(" or ");
    this.challenges = challengesOf(name, places);
    this.#places = places;
    const removeParameters = places.flatMap((place) => (place.kind === "query" ? [place.name] : []));
    const change = removeParameters.length === 0 ? null : Object.freeze({ remove: [], add: [], removeParameters });
    this.#admissions = new Map(
      Object.entries(clients).map(([key, client]) => [
        key,
        Object.freeze({ kind: "admitted", caller: Object.freeze({ provider: name, client }), change } as const),
      ]),
    );
    this.#unknown = refused(unknownKey, got.form);
    this.#foreign = refused(unknownKey, got.nothing);
    this.#several = refused(`the request holds several API keys: send one, as ${words}`, got.form);
  }

  verify({ head }: IdentityRequest): Admission {
    let shown: Shown | null = null;
    for (const place of this.#places) {
      const here = shownAt(head, place);
      if (here === null) continue;
      if (here === "several" || shown !== null) return this.#several;
      shown = here;
    }
    if (shown === null) return absent;
    const admission =
      shown.key.length > mostKeyBytes
        ? undefined
        : this.#admissions.get(hash("sha256", Buffer.from(shown.key, "latin1")));
    if (admission === undefined) return shown.own || !tokenForm.test(shown.key) ? this.#unknown : this.#foreign;
    if (shown.field >= 0) withhold(head, shown.field);
    return admission;
  }
}

const unknownKey = "this API key is nobody's: send the one that you were given";
/** What another provider may know as a token. */
const tokenForm = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Each way to show a key: those that have a scheme, and the others together. */
function challengesOf(name: string, places: readonly KeyPlace[]): readonly string[] {
  const has = (kind: KeyPlace["kind"]): boolean => places.some((place) => place.kind === kind);
  const own = places
    .filter(({ kind }) => kind === "header" || kind === "query")
    .map(wordsOf)
    .join(" or ");
  return [
    ...(has("basic") ? [`Basic realm="${name}", charset="UTF-8"`] : []),
    ...(has("bearer") ? [`Bearer realm="${name}"`] : []),
    ...(own === "" ? [] : [`ApiKey realm="${name}", in="${own}"`]),
  ];
}

function refused(sentence: string, how: number): Refused {
  return Object.freeze({
    kind: "refused",
    got: how,
    as: "unauthenticated",
    sentence,
    retryAfterSeconds: 0,
    challenge: null,
  });
}

function wordsOf(place: KeyPlace): string {
  switch (place.kind) {
    case "header":
      return `header ${place.name}`;
    case "query":
      return `query ${place.name}`;
    case "bearer":
      return "authorization: Bearer";
    case "basic":
      return "authorization: Basic";
  }
}

/** null: there is none. A field that may stand once and stands twice holds several (RFC 9110 §5.3). */
function shownAt(head: WireRequestHead, place: KeyPlace): Shown | "several" | null {
  if (place.kind === "query") {
    const keys = head.queryEnd > head.queryStart ? parametersNamed(head, place.name) : [];
    return keys.length === 0 ? null : keys.length > 1 ? "several" : { key: keys[0]!, field: -1, own: true };
  }
  const name = place.kind === "header" ? place.name : "authorization";
  const field = fieldNamed(head, name, 0);
  if (field < 0) return null;
  if (fieldNamed(head, name, field + 1) >= 0) return "several";
  const text = fieldText(head, name, field);
  if (place.kind === "header") return { key: text, field, own: true };
  const [, scheme, rest] = /^(basic|bearer) +(.*)$/is.exec(text) ?? [];
  if (scheme === undefined || scheme.toLowerCase() !== place.kind) return null;
  const key = place.kind === "bearer" ? rest! : passwordOf(rest!);
  return key === null ? null : { key, field, own: false };
}

/** Of `user:password` in base64 (RFC 7617); the user where the password is empty. null: it is neither. */
function passwordOf(encoded: string): string | null {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(encoded) || encoded.length > 2 * mostKeyBytes) return null;
  const text = Buffer.from(encoded, "base64").toString("latin1");
  const colon = text.indexOf(":");
  return colon < 0 ? null : text.slice(colon + 1) || text.slice(0, colon);
}
