// Rewrite: what happens to the path (Ambassador's `rewrite`, `regex_rewrite` and redirects). The query is never touched.
import { byteText } from "../request/bytes.ts";
import type { RedirectTarget, Rewrite } from "../model/mapping.ts";
import type { PathMatch } from "../model/match.ts";
import { compileRegex, type Regex } from "../regex/regex.ts";
import type { Replacement } from "../regex/replace.ts";

/** A Rewrite made ready for one Match. Every text in it is safe in a request line. */
export type CompiledRewrite =
  | { readonly kind: "none" }
  /** The first `cut` bytes of the path are replaced by `with`. */
  | {
      readonly kind: "prefix";
      readonly cut: number;
      readonly with: string;
      readonly withBytes: Uint8Array;
      /** What the client sent can become a dot segment where the two are joined: `climbs` must be asked. */
      readonly open: boolean;
    }
  /** The path is replaced. */
  | { readonly kind: "whole"; readonly with: string; readonly withBytes: Uint8Array }
  /** Every match in the path is replaced. */
  | { readonly kind: "regex"; readonly replacer: Replacer };

const none: CompiledRewrite = Object.freeze({ kind: "none" });

/**
 * Compiles a Rewrite for Mappings with this path. A bad regex or substitution is no rewrite (`rewriteFault` says what is wrong with it).
 * `Differs:` a result that would not begin with `/` gets one, and bytes that may not stand in a request line are percent-encoded; Ambassador
 * sends a broken request.
 */
export function compileRewrite(path: PathMatch, rewrite: Rewrite): CompiledRewrite {
  switch (rewrite.kind) {
    case "none":
      return none;
    case "prefix": {
      const text = rooted(encoded(rewrite.with));
      const withBytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
      if (path.kind !== "prefix") return Object.freeze({ kind: "whole", with: text, withBytes });
      return Object.freeze({
        kind: "prefix",
        cut: byteText(path.prefix).length,
        with: text,
        withBytes,
        open: isOpen(path.prefix, text),
      });
    }
    case "regex": {
      const result = replacerOf(rewrite.pattern, rewrite.substitution);
      return result.ok ? Object.freeze({ kind: "regex", replacer: result.replacer }) : none;
    }
  }
}

/** What is wrong with a Rewrite, as a clause, or null. */
export function rewriteFault(rewrite: Rewrite): string | null {
  if (rewrite.kind !== "regex") return null;
  const result = replacerOf(rewrite.pattern, rewrite.substitution);
  return result.ok ? null : result.reason;
}

/** Why a request's path cannot be rewritten. */
export type RewriteRefusal =
  /** A dot segment would come of it. */
  "climbs" | "too-long" | "too-much-work";

/** The path after the rewrite, which `rewriteRefusal` has let pass. `path` is canonical and without its query. */
export function rewritePath(rewrite: CompiledRewrite, path: string): string {
  switch (rewrite.kind) {
    case "none":
      return path;
    case "prefix":
      return rewrite.with + path.slice(rewrite.cut);
    case "whole":
      return rewrite.with;
    case "regex": {
      const result = rewrite.replacer.replace(path, Infinity);
      return result.kind === "replaced" ? result.text : path;
    }
  }
}

/**
 * Why a request with this path is refused; null: it is not. `mostLength` limits what a regex makes of it: the request line.
 *
 * A rewrite can make a dot segment of what the client sent. `path` is canonical, but its end may join another text: the prefix `/foo`
 * rewritten to `/` would turn `/foo../admin` into `/../admin`, which climbs out of what the Mapping gives.
 */
export function rewriteRefusal(rewrite: CompiledRewrite, path: string, mostLength: number): RewriteRefusal | null {
  if (rewrite.kind === "prefix")
    return rewrite.open && dotSegment.test(rewrite.with + path.slice(rewrite.cut)) ? "climbs" : null;
  if (rewrite.kind !== "regex") return null;
  const result = rewrite.replacer.replace(path, mostLength);
  if (result.kind !== "replaced") return result.kind;
  return dotSegment.test(result.text) ? "climbs" : null;
}

const dotSegment = /\/(?:\.|%2e){1,2}(?:\/|$)/i;

/** A text that ends inside a segment of dots, be it inside one's spelling (`/%2`), or with a slash where the prefix ends inside a segment, leaves it to the client what the segment is. */
function isOpen(prefix: string, text: string): boolean {
  return (
    (!text.endsWith("/") && /\/(?:\.|%2e){0,2}(?:%2?)?$/i.test(text)) || (text.endsWith("/") && !prefix.endsWith("/"))
  );
}

/** A redirect's path made ready for one Match. */
export type CompiledRedirect =
  | { readonly kind: "keep" }
  /** The new path, which keeps the query unless it brings one of its own (Envoy). */
  | { readonly kind: "path"; readonly path: string; readonly hasQuery: boolean }
  | { readonly kind: "rewrite"; readonly rewrite: CompiledRewrite };

