// A JSON text from a stranger: read within bounds of its depth and the number of its values.

/** Levels of arrays and objects in each other. */
export const maxDepth = 64;
/** Values of one answer: those of arrays and objects, all levels together. */
export const maxValues = 1_000_000;
/** Shorter texts are bounded by their length. */
const lookedAtBytes = 64 * 1024;

export type ReadAnswer =
  | { readonly kind: "tree"; readonly tree: unknown }
  /** Words that follow "its answer ". */
  | { readonly kind: "unreadable"; readonly reason: string };

const decoder = new TextDecoder("utf-8", { fatal: true });

export function unreadable(reason: string): ReadAnswer {
  return { kind: "unreadable", reason };
}

export function readJson(bytes: Uint8Array): ReadAnswer {
  if (bytes.length === 0) return unreadable("is empty");
  if (bytes.length > lookedAtBytes && !mayBeRead(bytes)) return tooLarge;
  let tree: unknown;
  try {
    tree = JSON.parse(decoder.decode(bytes));
  } catch {
    return unreadable("is not JSON");
  }
  return boundedTree(tree);
}

/** What is within the bounds of depth and values. */
export function boundedTree(tree: unknown): ReadAnswer {
  return countValues(tree, 0, 0) > maxValues ? tooLarge : { kind: "tree", tree };
}

const tooLarge = unreadable(`has more than ${maxDepth} levels or ${maxValues} values`);

/** Before it is parsed: what V8 makes of a text of brackets takes fifty times its length. */
function mayBeRead(bytes: Uint8Array): boolean {
  let [depth, values, isText] = [0, 0, false];
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (isText) {
      if (byte === 0x5c) at++;
      else if (byte === 0x22) isText = false;
    } else if (byte === 0x22) isText = true;
    else if (byte === 0x2c) values++;
    else if (byte === 0x5b || byte === 0x7b) {
      values++;
      if (++depth > maxDepth) return false;
    } else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return values <= maxValues;
}

/** Stops above `maxValues`, which stands for too deep as well. */
function countValues(value: unknown, depth: number, before: number): number {
  let count = before + 1;
  if (typeof value !== "object" || value === null) return count;
  if (depth >= maxDepth) return maxValues + 1;
  if (Array.isArray(value)) {
    for (const one of value as readonly unknown[]) {
      count = typeof one === "number" ? count + 1 : countValues(one, depth + 1, count);
      if (count > maxValues) return count;
    }
    return count;
  }
  for (const key in value) {
    count = countValues((value as Readonly<Record<string, unknown>>)[key], depth + 1, count);
    if (count > maxValues) return count;
  }
  return count;
}
