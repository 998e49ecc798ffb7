// A JSON text from a stranger as a tree: read within a bound of its depth. Its length is bounded by who captured it, and the number of its values by its length.

/** Levels of arrays and objects in each other. */
export const maxDepth = 64;
/** A whole number with more digits stays a text. */
const maxDigits = 40;

/** Whole numbers that a number does not hold are bigints. */
export type ReadAnswer =
  | { readonly kind: "tree"; readonly tree: unknown }
  /** Words that follow "its answer ". */
  | { readonly kind: "unreadable"; readonly reason: string };

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Words of JSON that may be whole numbers beyond 2^53, outside of texts or not. */
const mayBeLong = /(?<![\d.eE+])\d{16,}(?![\d.eE])/;
/** Texts, to be passed over, and such numbers. A text that does not end reaches to the end, so that none is looked at twice. */
const textsAndLong = /"(?:[^"\\]|\\[^])*"?|(?<![\d.eE+])-?\d{16,}(?![\d.eE])/g;
/** A text that begins with it stands for the number behind it. */
const mark = "\0";

export function unreadable(reason: string): ReadAnswer {
  return { kind: "unreadable", reason };
}

export function readJson(bytes: Uint8Array): ReadAnswer {
  if (bytes.length === 0) return unreadable("is empty");
  let tree: unknown;
  try {
    const text = decoder.decode(bytes);
    tree = mayBeLong.test(text)
      ? withLong(JSON.parse(text.replace(textsAndLong, (one) => (one.startsWith('"') ? one : `"\\u0000${one}"`))), 0)
      : JSON.parse(text);
  } catch {
    return unreadable("is not JSON");
  }
  return isTooDeep(tree, 0) ? unreadable(`has more than ${maxDepth} levels`) : { kind: "tree", tree };
}

/** With numbers in place of what stands for them. What is too deep stays as it is. */
function withLong(value: unknown, depth: number): unknown {
  if (typeof value === "string") return value.startsWith(mark) ? longNumber(value.slice(mark.length)) : value;
  if (typeof value !== "object" || value === null || depth > maxDepth) return value;
  if (Array.isArray(value)) return (value as readonly unknown[]).map((one) => withLong(one, depth + 1));
  const whole: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const key in value) whole[key] = withLong((value as Readonly<Record<string, unknown>>)[key], depth + 1);
  return whole;
}

function longNumber(digits: string): unknown {
  return digits.length > maxDigits || !/^-?\d+$/.test(digits) ? digits : wholeNumber(BigInt(digits));
}

/** A number where it holds the value exactly. */
export function wholeNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function isTooDeep(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth >= maxDepth) return true;
  if (Array.isArray(value)) {
    for (const one of value as readonly unknown[])
      if (typeof one === "object" && isTooDeep(one, depth + 1)) return true;
    return false;
  }
  for (const key in value) if (isTooDeep((value as Readonly<Record<string, unknown>>)[key], depth + 1)) return true;
  return false;
}
