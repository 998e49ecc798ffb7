// Viewers: who beside the operator may ask the admin API, and about which namespaces. An entry of the policy names them by their tokens.
import {
  converted,
  list,
  nameOf,
  namespaceNames,
  needed,
  notEmpty,
  object,
  optional,
  word,
  type Names,
} from "../schema/schema.ts";
import { apiKeysOf, hashInWords } from "./providers/api-keys.ts";
import { materialFields, onePlaceOf, type Material, type MaterialPlace } from "./providers/material.ts";

export interface ViewerDeclaration {
  /** One or more. */
  readonly namespaces: readonly string[];
  /** SHA-256 of its only token, lower hex; null: its tokens are at `from`. */
  readonly digest: string | null;
  readonly from: MaterialPlace | null;
}

/** Of an entry of `viewers`. */
export const viewerNames: Names = {
  pattern: /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/,
  words: 'a name for viewers: write lower-case letters, digits and "-", at most 63',
};

const digest = word(
  (text) => {
    const hex = /^sha256:([0-9A-Fa-f]{64})$/.exec(text)?.[1];
    return hex === undefined ? undefined : (hashInWords(hex) ?? undefined);
  },
  "the hash of a token: write sha256: and 64 hexadecimal digits, as sha256sum prints them for a token that is not empty",
  /^sha256:[0-9A-Fa-f]{64}$/,
);

export const viewerFields = {
  namespaces: needed(
    list(nameOf(namespaceNames), notEmpty("is empty: write the namespaces that they may see")),
    "is missing: write the namespaces that they may see",
    "The namespaces that they may see",
  ),
  token: optional(digest, null, "`sha256:` and the hash of their token. Write `token`, `secret` or `file`"),
  ...materialFields(
    "an entry for each viewer: its token, or `sha256:` and the token's hash",
    "a line for each viewer: `NAME TOKEN` or `NAME sha256:HEX`",
  ),
};

export const viewerSchema = converted(
  object(viewerFields),
  ({ namespaces, token, secret, file }, place): ViewerDeclaration | undefined => {
    if (token !== null && secret === null && file === null) return { namespaces, digest: token, from: null };
    if (token !== null) return place.refuse("has its tokens in two places: write token, secret or file, one of them");
    const from = onePlaceOf([secret, file], place, "token: sha256:HEX, ");
    return from && { namespaces, digest: null, from };
  },
);

/** The namespaces that the holder of a token may see, by the SHA-256 of the token, lower hex. */
export type Viewers = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * The viewers with their tokens. `materialAt` null: nothing is there. A token that two entries have opens nothing. `report` takes a sentence about an entry,
 * without the token.
 */
export function viewersOf(
  declared: Readonly<Record<string, ViewerDeclaration>>,
  materialAt: (place: MaterialPlace) => Material | null,
  report: (name: string, sentence: string) => void,
): Viewers {
  const viewers = new Map<string, { readonly name: string; readonly namespaces: ReadonlySet<string> }>();
  const contested = new Set<string>();
  for (const [name, { namespaces, digest: own, from }] of Object.entries(declared)) {
    for (const hash of own === null ? hashesAt(from!, materialAt(from!), (why) => report(name, why)) : [own]) {
      const other = viewers.get(hash);
      if (other !== undefined) {
        contested.add(hash);
        report(name, `it has a token of ${other.name}, so this token opens nothing: give each viewer its own token`);
      }
      viewers.set(hash, { name, namespaces: new Set(namespaces) });
    }
  }
  return new Map(
    Array.from(viewers, ([hash, { namespaces }]) => [hash, namespaces] as const).filter(
      ([hash]) => !contested.has(hash),
    ),
  );
}

function hashesAt(
  from: MaterialPlace,
  material: Material | null,
  report: (sentence: string) => void,
): readonly string[] {
  if (material === null) {
    report("Sluice does not find its tokens, so they open nothing: create the Secret or the file that it names");
    return [];
  }
  const wrong: string[] = [];
  const { clients } = apiKeysOf({ kind: "api-keys", namespaces: [], places: [], from }, material, wrong);
  for (const sentence of wrong.slice(0, maxSentences)) report(sentence);
  return Object.keys(clients);
}

/** Sentences about the tokens of one entry. */
const maxSentences = 20;
