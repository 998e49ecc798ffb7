// Visible: texts that somebody else wrote, before they reach a terminal, a log, an event or the body of an answer.

/** What a terminal obeys, what breaks a line, what turns or hides text (bidirectional and other format characters), and halves of characters. */
const unseen = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** The text with each such character as `\u001b`, as JSON writes it; a text without them as it is. */
export function visible(text: string): string {
  return text.replace(unseen, escaped);
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
}
