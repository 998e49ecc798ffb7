// Providers: named ways of saying who one is. What the policy file declares of one is here; what it comes to with its keys is in the call policy.

/** Where the keys, clients or passwords of a provider are. */
export type MaterialPlace =
  | { readonly kind: "secret"; readonly namespace: string; readonly name: string }
  | { readonly kind: "file"; readonly file: string }
  /** A key set that an issuer publishes. */
  | { readonly kind: "url"; readonly url: string };

/** What is common to declared providers. */
export interface ProviderBase {
  /** Namespaces whose objects may name it; empty: all. */
  readonly namespaces: readonly string[];
}

/** What was found at a place: texts by name; a file, and what came from a URL, is `""` alone. */
export type Material = ReadonlyMap<string, Buffer>;

/** The key of a place in maps. */
export function placeKey(place: MaterialPlace): string {
  switch (place.kind) {
    case "secret":
      return `secret ${place.namespace}/${place.name}`;
    case "file":
      return `file ${place.file}`;
    case "url":
      return place.url;
  }
}
