// Literal prefix: the text that every path begins with that a regex can match, which says in whose space the regex is. Read from the pattern,
// never tried out; what is not understood ends the text, so that a regex is never taken for narrower than it is.

/** Flags and an empty quotation are nothing in RE2: a repetition behind them is one of what stands before them. */
const repeatedNothing = /(?:\(\?[^:()]*\)|\\Q(?:\\E|$))[*+?{]/;

/** `(?i)` and `(?i:`, which change what the text behind them means. */
const flagsAhead = /\(\?(?!:|P?<)/;
const flagsHere = new RegExp(flagsAhead, "y");

/** Of alternatives, inside groups too, what they have in common; `/` where nothing is known, as every path begins with it. `pattern` is RE2 and matches whole paths. */
export function literalPrefix(pattern: string): string {
  if (repeatedNothing.test(pattern)) return "/";
  // Flags hold for all alternatives that follow, not only for the text behind them.
  if (pattern.includes("|") && flagsAhead.test(pattern)) return "/";
  const { text } = new PatternReader(pattern).alternatives();
  return text === "" ? "/" : text;
}

/** What a part of a pattern begins with. */
interface Literal {
  readonly text: string;
  /** It matches `text` and nothing else. */
  readonly whole: boolean;
}

class PatternReader {
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  /** Up to the end of the group or of the pattern. */
  alternatives(): Literal {
    let all = this.#sequence();
    while (this.#pattern[this.#at] === "|") {
      this.#at += 1;
      const next = this.#sequence();
      const text = commonStart(all.text, next.text);
      all = { text, whole: all.whole && next.whole && text === all.text && text === next.text };
    }
    return all;
  }

  #sequence(): Literal {
    let text = "";
    while (!this.#isEnd()) {
      const atom = this.#atom();
      const repeat = this.#pattern[this.#at] ?? "";
      // What may be absent, or is there several times, ends the text.
      const optional = "*?{".includes(repeat) && repeat !== "";
      if (!optional) text += atom.text;
      if (optional || repeat === "+" || !atom.whole) {
        this.#skipSequence();
        return { text, whole: false };
      }
    }
    return { text, whole: true };
  }

  #isEnd(): boolean {
    return this.#at >= this.#pattern.length || this.#pattern[this.#at] === "|" || this.#pattern[this.#at] === ")";
  }

  /** One character or group; anything else is no literal. */
  #atom(): Literal {
    const character = this.#characterAt(this.#at);
    if (character === "(") return this.#hasFlags() ? { text: "", whole: false } : this.#group();
    if (character === "^" && this.#at === 0) {
      this.#at += 1;
      return { text: "", whole: true };
    }
    if (character === "\\") {
      const escaped = this.#characterAt(this.#at + 1);
      const literal = /^[!-/:-@[-`{-~]$/.test(escaped);
      if (literal) this.#at += 2;
      return { text: literal ? escaped : "", whole: literal };
    }
    if ("^$.[]{}*+?".includes(character)) return { text: "", whole: false };
    this.#at += character.length;
    return { text: character, whole: true };
  }

  /** To RE2 a character beyond the basic plane is one, and so is what a repetition behind it repeats. "" behind the end. */
  #characterAt(at: number): string {
    return at < this.#pattern.length ? String.fromCodePoint(this.#pattern.codePointAt(at)!) : "";
  }

  #hasFlags(): boolean {
    flagsHere.lastIndex = this.#at;
    return flagsHere.test(this.#pattern);
  }

  #group(): Literal {
    const opening = /^\((?:\?:|\?P?<[^>]*>)?/.exec(this.#pattern.slice(this.#at))![0];
    this.#at += opening.length;
    const inside = this.alternatives();
    this.#at += 1;
    return inside;
  }

  /** To the `|` or `)` that ends this sequence. */
  #skipSequence(): void {
    let depth = 0;
    for (; this.#at < this.#pattern.length; this.#at++) {
      const character = this.#pattern[this.#at]!;
      if (character === "\\") this.#skipEscape();
      else if (character === "[") this.#skipClass();
      else if (character === "(") depth += 1;
      else if (depth === 0 && (character === "|" || character === ")")) return;
      else if (character === ")") depth -= 1;
    }
  }

  /** Stands on the last character of the escape afterwards. `\Q` quotes up to `\E`. */
  #skipEscape(): void {
    if (this.#pattern[this.#at + 1] !== "Q") {
      this.#at += 1;
      return;
    }
    const end = this.#pattern.indexOf("\\E", this.#at);
    this.#at = end < 0 ? this.#pattern.length : end + 1;
  }

  /** Stands on the `]` afterwards. A `]` that comes first is a member, and `[:alpha:]` is inside. */
  #skipClass(): void {
    const first = this.#at + (this.#pattern[this.#at + 1] === "^" ? 2 : 1);
    for (this.#at = first; this.#at < this.#pattern.length; this.#at++) {
      const character = this.#pattern[this.#at]!;
      if (character === "\\") this.#skipEscape();
      else if (character === "[" && this.#pattern[this.#at + 1] === ":") {
        const end = this.#pattern.indexOf(":]", this.#at + 2);
        if (end >= 0) this.#at = end + 1;
      } else if (character === "]" && this.#at > first) return;
    }
  }
}

function commonStart(a: string, b: string): string {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  const half = /[\ud800-\udbff]$/.test(a.slice(0, length)) ? 1 : 0;
  return a.slice(0, length - half);
}
