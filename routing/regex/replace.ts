// Replace: every match of a tenant's regex in a path, with a bound on the work. RE2 is linear for each match, but every match may look to the end
// of the text before it is settled: `(a)(.{0,50}.*.*z)?` on 7.9 kB of `a` took 5.5 s.

/** What is asked of re2js' engines. */
export interface Engine {
  /** The leftmost match from `at` on: start and end of it and of its groups; null: none. */
  executeEngine(input: CountedInput, at: number, anchor: number, bounds: number): readonly number[] | null;
}

/** Matches that one replacement may have. */
export const mostMatches = 1024;
/** Steps of one replacement: characters looked at, again and again counted again, times the size of the program. Some 5 ms. */
export const mostReplaceSteps = 2 ** 19;

export type Replacement =
  | { readonly kind: "replaced"; readonly text: string }
  /** The result is longer than it may be. */
  | { readonly kind: "too-long" }
  /** It took more matches or steps than it may. */
  | { readonly kind: "too-much-work" };

const tooLong: Replacement = Object.freeze({ kind: "too-long" });
const tooMuchWork: Replacement = Object.freeze({ kind: "too-much-work" });

/** What the counted text throws inside the engine, which offers no other way to stop. */
const exhausted = new Error("the steps of a replacement are used up");

/** What re2js' engines ask of their input, and here each answer counts: they have no bound of their own, and a text cannot be asked instead. */
class CountedInput {
  readonly #text: string;
  #left: number;

  constructor(text: string, looks: number) {
    this.#text = text;
    this.#left = looks;
  }

  #look(count: number): void {
    this.#left -= count;
    if (this.#left < 0) throw exhausted;
  }

  endPos(): number {
    return this.#text.length;
  }

  /** The character at `at`, shifted by 3, and how many units of UTF-16 it takes; −8 at the end. */
  step(at: number): number {
    this.#look(1);
    if (at >= this.#text.length) return -8;
    const rune = this.#text.codePointAt(at)!;
    return (rune << 3) | (rune > 0xffff ? 2 : 1);
  }

  canCheckPrefix(): boolean {
    return true;
  }

  prefixLength({ prefix }: { readonly prefix: string }): number {
    return prefix.length;
  }

  /** How far on the literal is that every match begins with; −1: nowhere. A search looks at many characters at once. */
  index({ prefix }: { readonly prefix: string }, at: number): number {
    const found = this.#text.indexOf(prefix, at);
    this.#look(1 + (((found < 0 ? this.#text.length : found) - at) >> 4));
    return found < 0 ? -1 : found - at;
  }

  /** Whether literals that every match holds are in the text: always perhaps, so that nobody looks. */
  hasString(): boolean {
    return true;
  }

  hasAnyString(): boolean {
    return true;
  }

  /** What assertions hold before `at`, as bits. */
  context(at: number): number {
    this.#look(1);
    const before = at > 0 ? this.#text.charCodeAt(at - 1) : -1;
    const after = at < this.#text.length ? this.#text.charCodeAt(at) : -1;
    let bits = isWord(before) === isWord(after) ? 32 : 16;
    if (before < 0) bits |= 4 | 1;
    if (before === 10) bits |= 1;
    if (after < 0) bits |= 8 | 2;
    if (after === 10) bits |= 2;
    return bits;
  }
}

function isWord(rune: number): boolean {
  return (
    (rune >= 0x30 && rune <= 0x39) || (rune >= 0x41 && rune <= 0x5a) || rune === 0x5f || (rune >= 0x61 && rune <= 0x7a)
  );
}

/** As RE2's GlobalReplace (Envoy): no empty match just behind a match, so `.*` matches a text once. */
export function replaceAll(
  engine: Engine,
  programSize: number,
  text: string,
  parts: readonly (string | number)[],
  mostLength: number,
): Replacement {
  const counted = new CountedInput(text, Math.floor(mostReplaceSteps / programSize));
  try {
    return replaced(engine, text, counted, parts, mostLength);
  } catch (error) {
    if (error !== exhausted) throw error;
    return tooMuchWork;
  }
}

const unanchored = 0;

function replaced(
  engine: Engine,
  text: string,
  counted: CountedInput,
  parts: readonly (string | number)[],
  mostLength: number,
): Replacement {
  const groups = 1 + parts.reduce((most: number, part) => (typeof part === "number" ? Math.max(most, part) : most), 0);
  let result = "";
  let at = 0;
  let lastEnd = -1;
  let matches = 0;
  while (at <= text.length) {
    const bounds = engine.executeEngine(counted, at, unanchored, 2 * groups);
    if (bounds === null || bounds.length === 0) break;
    const [start, end] = [bounds[0]!, bounds[1]!];
    result += text.slice(at, start);
    if (start === lastEnd && start === end) {
      const next = start + (text.codePointAt(start)! > 0xffff ? 2 : 1);
      result += text.slice(start, next);
      at = next;
      continue;
    }
    if (++matches > mostMatches) return tooMuchWork;
    for (const part of parts) result += typeof part === "string" ? part : groupOf(text, bounds, part);
    if (result.length > mostLength) return tooLong;
    at = end;
    lastEnd = end;
  }
  result += text.slice(at);
  return result.length > mostLength ? tooLong : { kind: "replaced", text: result };
}

function groupOf(text: string, bounds: readonly number[], group: number): string {
  const start = bounds[group * 2]!;
  return start < 0 ? "" : text.slice(start, bounds[group * 2 + 1]);
}
