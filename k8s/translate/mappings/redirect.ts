// The redirect of a raw Mapping: `host_redirect` and what goes with it.
import type { RedirectTarget } from "../../../routing/model/mapping.ts";
import type { Fields } from "../fields/fields.ts";
import { decodeRegexRewrite, longestHost, longestPath } from "./rewrite.ts";
import { quoted, scalarText } from "../values/value.ts";

/** null: it does not redirect. */
export function decodeRedirect(fields: Fields, host: string | null, shadow: boolean): RedirectTarget | null {
  const wanted = fields.boolean("host_redirect");
  const path = fields.text("path_redirect");
  const prefix = fields.text("prefix_redirect");
  const regex = fields.record("regex_redirect");
  const code = fields.take("redirect_response_code");
  if (!wanted) return null;
  if (shadow) {
    fields.report(
      "error",
      "shadow-redirect",
      "host_redirect",
      "a shadow cannot redirect, and the redirect is ignored; remove one of the two",
    );
    return null;
  }
  if ([path, prefix, regex].filter((kind) => kind !== null).length > 1) {
    fields.report(
      "warning",
      "bad-value",
      "path_redirect",
      "of path_redirect, prefix_redirect and regex_redirect only the first counts; remove the others",
    );
  }
  if (host === null) {
    fields.refuse(
      "bad-value",
      "service",
      'the redirect names no host, and Ambassador takes none without one; write the host name to redirect to, or "" for the host of the request',
    );
    return null;
  }
  const target = host.replace(/^https?:\/\//, "");
  const number = code === undefined ? 301 : Number(scalarText(code));
  const known = ([301, 302, 303, 307, 308] as const).find((candidate) => candidate === number);
  if (known === undefined) fields.bad("redirect_response_code", code, "301, 302, 303, 307 or 308");
  if (target.length > longestHost || !/^[A-Za-z0-9._:[\]-]*$/.test(target)) {
    fields.refuse("bad-value", "service", `${quoted(target)} is not a host to redirect to; write a host name`);
    return null;
  }
  return { kind: "redirect", host: target, code: known ?? 301, path: decodeRedirectPath(fields, path, prefix, regex) };
}

function decodeRedirectPath(
  fields: Fields,
  path: string | null,
  prefix: string | null,
  regex: Readonly<Record<string, unknown>> | null,
): RedirectTarget["path"] {
  const isPath = (text: string): boolean => text.length <= longestPath && /^\/[^\0-\x20\\\x7f]*$/.test(text);
  if (path !== null && isPath(path)) return { kind: "path", path };
  if (path !== null && path !== "")
    fields.bad("path_redirect", path, `a path that begins with /, of at most ${longestPath} characters`);
  if (prefix !== null && isPath(prefix)) return { kind: "prefix", with: prefix };
  if (prefix !== null && prefix !== "")
    fields.bad("prefix_redirect", prefix, `a path that begins with /, of at most ${longestPath} characters`);
  const rewrite =
    regex !== null && Object.keys(regex).length > 0 ? decodeRegexRewrite(fields, "regex_redirect", regex) : null;
  return rewrite ?? { kind: "keep" };
}
