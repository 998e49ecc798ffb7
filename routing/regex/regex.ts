// Regexes of tenants: RE2 through re2js (linear time), always a full match, bounded in size and in what a match may cost.
import { RE2JS } from "re2js";
import { replaceAll, type Replacement } from "./replace.ts";

/** Longest pattern, characters. */
export const maxPatternLength = 512;
/** Largest RE2 program, measured on the tenant's own pattern (Ambassador `regex_max_size`). */
export const maxProgramSize = 200;

/**
 * Memory of one pattern's automaton, in bytes as re2js counts them: some 60 states. Patterns that people write for headers and paths need less
 * than half of it. Building a state costs up to 60 µs, and the automaton of `.*a.{90}b` has a new state at every character: 280 ms for 4 KiB.
 */
const automatonBytes = 64 * 1024;

export interface Regex {
  readonly pattern: string;
  /** Capturing groups. */
  readonly groups: number;
  /** Literal text that every match begins with. */
  readonly prefix: string;
  /** Its automaton has outgrown its memory: from then on a character costs as many steps as the program has. */
  readonly wide: boolean;
  /** Most steps of a full match of a text of this length, characters. */
  stepsFor(length: number): number;
  /** Full match: as if the pattern were `^(?:pattern)$`. */
  matches(text: string): boolean;
  /** Replaces every match; `parts` are literal texts and group numbers. The result has at most `mostLength` characters. */
  replaceAll(text: string, parts: readonly (string | number)[], mostLength: number): Replacement;
}

export type RegexResult =
  | { readonly ok: true; readonly regex: Regex }
  | { readonly ok: false; readonly reason: string };

// Equal patterns are one compiled program. Bounded: what falls out is compiled again when it is next asked for.
const cache = new Map<string, RegexResult>();
const cacheLimit = 4096;

/** Compiles a tenant's pattern; a bad one gives the reason, as words that follow "the regex". */
export function compileRegex(pattern: string): RegexResult {
  const known = cache.get(pattern);
  if (known !== undefined) return known;
  const result = compile(pattern);
  if (cache.size >= cacheLimit) cache.clear();
  cache.set(pattern, result);
  return result;
}

function compile(pattern: string): RegexResult {
  if (pattern.length > maxPatternLength)
    return { ok: false, reason: `has ${pattern.length} characters, more than ${maxPatternLength}` };
  const expensive = tooExpensive(pattern);
  if (expensive !== null) return { ok: false, reason: expensive };
  let program: RE2JS;
  try {
    program = RE2JS.compile(pattern);
  } catch (error) {
    return { ok: false, reason: `is not RE2: ${error instanceof Error ? error.message : String(error)}` };
  }
  const size = program.programSize();
  if (size > maxProgramSize) return { ok: false, reason: `compiles to ${size} steps, more than ${maxProgramSize}` };
  return { ok: true, regex: new Re2Regex(program) };
}

/** Most Unicode classes (`\pL`) in a pattern. */
const maxUnicodeClasses = 8;

/**
 * What costs time before the program has a size: counted repeats are written out (512 characters of `a{1000}` took 0.3 s) and each Unicode class
 * is a table. Counts over the program's bound could not pass it anyway.
 */
function tooExpensive(pattern: string): string | null {
  let repeats = 0;
  for (const [, least, most] of pattern.matchAll(/(?<!\\)\{(\d+)(?:,(\d*))?\}/g))
    repeats += Math.max(Number(least), Number(most ?? 0));
  if (repeats > maxProgramSize) return `writes out to ${repeats} steps or more, over ${maxProgramSize}`;
  const classes = pattern.match(/\\[pP]/g)?.length ?? 0;
  return classes > maxUnicodeClasses ? `has ${classes} Unicode classes, more than ${maxUnicodeClasses}` : null;
}

class Re2Regex implements Regex {
  readonly pattern: string;
  readonly groups: number;
  readonly prefix: string;
  wide = false;
  readonly #program: RE2JS;
  readonly #size: number;
  #bounded = false;

  constructor(program: RE2JS) {
    this.pattern = program.pattern();
    this.groups = program.groupCount();
    this.#program = program;
    this.#size = program.programSize();
    this.prefix = (program.re2() as { readonly prefix: string }).prefix;
  }

  stepsFor(length: number): number {
    return this.wide ? this.#size * (length + 1) : length + 1;
  }

  matches(text: string): boolean {
    if (!this.#bounded) this.#bound();
    // Not `test()`: it searches. `testExact` on the bare program is a full match, and faster than a program wrapped in `^(?:…)$`.
    return this.#program.testExact(text);
  }

  /** re2js gives each automaton 8 MiB, forgets it when they are full, and begins again. Here what does not fit is matched without one for good. */
  #bound(): void {
    this.#bounded = true;
    const { dfa } = this.#program.re2();
    dfa.stateBudget = automatonBytes;
    dfa.memBudget = automatonBytes;
    dfa.resetCache = () => {
      this.wide = true;
      dfa.failed = true;
      dfa.clearCache();
      return null;
    };
  }

  replaceAll(text: string, parts: readonly (string | number)[], mostLength: number): Replacement {
    return replaceAll(this.#program.re2(), this.#size, text, parts, mostLength);
  }
}
