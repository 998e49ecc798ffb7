// Where in a request a token may stand.
import type { PolicyEntry } from "./policy-entry.ts";

export type TokenPlace =
  /** `authorization: Bearer TOKEN` (RFC 6750 §2.1). */
  | { readonly kind: "bearer" }
  /** The whole value of a field; name in lower case. */
  | { readonly kind: "header"; readonly name: string }
  | { readonly kind: "cookie"; readonly name: string }
  /** A parameter of the query, which never goes to the model. */
  | { readonly kind: "query"; readonly name: string };

/** Most places of one provider. */
const mostPlaces = 8;
const words = "header NAME, cookie NAME, query NAME or bearer";

/** `in`: a list of `bearer`, `header NAME`, `cookie NAME`, `query NAME`; `bearer` where it is not written. */
export function tokenPlacesOf(entry: PolicyEntry): readonly TokenPlace[] {
  const places: TokenPlace[] = [];
  for (const text of entry.texts("in")) {
    const place = tokenPlaceOf(text);
    if (place === null) entry.refuse("in", `has "${text.slice(0, 80)}", which is no place of a token: write ${words}`);
    else places.push(place);
  }
  if (!entry.has("in")) return [{ kind: "bearer" }];
  if (places.length === 0 || places.length > mostPlaces)
    entry.refuse("in", `names no place, or more than ${mostPlaces}: write ${words}`);
  return places;
}

function tokenPlaceOf(text: string): TokenPlace | null {
  if (text === "bearer") return { kind: "bearer" };
  const [, kind, name] = /^(header|cookie|query) +([-A-Za-z0-9_.]{1,64})$/.exec(text) ?? [];
  if (kind === "header") return isFree(name!) ? { kind, name: name!.toLowerCase() } : null;
  return kind === "cookie" || kind === "query" ? { kind, name: name! } : null;
}

/** Is the field one that the gateway may read and withhold as it likes? */
export function isFree(name: string): boolean {
  return !/^(?:host|connection|content-length|content-type|transfer-encoding|te|trailer|upgrade|expect|authorization|cookie|grpc-timeout|seldon|namespace|date|x-request-id|x-sluice-client)$|^(?:proxy|x-forwarded|x-envoy)[-_]/i.test(
    name,
  );
}
