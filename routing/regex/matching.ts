// Matching: what the regexes of a table may cost one request. A header of 4 KiB against the 50 regexes that a namespace may have is 200,000
// characters at one step each; patterns with large automata cost up to 200 steps a character, and 50 of those would hold a worker for half a second.
import type { RequestHead } from "../request/head.ts";
import type { Regex } from "./regex.ts";

/** Longest text, in bytes, that a regex of a header, a host, a method or a query parameter is asked about: a longer one does not match, and is counted. */
export const longestMatchedBytes = 4096;
// A text that is too long does not match. There is no condition that asks for a regex not to match, so that this opens no Route that the request
// could not have had without the text; it may lead to a wider one, as any other text would.

/** Steps of all regexes for one request, some 5 ms. Over it the request is refused: a Route that was not tried may be the one that keeps others away. */
export const mostMatchSteps = 2 ** 19;
/** What a pattern costs when its automaton outgrows its memory, which it does once. */
const outgrownSteps = mostMatchSteps / 8;

/** May a regex match a header, host, method or query parameter of this length, bytes? Counts the steps. */
export function mayMatch(regex: Regex, head: RequestHead, bytes: number): boolean {
  if (bytes <= longestMatchedBytes) return mayMatchPath(regex, head, bytes);
  head.regexSteps += 1;
  head.unmatchedTexts += 1;
  return false;
}

/** As `mayMatch`, of a path: the request line bounds it. */
export function mayMatchPath(regex: Regex, head: RequestHead, bytes: number): boolean {
  head.regexSteps += regex.stepsFor(bytes);
  return head.regexSteps <= mostMatchSteps;
}

/** Asks a regex; `mayMatch` has said that it may be asked. */
export function isMatch(regex: Regex, head: RequestHead, text: string): boolean {
  const { wide } = regex;
  const matches = regex.matches(text);
  if (regex.wide && !wide) head.regexSteps += outgrownSteps + regex.stepsFor(text.length);
  return matches;
}
