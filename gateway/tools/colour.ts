// Colour: of texts that are whole and escaped already, by what their lines begin with. The tools' own words are looked for; what a tenant wrote
// may be coloured too, and moves nothing.

/** May standard output be coloured? `NO_COLOR` as no-color.org has it: any value but "". */
export function wantsColour(
  isTerminal: boolean,
  { NO_COLOR, TERM }: Readonly<Record<string, string | undefined>>,
): boolean {
  return isTerminal && (NO_COLOR ?? "") === "" && TERM !== "dumb";
}

const bold = (text: string): string => `\u001b[1m${text}\u001b[22m`;
const dim = (text: string): string => `\u001b[2m${text}\u001b[22m`;
const red = (text: string): string => `\u001b[31m${text}\u001b[39m`;
const yellow = (text: string): string => `\u001b[33m${text}\u001b[39m`;
const cyan = (text: string): string => `\u001b[36m${text}\u001b[39m`;

/** The text with names in bold, headings dim, what is not ready or not answered in red, and shares that are not as declared in yellow. */
export function coloured(text: string): string {
  return text.split("\n").map(colouredLine).join("\n");
}

function colouredLine(line: string): string {
  if (/^ +SHARE +DECLARED /.test(line)) return dim(line);
  const row = /^( +)(copy )?([\d.]+%)( +)(?:([\d.]+%)( +))?(yes|no )( .*)$/.exec(line);
  if (row !== null) return colouredRow(row);
  if (/^\d+ (?:deployments?|of Mappings)\b/.test(line)) return line.replace(/answers 503: .*$/, red);
  if (/^\S/.test(line)) return bold(line);
  const [, indent, word, rest] =
    /^( +)(REST|gRPC|path|with|explainer|answers|error|warning|hint)\b(.*)$/.exec(line) ?? [];
  if (indent === undefined) return line;
  if (word === "answers" || word === "error") return `${indent}${red(`${word}${rest!}`)}`;
  if (word === "warning" || word === "hint") return `${indent}${yellow(`${word}${rest!}`)}`;
  return `${indent}${cyan(word!)}${rest!}`;
}

function colouredRow([, indent, copy, share, gap, declared, secondGap, ready, rest]: RegExpExecArray): string {
  const shown = declared === undefined || declared === share ? share! : yellow(share!);
  return `${indent!}${copy === undefined ? "" : cyan(copy)}${shown}${gap!}${declared ?? ""}${secondGap ?? ""}${ready === "yes" ? ready : red(ready!)}${rest!}`;
}
