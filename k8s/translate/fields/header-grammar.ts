// The texts of `seldon.io/ambassador-header` and `-regex-header`.
import type { NamedMatch } from "../../../routing/model/match.ts";
import { compileRegex } from "../../../routing/regex/regex.ts";

export interface HeaderPairs {
  /** Names in lower case; of one name twice the last counts. */
  readonly pairs: readonly NamedMatch[];
  /** What is wrong, as words that follow the annotation's value; [] when all of it can be served: a part alone would match more. */
  readonly wrong: readonly string[];
}

const namePattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Values that hold colons themselves: a URL, a time of day. */
const urlOrTime = /:\/\/|(?:^|[\sT])\d{1,2}:\d{2}(?::\d{2})?(?:$|\D)/;
/** Each is looked for among all headers of a request. */
const mostConditions = 32;
/** Of the text, bytes: a deployment has it in each of its Mappings. */
const mostBytes = 8192;

/**
 * One condition a line. No colon: the header is present. One colon: equal, with or without space. An even count of parts from 4 on is pairs
 * (`a:b:c:d`, operators from 0.4), unless the value looks like a URL or a time; everything else is cut at its first colon.
 */
export function parseHeaders(text: string): HeaderPairs {
  return collect(text, (line) => {
    const parts = line.split(":").map((part) => part.trim());
    if (parts.length === 1) return [{ name: line, value: { kind: "present" } }];
    const [name, value] = cut(line);
    if (parts.length < 4 || parts.length % 2 === 1 || urlOrTime.test(value))
      return [{ name, value: { kind: "exact", value } }];
    const pairs: NamedMatch[] = [];
    for (let i = 0; i < parts.length; i += 2)
      pairs.push({ name: parts[i]!, value: { kind: "exact", value: parts[i + 1]! } });
    return pairs;
  });
}

/** One condition a line, cut at its first colon: `location: lond.*` is a full match by RE2. No colon: the header is present. */
export function parseRegexHeaders(text: string): HeaderPairs {
  return collect(text, (line) => {
    if (!line.includes(":")) return [{ name: line, value: { kind: "present" } }];
    const [name, pattern] = cut(line);
    return [{ name, value: { kind: "regex", pattern } }];
  });
}

function cut(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

function collect(text: string, parse: (line: string) => readonly NamedMatch[]): HeaderPairs {
  const bytes = Buffer.byteLength(text);
  if (bytes > mostBytes) return { pairs: [], wrong: [`has ${bytes} bytes, more than ${mostBytes}`] };
  const pairs = new Map<string, NamedMatch>();
  const wrong: string[] = [];
  if (text.trim() === "") wrong.push("has no condition");
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const conditions = lines.flatMap(parse);
  if (conditions.length > mostConditions)
    wrong.push(`has ${conditions.length} conditions, more than ${mostConditions}`);
  for (const { name, value } of conditions.slice(0, mostConditions)) {
    if (!namePattern.test(name)) {
      wrong.push("has a header name that is empty or not a token");
      continue;
    }
    const regex = value.kind === "regex" ? compileRegex(value.pattern) : null;
    if (regex !== null && !regex.ok) {
      wrong.push(`has a regex that ${regex.reason}`);
      continue;
    }
    pairs.set(name.toLowerCase(), { name: name.toLowerCase(), value });
  }
  return { pairs: [...pairs.values()], wrong: [...new Set(wrong)] };
}
