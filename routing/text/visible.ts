// Visible: texts of tenants and clients, before they reach a terminal, a log, an event or the body of an answer.

/** What a terminal obeys, what breaks a line, what turns or hides text (bidirectional and other format characters), and halves of characters. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const unseenInLines = /[[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]--[\n]]/gv;
/** Nearly every text, and cheaper to test. */
const plain = /^[\n\x20-\x7e]*$/;

/** The text on one line, with each such character as JSON writes it: `\u001b`. */
export function visible(text: string): string {
  return plain.test(text) && !text.includes("\n") ? text : text.replace(unseen, escaped);
}

/** Several lines, or JSON, whose strings then still parse to the same values. */
export function visibleLines(text: string): string {
  return plain.test(text) ? text : text.replace(unseenInLines, escaped);
}

function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
  ).join("");
}
