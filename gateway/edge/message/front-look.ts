// Front look: heads that a gateway with such a Front refuses, and fields that it takes out, before a Route is looked for.
import { failures, type Failure } from "../../failures.ts";
import type { Front } from "../io/front.ts";
import { kind } from "../fields/field-kind.ts";
import type { WireRequestHead } from "./request-head.ts";

const underscore = 0x5f;
const percent = 0x25;
const question = 0x3f;

/** Why the request is refused; null: it is not, and fields that go are nobody's from here on. */
export function lookAtHead(head: WireRequestHead, { underscores, refusesEscapedSlashes }: Front): Failure | null {
  if (refusesEscapedSlashes && holdsEscapedSlash(head.bytes, head.targetStart, head.targetEnd))
    return failures.escapedSlash;
  if (underscores === "allow") return null;
  const { bytes, fields, kinds, fieldCount } = head;
  for (let field = 0; field < fieldCount; field++) {
    const [start, end] = [fields[field * 4]!, fields[field * 4 + 1]!];
    if (!holdsUnderscore(bytes, start, end)) continue;
    if (underscores === "refuse") return failures.underscoreName;
    // Without a name it is found by nobody, and a field of this hop goes no further.
    fields[field * 4 + 1] = start;
    kinds[field] = kind.hop;
  }
  return null;
}

function holdsUnderscore(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === underscore) return true;
  return false;
}

/** `%2f` or `%5c` before the query, in letters of any case: of the path as sent, before dot segments go, as Envoy looks at it. */
function holdsEscapedSlash(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at + 2 < end; at++) {
    if (bytes[at] === question) return false;
    if (bytes[at] !== percent) continue;
    const [high, low] = [bytes[at + 1]!, bytes[at + 2]! | 0x20];
    if ((high === 0x32 && low === 0x66) || (high === 0x35 && low === 0x63)) return true;
  }
  return false;
}
