// Rewrite: what happens to the path (reference ambassador-mapping §5.2 and §5.3). The query is never touched.
import { byteText } from './bytes.ts';
import type { RedirectTarget, Rewrite } from './mapping.ts';
import type { PathMatch } from './match.ts';
import { compileRegex } from './regex.ts';

/** A Rewrite made ready for one Match. Every text in it is safe in a request line. */
export type CompiledRewrite =
  | { readonly kind: 'none' }
  /** The first `cut` bytes of the path are replaced by `with`. */
  | {
      readonly kind: 'prefix';
      readonly cut: number;
      readonly with: string;
      readonly withBytes: Uint8Array;
      /** What the client sent can become a dot segment where the two are joined: `climbs` must be asked. */
      readonly open: boolean;
    }
  /** The path is replaced. */
  | { readonly kind: 'whole'; readonly with: string; readonly withBytes: Uint8Array }
  /** Path in, path out; ASCII out. */
  | { readonly kind: 'regex'; readonly replace: (path: string) => string };

const none: CompiledRewrite = Object.freeze({ kind: 'none' });

/**
 * Compiles a Rewrite for Mappings with this path. A bad regex or substitution is no rewrite (`rewriteFault` says what is wrong with it).
 * `Differs:` a result that would not begin with `/` gets one, and bytes that may not stand in a request line are percent-encoded; Ambassador
 * sends a broken request.
 */
export function compileRewrite(path: PathMatch, rewrite: Rewrite): CompiledRewrite {
  switch (rewrite.kind) {
    case 'none':
      return none;
    case 'prefix': {
      const text = rooted(encoded(rewrite.with));
      const withBytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
      if (path.kind !== 'prefix') return Object.freeze({ kind: 'whole', with: text, withBytes });
      return Object.freeze({ kind: 'prefix', cut: byteText(path.prefix).length, with: text, withBytes, open: isOpen(path.prefix, text) });
    }
    case 'regex': {
      const replace = replacerOf(rewrite.pattern, rewrite.substitution);
      return replace.ok ? Object.freeze({ kind: 'regex', replace: replace.replace }) : none;
    }
  }
}

/** What is wrong with a Rewrite, as a clause, or null. */
export function rewriteFault(rewrite: Rewrite): string | null {
  if (rewrite.kind !== 'regex') return null;
  const replace = replacerOf(rewrite.pattern, rewrite.substitution);
  return replace.ok ? null : replace.reason;
}

/** The path after the rewrite. `path` is canonical and without its query. */
export function rewritePath(rewrite: CompiledRewrite, path: string): string {
  switch (rewrite.kind) {
    case 'none':
      return path;
    case 'prefix':
      return rewrite.with + path.slice(rewrite.cut);
    case 'whole':
      return rewrite.with;
    case 'regex':
      return rewrite.replace(path);
  }
}

/**
 * Does the rewrite make a dot segment of what the client sent? `path` is canonical, but its end may join another text: the prefix `/foo`
 * rewritten to `/` would turn `/foo../admin` into `/../admin`, which climbs out of what the Mapping gives. Such a request is refused (400).
 */
export function climbs(rewrite: CompiledRewrite, path: string): boolean {
  if (rewrite.kind === 'prefix') return rewrite.open && dotSegment.test(rewritePath(rewrite, path));
  return rewrite.kind === 'regex' && dotSegment.test(rewrite.replace(path));
}

const dotSegment = /\/(?:\.|%2e){1,2}(?:\/|$)/i;

/** A text that ends inside a segment of dots, or with a slash where the prefix ends inside a segment, leaves it to the client what the segment is. */
function isOpen(prefix: string, text: string): boolean {
  return /\/(?:\.|%2e){1,2}$/i.test(text) || (text.endsWith('/') && !prefix.endsWith('/'));
}

/** Path and query of a redirect's Location. `query` is without its `?`, "" when there is none. */
export function redirectPath(target: RedirectTarget, match: PathMatch, path: string, query: string): string {
  const kept = query === '' ? '' : `?${query}`;
  switch (target.path.kind) {
    case 'keep':
      return path + kept;
    case 'path':
      // The query goes unless the new path brings one of its own.
      return rooted(encoded(target.path.path));
    case 'prefix':
      return rewritePath(compileRewrite(match, target.path), path) + kept;
    case 'regex':
      return rewritePath(compileRewrite(match, target.path), path) + kept;
  }
}

type Replacer = { readonly ok: true; readonly replace: (path: string) => string } | { readonly ok: false; readonly reason: string };

function replacerOf(pattern: string, substitution: string): Replacer {
  const compiled = compileRegex(pattern);
  if (!compiled.ok) return { ok: false, reason: `the regex ${compiled.reason}` };
  const parts = partsOf(substitution);
  if (parts === null) return { ok: false, reason: 'the substitution holds a \\ that is followed neither by a digit nor by \\' };
  const { regex } = compiled;
  const missing = parts.find((part) => typeof part === 'number' && part > regex.groups);
  if (missing !== undefined) return { ok: false, reason: `the substitution names group ${missing} and the regex has ${regex.groups}` };
  return { ok: true, replace: (path) => rooted(encoded(regex.replaceAll(path, parts))) };
}

/** RE2's substitution: `\0` is the match, `\1` … `\9` its groups, `\\` a backslash. null: something else follows a backslash. */
function partsOf(substitution: string): readonly (string | number)[] | null {
  const parts: (string | number)[] = [];
  for (let i = 0; i < substitution.length; i++) {
    const character = substitution[i]!;
    if (character !== '\\') {
      parts.push(character);
      continue;
    }
    const next = substitution[++i] ?? '';
    if (next === '\\') parts.push('\\');
    else if (next >= '0' && next <= '9') parts.push(Number(next));
    else return null;
  }
  return parts;
}

/** CTL, space, `#`, `\` and everything beyond ASCII percent-encoded: a manifest must not be able to end the request line. */
function encoded(text: string): string {
  return byteText(text).replace(/[^!"$-[\]-~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

function rooted(path: string): string {
  return path.startsWith('/') ? path : `/${path}`;
}
