// Command-line options from a table: the same table parses the arguments, reads the environment and prints the help.
import { parseArgs } from "node:util";

/** One option of a command. Its environment variable is `SLUICE_` and the name in capitals, `-` as `_`. */
export interface Option {
  /** Kebab case, without the dashes. */
  readonly name: string;
  /** `list` may be given more than once; in the environment its values are separated by commas. */
  readonly kind: "text" | "flag" | "list";
  /** What the value looks like, for the help: `HOST:PORT`; "" for a flag. */
  readonly placeholder: string;
  readonly help: string;
}

/** What somebody wrote, and where: `--listen` or `SLUICE_LISTEN`. */
export interface Written {
  readonly from: string;
  readonly values: readonly string[];
}

export type ParsedOptions =
  | { readonly kind: "parsed"; readonly options: ReadonlyMap<string, Written>; readonly positionals: readonly string[] }
  | { readonly kind: "help" }
  /** One line: what is wrong and what to write instead. */
  | { readonly kind: "wrong"; readonly sentence: string };

/** Thrown by decoders of values inside `decoding`, never further. */
class WrongValue extends Error {}

/** Ends the decoding of an option with one line for the user. */
export function wrongValue(sentence: string): never {
  throw new WrongValue(sentence);
}

/** Runs a decoder: its value, or the sentence of the first wrong one. */
export function decoding<T>(
  decode: () => T,
): { readonly kind: "decoded"; readonly value: T } | { readonly kind: "wrong"; readonly sentence: string } {
  try {
    return { kind: "decoded", value: decode() };
  } catch (error) {
    if (error instanceof WrongValue) return { kind: "wrong", sentence: error.message };
    throw error;
  }
}

export function variableOf(name: string): string {
  return `SLUICE_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** Reads arguments first, then the environment for what the arguments do not say. An empty variable counts as unset. */
export function parseOptions(
  table: readonly Option[],
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ParsedOptions {
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: {
      ...Object.fromEntries(
        table.map(({ name, kind }) => [
          name,
          { type: kind === "flag" ? "boolean" : "string", multiple: true } as const,
        ]),
      ),
      help: { type: "boolean", short: "h" },
    },
  });
  const found = new Map<string, { from: string; values: string[] }>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    if (token.name === "help") return { kind: "help" };
    const option = table.find(({ name }) => name === token.name);
    if (option === undefined)
      return { kind: "wrong", sentence: `unknown option ${token.rawName}: ${suggestion(token.name, table)}` };
    const { value } = token;
    if (option.kind === "flag") {
      if (value !== undefined)
        return { kind: "wrong", sentence: `--${option.name} takes no value: write --${option.name} alone` };
    } else if (value === undefined || (!token.inlineValue && value.startsWith("--"))) {
      return {
        kind: "wrong",
        sentence: `--${option.name} needs a value: write --${option.name} ${option.placeholder}`,
      };
    }
    const earlier = found.get(option.name);
    if (earlier !== undefined && option.kind === "list") earlier.values.push(value ?? "");
    else found.set(option.name, { from: `--${option.name}`, values: [value ?? "true"] });
  }
  for (const { name, kind } of table) {
    const variable = variableOf(name);
    const text = environment[variable] ?? "";
    if (found.has(name) || text === "") continue;
    if (kind === "flag") {
      const on = switchOf(text);
      if (on === null) return { kind: "wrong", sentence: `${variable} is "${text}": write true or false` };
      if (on) found.set(name, { from: variable, values: ["true"] });
    } else {
      const values =
        kind === "list"
          ? text
              .split(",")
              .map((part) => part.trim())
              .filter((part) => part !== "")
          : [text];
      found.set(name, { from: variable, values });
    }
  }
  return { kind: "parsed", options: found, positionals };
}

function switchOf(text: string): boolean | null {
  if (["true", "1", "on", "yes"].includes(text.toLowerCase())) return true;
  return ["false", "0", "off", "no"].includes(text.toLowerCase()) ? false : null;
}

function suggestion(wrong: string, table: readonly Option[]): string {
  let best = "";
  let least = 4;
  for (const { name } of table) {
    const distance = name.startsWith(wrong) && wrong.length > 2 ? 1 : editDistance(wrong, name);
    if (distance < least) [best, least] = [name, distance];
  }
  return best === "" ? "write --help for the list" : `did you mean --${best}?`;
}

/** Insertions, deletions and replacements between two short words. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** One line an option: name, value, meaning. */
export function printOptions(table: readonly Option[]): string {
  const heads = table.map(
    ({ name, kind, placeholder }) =>
      `  --${name}${placeholder === "" ? "" : ` ${placeholder}`}${kind === "list" ? " …" : ""}`,
  );
  const width = Math.min(38, Math.max(...heads.map((head) => head.length))) + 2;
  return table.map(({ help }, index) => `${heads[index]!.padEnd(width)}${help}\n`).join("");
}
