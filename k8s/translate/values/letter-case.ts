// Letter case of paths. What is matched without case is compared without it, folded as lookup folds it: ASCII letters alone.

/** ASCII letters in lower case, all else as it is; of the same length. */
export function foldedText(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()) : text;
}

export function samePath(a: string, b: string, caseSensitive: boolean): boolean {
  return caseSensitive ? a === b : foldedText(a) === foldedText(b);
}

export function beginsWith(text: string, start: string, caseSensitive: boolean): boolean {
  return caseSensitive ? text.startsWith(start) : foldedText(text).startsWith(foldedText(start));
}
