// Where in a request a credential may stand.
import { oneOrMany, word, type Bounds, type Schema } from "../../schema/schema.ts";

export type CredentialPlace =
  /** `authorization: Bearer TOKEN` (RFC 6750 §2.1). */
  | { readonly kind: "bearer" }
  /** `authorization: Basic`: the password, or the user if the password is empty. */
  | { readonly kind: "basic" }
  /** The whole value of a field; name in lower case. */
  | { readonly kind: "header"; readonly name: string }
  | { readonly kind: "cookie"; readonly name: string }
  /** A parameter of the query, which never goes to the model. */
  | { readonly kind: "query"; readonly name: string };

export type TokenPlace = Exclude<CredentialPlace, { readonly kind: "basic" }>;
/** Where a client may put its key. */
export type KeyPlace = Exclude<CredentialPlace, { readonly kind: "cookie" }>;

/** The field `in`: one or more places of these kinds. `isFree`: may a credential stand in this field of a request? */
export function placesOf<P extends CredentialPlace>(
  kinds: readonly P["kind"][],
  isFree: (field: string) => boolean,
  bounds: Bounds,
): Schema<readonly P[]> {
  const named = kinds.filter((kind) => kind !== "bearer" && kind !== "basic");
  const plain = kinds.filter((kind) => kind === "bearer" || kind === "basic");
  const pattern = new RegExp(`^(?:${plain.join("|")}|(${named.join("|")}) +([-A-Za-z0-9_.]{1,64}))$`);
  const parse = (text: string): CredentialPlace | undefined => {
    const [found, kind, name] = pattern.exec(text) ?? [];
    if (found === undefined || (kind === "header" && !isFree(name!))) return undefined;
    return kind === undefined
      ? { kind: text as "bearer" | "basic" }
      : { kind: kind as "header", name: kind === "header" ? name!.toLowerCase() : name! };
  };
  return oneOrMany(word(parse, `a place for it: write ${placeWords(kinds)}`, pattern), bounds) as Schema<readonly P[]>;
}

/** `header NAME, query NAME, bearer or basic`. */
export function placeWords(kinds: readonly CredentialPlace["kind"][]): string {
  const words = kinds.map((kind) => (kind === "bearer" || kind === "basic" ? kind : `${kind} NAME`));
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** Is the field one that the gateway may read and withhold as it likes? */
export function isFree(name: string): boolean {
  return !/^(?:host|connection|content-length|content-type|transfer-encoding|te|trailer|upgrade|expect|authorization|cookie|grpc-timeout|seldon|namespace|date|x-request-id|x-sluice-client)$|^(?:proxy|x-forwarded|x-envoy)[-_]/i.test(
    name,
  );
}
