// The token that a request to the OAuth gateway has.
import { fieldNamed } from "../../../routing/request/bytes.ts";
import type { RequestHead } from "../../../routing/request/head.ts";
import { tokenField, tokenParameter } from "../../callers/oauth-place.ts";
import { tokenLength } from "../../callers/oauth-token.ts";
import { parametersNamed } from "../../../routing/request/query.ts";

/** Bytes of the one token of a request, valid while the head is, in `authorization` or in the query. `absent`: it has none; `several`: it is not clear which; `none`: no token looks so. */
export function tokenOf(head: RequestHead, place: "api" | "call"): Uint8Array | "absent" | "several" | "none" {
  const inQuery = place === "api" && head.queryEnd > head.queryStart ? parametersNamed(head, tokenParameter) : [];
  const inField = tokenInField(head, place);
  if (inQuery.length === 0 || inField === "several") return inField;
  if (inField !== "absent" || inQuery.length > 1) return "several";
  const [text] = inQuery;
  return text!.length === tokenLength ? Buffer.from(text!, "latin1") : "none";
}

function tokenInField(head: RequestHead, place: "api" | "call"): Uint8Array | "absent" | "several" | "none" {
  const name = place === "call" ? tokenField : "authorization";
  const field = fieldNamed(head, name, 0);
  if (field < 0) return "absent";
  if (fieldNamed(head, name, field + 1) >= 0) return "several";
  const start = head.fields[field * 4 + 2]!;
  const end = head.fields[field * 4 + 3]!;
  const from = place === "call" ? start : start + bearerBytes(head.bytes, start, end);
  if (from === start && place === "api") return "absent";
  return end - from === tokenLength ? head.bytes.subarray(from, end) : "none";
}

/** Length of `Bearer `, in any case; 0: it is another scheme. */
function bearerBytes(bytes: Uint8Array, start: number, end: number): number {
  const word = "bearer ";
  if (end - start < word.length) return 0;
  for (let at = 0; at < word.length; at++) if ((bytes[start + at]! | 0x20) !== word.charCodeAt(at)) return 0;
  return word.length;
}
