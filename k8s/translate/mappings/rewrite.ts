// `rewrite`, `regex_rewrite` and `host_rewrite` of a raw Mapping: what becomes of the path and of the host.
import type { HostRewrite, Rewrite } from "../../../routing/model/mapping.ts";
import { maxSubstitutionLength, maxSubstitutionReferences, rewriteFault } from "../../../routing/route/rewrite.ts";
import type { Fields } from "../fields/fields.ts";
import { plainTarget } from "../meaning/plain-target.ts";
import { fieldOf, scalarText, textOf } from "../values/value.ts";

/** Longest path that a manifest writes, characters: what every request may grow by. */
export const longestPath = 2048;
/** Longest host name (RFC 1035), with a port. */
export const longestHost = 261;

/** undefined and "" differ: "" is no rewrite. null: a regex that cannot be used. */
export function decodeRewrite(fields: Fields): Rewrite | null {
  const written = fields.take("rewrite");
  const regex = fields.record("regex_rewrite");
  if (regex !== null && Object.keys(regex).length > 0) {
    return decodeRegexRewrite(fields, "regex_rewrite", regex);
  }
  if (written === undefined) return plainTarget.rewrite;
  const text = scalarText(written);
  if (text === "") return { kind: "none" };
  if (text !== null && text.length <= longestPath && /^\/[^\0-\x20#?\\\x7f]*$/.test(text))
    return { kind: "prefix", with: text };
  fields.bad("rewrite", written, `a path that begins with /, of at most ${longestPath} characters, or "" for none`);
  return plainTarget.rewrite;
}

/** null: it cannot be used, and a Problem says why. */
export function decodeRegexRewrite(
  fields: Fields,
  name: string,
  record: Readonly<Record<string, unknown>>,
): (Rewrite & { readonly kind: "regex" }) | null {
  if (typeof (fieldOf(record, "substitution") ?? "") !== "string") {
    fields.bad(name, record, "a pattern and a substitution that are texts");
    return null;
  }
  const rewrite = {
    kind: "regex",
    pattern: textOf(fieldOf(record, "pattern")),
    substitution: textOf(fieldOf(record, "substitution")),
  } as const;
  if (!fields.regex(name, rewrite.pattern)) return null;
  const fault = rewriteFault(rewrite);
  if (fault === null) return rewrite;
  fields.refuse(
    "bad-value",
    name,
    `${fault}, so the Mapping is not served in this form; write a substitution of at most ${maxSubstitutionLength} characters and ${maxSubstitutionReferences} references, \\0 for the match and \\1 to \\9 for groups that the pattern has`,
  );
  return null;
}

export function decodeHostRewrite(fields: Fields): HostRewrite {
  const host = fields.text("host_rewrite");
  const auto = fields.boolean("auto_host_rewrite");
  if (host !== null && host !== "") {
    if (host.length <= longestHost && /^[\x21-\x7e]+$/.test(host)) return { kind: "literal", host };
    fields.bad("host_rewrite", host, "a host name");
  }
  return auto ? { kind: "upstream" } : { kind: "client" };
}
