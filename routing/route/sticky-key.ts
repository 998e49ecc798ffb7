// StickyKey: where the key of a caller falls, by what the request holds.
import { addByte, addBytes, beginKey, endKey } from "../collections/key-hash.ts";
import type { Digest } from "../collections/digest.ts";
import { fieldNamed } from "../request/bytes.ts";
import { CookiePlace } from "../request/cookies.ts";
import type { RequestHead } from "../request/head.ts";
import { parametersNamed } from "../request/query.ts";
import type { StickySplit } from "./decision.ts";

/** The request holds no key: a draw decides. */
export const noKey = -1;

const comma = 0x2c;
const place = new CookiePlace();

/**
 * Where the key in this head falls, 0 to `circle` - 1; `noKey`: it holds none, or an empty one, or the head does not tell (`client`, `address`). Of a header that
 * stands on several lines all of them with "," between them; of cookies and parameters of one name the first that is not empty. A parameter is decoded as a
 * form writes it: `%XX`, and "+" as a space. Linear in the head.
 */
export function pointOfHead({ on, seed }: Pick<StickySplit<unknown>, "on" | "seed">, head: RequestHead): number {
  switch (on.kind) {
    case "header":
      return pointOfHeader(seed, head, on.name);
    case "cookie":
      for (let there = place.first(head, on.name); there; there = place.next(head, on.name))
        if (place.end > place.start) return pointOfBytes(seed, head.bytes, place.start, place.end);
      return noKey;
    case "query": {
      const value = parametersNamed(head, on.name).find((one) => one !== "");
      return value === undefined ? noKey : pointOfText(seed, value);
    }
    case "client":
    case "address":
      return noKey;
  }
}

function pointOfHeader(seed: Digest, head: RequestHead, name: string): number {
  const { bytes, fields } = head;
  const first = fieldNamed(head, name, 0);
  if (first < 0) return noKey;
  beginKey(seed);
  let isEmpty = true;
  for (let field = first; field >= 0; field = fieldNamed(head, name, field + 1)) {
    const start = fields[field * 4 + 2]!;
    const end = fields[field * 4 + 3]!;
    if (field !== first) addByte(comma);
    addBytes(bytes, start, end);
    isEmpty &&= start === end;
  }
  return isEmpty ? noKey : endKey();
}

/** Of the bytes from `start` to `end`. */
export function pointOfBytes(seed: Digest, bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return noKey;
  beginKey(seed);
  addBytes(bytes, start, end);
  return endKey();
}

/** Of a text of single bytes: the same as of its bytes. */
export function pointOfText(seed: Digest, text: string): number {
  if (text === "") return noKey;
  beginKey(seed);
  for (let at = 0; at < text.length; at++) addByte(text.charCodeAt(at));
  return endKey();
}
