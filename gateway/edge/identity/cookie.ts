// The cookies of a request but for some.
import { fieldNamed } from "../../../routing/request/bytes.ts";
import type { RequestHead } from "../../../routing/request/head.ts";

/** One value of a `cookie` field with all cookies but those of these names; "": there are no others. */
export function cookieWithout(head: RequestHead, names: readonly string[]): string {
  const { bytes, fields } = head;
  const kept: string[] = [];
  for (let field = fieldNamed(head, "cookie", 0); field >= 0; field = fieldNamed(head, "cookie", field + 1)) {
    const value = Buffer.from(bytes.subarray(fields[field * 4 + 2], fields[field * 4 + 3])).toString();
    for (const part of value.split(";")) {
      const cookie = part.trim();
      if (cookie !== "" && !names.some((name) => cookie.startsWith(`${name}=`))) kept.push(cookie);
    }
  }
  return kept.join("; ");
}
