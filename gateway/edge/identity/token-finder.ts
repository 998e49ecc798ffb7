// Finds the one token of a request in the places where its provider looks.
import { fieldNamed, standsFoldedAt } from "../../../routing/request/bytes.ts";
import type { RequestHead } from "../../../routing/request/head.ts";
import type { TokenPlace } from "../../callers/providers/credential-place.ts";
import { CookiePlace } from "../../../routing/request/cookies.ts";
import { parametersNamed } from "../../../routing/request/query.ts";

/** A token that was found: valid as long as the head is. One object serves all requests. */
export class FoundToken {
  /** Holds `start..end`. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** The field that it stands in; −1: in the query. */
  field = -1;
  place: TokenPlace["kind"] = "bearer";
}

/** How many tokens there are, 0, 1, or 2 for several; with 1, `found` is it. A field that may stand once and stands twice counts as several. */
export function findToken(head: RequestHead, places: readonly TokenPlace[], found: FoundToken): number {
  let count = 0;
  for (let i = 0; i < places.length; i++) {
    count += tokensIn(head, places[i]!, found);
    if (count > 1) return 2;
  }
  return count;
}

function tokensIn(head: RequestHead, place: TokenPlace, found: FoundToken): number {
  switch (place.kind) {
    case "bearer":
      return inField(head, "authorization", true, found);
    case "header":
      return inField(head, place.name, false, found);
    case "cookie":
      return inCookies(head, place.name, found);
    case "query":
      return inQuery(head, place.name, found);
  }
}

const space = 0x20;
const scheme = "bearer";

function inField(head: RequestHead, name: string, bearer: boolean, found: FoundToken): number {
  const field = fieldNamed(head, name, 0);
  if (field < 0) return 0;
  const { bytes, fields } = head;
  let start = fields[field * 4 + 2]!;
  const end = fields[field * 4 + 3]!;
  // A field that may stand only once: which of two a reader takes is anybody's guess (RFC 9110 §5.3).
  if (fieldNamed(head, name, field + 1) >= 0) return 2;
  if (bearer) {
    if (end - start < scheme.length || !standsFoldedAt(bytes, start, scheme)) return 0;
    start += scheme.length;
    if (start < end && bytes[start] !== space) return 0;
    while (start < end && bytes[start] === space) start++;
  }
  found.bytes = bytes;
  found.start = start;
  found.end = end;
  found.field = field;
  found.place = bearer ? "bearer" : "header";
  return 1;
}

const cookie = new CookiePlace();

function inCookies(head: RequestHead, name: string, found: FoundToken): number {
  let count = 0;
  for (let there = cookie.first(head, name); there; there = cookie.next(head, name)) {
    count += 1;
    found.bytes = head.bytes;
    found.start = cookie.start;
    found.end = cookie.end;
    found.field = cookie.field;
    found.place = "cookie";
  }
  return Math.min(count, 2);
}

function inQuery(head: RequestHead, name: string, found: FoundToken): number {
  const values = head.queryEnd > head.queryStart ? parametersNamed(head, name) : [];
  if (values.length !== 1) return Math.min(values.length, 2);
  found.bytes = Buffer.from(values[0]!, "latin1");
  found.start = 0;
  found.end = found.bytes.length;
  found.field = -1;
  found.place = "query";
  return 1;
}