export function compileRedirect(target: RedirectTarget, match: PathMatch): CompiledRedirect {
  switch (target.path.kind) {
    case "keep":
      return { kind: "keep" };
    case "path": {
      const path = rooted(encoded(target.path.path));
      return { kind: "path", path, hasQuery: path.includes("?") };
    }
    case "prefix":
    case "regex":
      return { kind: "rewrite", rewrite: compileRewrite(match, target.path) };
  }
}

/** Path and query of a redirect's Location, or why there is none. `query` is without its `?`, "" when there is none. */
export function redirectPath(redirect: CompiledRedirect, path: string, query: string, mostLength: number): Replacement {
  const kept = query === "" ? "" : `?${query}`;
  if (redirect.kind === "path")
    return { kind: "replaced", text: redirect.hasQuery ? redirect.path : redirect.path + kept };
  if (redirect.kind === "keep") return { kind: "replaced", text: path + kept };
  const { rewrite } = redirect;
  const result =
    rewrite.kind === "regex"
      ? rewrite.replacer.replace(path, mostLength)
      : { kind: "replaced" as const, text: rewritePath(rewrite, path) };
  return result.kind === "replaced" ? { kind: "replaced", text: result.text + kept } : result;
}

type ReplacerResult =
  | { readonly ok: true; readonly replacer: Replacer }
  | { readonly ok: false; readonly reason: string };

/** Longest substitution, characters, and most references to groups in it. */
export const maxSubstitutionLength = 1024;
export const maxSubstitutionReferences = 16;

function replacerOf(pattern: string, substitution: string): ReplacerResult {
  if (substitution.length > maxSubstitutionLength)
    return {
      ok: false,
      reason: `the substitution has ${substitution.length} characters, more than ${maxSubstitutionLength}`,
    };
  const compiled = compileRegex(pattern);
  if (!compiled.ok) return { ok: false, reason: `the regex ${compiled.reason}` };
  const parts = partsOf(substitution);
  if (parts === null)
    return { ok: false, reason: "the substitution holds a \\ that is followed neither by a digit nor by \\" };
  const { regex } = compiled;
  const references = parts.filter((part) => typeof part === "number");
  if (references.length > maxSubstitutionReferences)
    return {
      ok: false,
      reason: `the substitution has ${references.length} references to groups, more than ${maxSubstitutionReferences}`,
    };
  const missing = references.find((group) => group > regex.groups);
  if (missing !== undefined)
    return { ok: false, reason: `the substitution names group ${missing} and the regex has ${regex.groups}` };
  return { ok: true, replacer: new Replacer(regex, parts) };
}

/** The last answer of all: a path is asked for twice, by who refuses and by who writes. */
let last: { readonly by: Replacer; readonly path: string; readonly result: Replacement } | null = null;

/** Replaces in paths; gives ASCII that begins with `/`. */
class Replacer {
  readonly #regex: Regex;
  readonly #parts: readonly (string | number)[];

  constructor(regex: Regex, parts: readonly (string | number)[]) {
    this.#regex = regex;
    this.#parts = parts;
  }

  replace(path: string, mostLength: number): Replacement {
    if (last !== null && last.by === this && last.path === path) return last.result;
    const replaced = this.#regex.replaceAll(path, this.#parts, mostLength);
    const result =
      replaced.kind === "replaced"
        ? within({ kind: "replaced", text: rooted(encoded(replaced.text)) }, mostLength)
        : replaced;
    last = { by: this, path, result };
    return result;
  }
}

/** Encoding makes it longer. */
function within(replaced: { readonly kind: "replaced"; readonly text: string }, mostLength: number): Replacement {
  return replaced.text.length > mostLength ? { kind: "too-long" } : replaced;
}

/** RE2's substitution: `\0` is the match, `\1` … `\9` its groups, `\\` a backslash. null: something else follows a backslash. */
function partsOf(substitution: string): readonly (string | number)[] | null {
  const parts: (string | number)[] = [];
  let text = "";
  for (let i = 0; i < substitution.length; i++) {
    const character = substitution[i]!;
    if (character !== "\\") {
      text += character;
      continue;
    }
    const next = substitution[++i] ?? "";
    if (next === "\\") text += next;
    else if (next >= "0" && next <= "9") {
      if (text !== "") parts.push(text);
      parts.push(Number(next));
      text = "";
    } else return null;
  }
  if (text !== "") parts.push(text);
  return parts;
}

/** CTL, space, `#`, `\` and everything beyond ASCII percent-encoded: a manifest must not be able to end the request line. */
function encoded(text: string): string {
  return byteText(text).replace(
    /[^!"$-[\]-~]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

function rooted(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}
