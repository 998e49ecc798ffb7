// Names of clients, as limits, logs and models see them: bounded, printable, and different for different clients.

/** Characters of a name as its provider says it. */
export const mostNameCharacters = 256;

/**
 * The name in visible ASCII: spaces at its ends, `%`, and whatever is no visible ASCII become `%XX` of their UTF-8, so that no two names become
 * one. null: it is empty, or longer than `mostNameCharacters`: cut short it would be somebody else's; or it holds
 * half of a surrogate pair, of which there are many, and all have one UTF-8.
 */
export function clientName(text: string): string | null {
  return text === "" || text.length > mostNameCharacters || !text.isWellFormed() ? null : fieldText(text);
}

/** The same of any text that becomes the value of a header field, without bounds. Nothing else than the text itself can become what it becomes. */
export function fieldText(text: string): string {
  return text.replace(/^ +| +$|[^ -~]+|%/gu, (piece) =>
    Array.from(Buffer.from(piece), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}
