// Where JSON text stops being JSON. V8's message has no position for some errors and quotes the text for others, which could be a Secret's.

const literals = ["true", "false", "null"];
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const escape = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

type Expected = "value" | "value or end" | "name" | "name or end" | "colon" | "comma or end" | "nothing";

/** Offset of the first character that cannot continue valid JSON (RFC 8259), or the length of the text when it ends too early. Call it after `JSON.parse` threw. */
export function jsonErrorOffset(text: string): number {
  const closers: string[] = [];
  let expected: Expected = "value";
  let at = 0;
  for (;;) {
    while (at < text.length && " \t\r\n".includes(text[at]!)) at++;
    const character = text[at];
    if (character === undefined) return at;
    const closes =
      character === closers.at(-1) &&
      (expected === "comma or end" || expected === "value or end" || expected === "name or end");
    if (closes) {
      closers.pop();
      at++;
      expected = closers.length === 0 ? "nothing" : "comma or end";
    } else if (expected === "comma or end") {
      if (character !== ",") return at;
      at++;
      expected = closers.at(-1) === "}" ? "name" : "value";
    } else if (expected === "colon") {
      if (character !== ":") return at;
      at++;
      expected = "value";
    } else if (expected === "name" || expected === "name or end") {
      if (character !== '"') return at;
      const string = readString(text, at);
      if (!string.complete) return string.end;
      at = string.end;
      expected = "colon";
    } else if (expected === "nothing") {
      return at;
    } else if (character === "{" || character === "[") {
      closers.push(character === "{" ? "}" : "]");
      at++;
      expected = character === "{" ? "name or end" : "value or end";
    } else {
      const value = readScalar(text, at);
      if (!value.complete) return value.end;
      at = value.end;
      expected = closers.length === 0 ? "nothing" : "comma or end";
    }
  }
}

interface Token {
  readonly complete: boolean;
  /** After the token, or where it went wrong. */
  readonly end: number;
}

function readScalar(text: string, at: number): Token {
  if (text[at] === '"') return readString(text, at);
  for (const literal of literals) if (text.startsWith(literal, at)) return { complete: true, end: at + literal.length };
  number.lastIndex = at;
  return number.test(text) ? { complete: true, end: number.lastIndex } : { complete: false, end: at };
}

function readString(text: string, start: number): Token {
  let at = start + 1;
  while (at < text.length) {
    const character = text[at]!;
    if (character === '"') return { complete: true, end: at + 1 };
    if (character < " ") return { complete: false, end: at };
    if (character === "\\") {
      escape.lastIndex = at;
      if (!escape.test(text)) return { complete: false, end: at };
      at = escape.lastIndex;
    } else {
      at++;
    }
  }
  return { complete: false, end: at };
}
