// Keys that are written twice in one map of JSON: `JSON.parse` takes the last in silence, and what the first said would be lost with it.

/** Offset of the first key of valid JSON that its map has already; null: there is none. Takes time linear in the text. */
export function repeatedKeyOffset(text: string): number | null {
  /** Of each open map its keys; null for a list. */
  const open: (Set<string> | null)[] = [];
  let isKey = false;
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case "{":
        open.push(new Set());
        isKey = true;
        break;
      case "[":
        open.push(null);
        isKey = false;
        break;
      case "}":
      case "]":
        open.pop();
        isKey = false;
        break;
      case ",":
        isKey = (open.at(-1) ?? null) !== null;
        break;
      case '"': {
        const end = stringEnd(text, at);
        if (isKey) {
          const key = JSON.parse(text.slice(at, end + 1)) as string;
          const keys = open.at(-1)!;
          if (keys.has(key)) return at;
          keys.add(key);
          isKey = false;
        }
        at = end;
      }
    }
  }
  return null;
}

/** Of the string that begins there: its last quote. */
function stringEnd(text: string, from: number): number {
  let at = from + 1;
  while (text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at;
}
