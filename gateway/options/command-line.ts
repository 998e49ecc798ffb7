// Arguments and environment of a command, read by the table of its options; and the help of that table.
import { parseArgs } from "node:util";
import { nearWord } from "../../routing/text/near-word.ts";
import {
  decoding,
  nameOf,
  placeholderOf,
  valuesOf,
  variableOf,
  type Option,
  type Options,
  type Values,
  type Written,
} from "./option.ts";

export type CommandLine<T extends Options> =
  | {
      readonly kind: "parsed";
      readonly values: Values<T>;
      /** Options that were written, by field. */
      readonly written: ReadonlyMap<string, Written>;
      readonly positionals: readonly string[];
    }
  | { readonly kind: "help" }
  /** One line: what is wrong and what to write instead. */
  | { readonly kind: "wrong"; readonly sentence: string };

/** Reads arguments first, then the environment for what the arguments do not say. An empty variable counts as unset. */
export function readCommandLine<T extends Options>(
  table: T,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): CommandLine<T> {
  const fields = new Map(Object.keys(table).map((field) => [nameOf(field), field]));
  const options = [...fields].map(([name, field]) => {
    const { kind, short } = table[field]!;
    return [name, { type: kind === "flag" ? "boolean" : "string", ...(short === "" ? {} : { short }) }] as const;
  });
  const { tokens } = parseArgs({
    args: [...argv],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: { ...Object.fromEntries(options), help: { type: "boolean", short: "h" } },
  });
  const written = new Map<string, { from: string; texts: string[] }>();
  const positionals: string[] = [];
  const wrong = (sentence: string): CommandLine<T> => ({ kind: "wrong", sentence });
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    if (token.name === "help") return { kind: "help" };
    const field = fields.get(token.name);
    if (field === undefined) return wrong(`unknown option ${token.rawName}: ${suggestion(token.name, fields.keys())}`);
    const option = table[field]!;
    const from = `--${token.name}`;
    // `-o=json`, as kubectl takes it.
    const value = token.rawName.startsWith("--") ? token.value : token.value?.replace(/^=/, "");
    if (option.kind === "flag") {
      if (value !== undefined) return wrong(`${from} takes no value: write ${from} alone`);
    } else if (value === undefined || (!token.inlineValue && value.startsWith("--")))
      return wrong(`${from} needs a value: write ${from} ${placeholderOf(field, option)}`);
    const earlier = written.get(field);
    if (earlier === undefined) written.set(field, { from, texts: [value ?? ""] });
    else if (option.kind === "list") earlier.texts.push(value ?? "");
    else return wrong(`${from} is written twice: write it once`);
  }
  for (const [name, field] of fields) {
    const option = table[field]!;
    const from = [variableOf(name), option.variable].find((variable) => (environment[variable] ?? "") !== "");
    if (from === undefined || written.has(field)) continue;
    const text = environment[from]!;
    const texts =
      option.kind === "list"
        ? text
            .split(",")
            .map((part) => part.trim())
            .filter((part) => part !== "")
        : [text];
    if (texts.length === 0) return wrong(`${from} is "${text}": write ${placeholderOf(field, option)}, or unset it`);
    const on = option.kind === "flag" ? switchOf(text) : true;
    if (on === null) return wrong(`${from} is "${text}": write true or false`);
    if (on) written.set(field, { from, texts });
  }
  const decoded = decoding(() => valuesOf(table, written));
  return decoded.kind === "wrong" ? decoded : { kind: "parsed", values: decoded.value, written, positionals };
}

function switchOf(text: string): boolean | null {
  if (["true", "1", "on", "yes"].includes(text.toLowerCase())) return true;
  return ["false", "0", "off", "no"].includes(text.toLowerCase()) ? false : null;
}

function suggestion(wrong: string, names: Iterable<string>): string {
  const all = [...names];
  const meant = (wrong.length > 2 ? all.find((name) => name.startsWith(wrong)) : undefined) ?? nearWord(wrong, all);
  return meant === null ? "write --help for the list" : `did you mean --${meant}?`;
}

/** A line an option: name, value, meaning, default and bounds. */
export function printOptions(table: Options): string {
  const heads = Object.entries(table).map(([field, option]) => `  ${headOf(field, option)}`);
  const width = Math.min(38, Math.max(...heads.map((head) => head.length))) + 2;
  return Object.values(table)
    .map((option, index) => {
      const terms = [option.shownDefault, boundsOf(option)].filter((part) => part !== "").join("; ");
      return `${heads[index]!.padEnd(width)}${option.help}${terms === "" ? "" : ` (${terms})`}\n`;
    })
    .join("");
}

/** `--folder DIR …`, `-X, --method METHOD`. */
export function headOf(field: string, option: Option): string {
  const placeholder = placeholderOf(field, option);
  const short = option.short === "" ? "" : `-${option.short}, `;
  return `${short}--${nameOf(field)}${placeholder === "" ? "" : ` ${placeholder}`}${option.kind === "list" ? " …" : ""}`;
}

/** `1 to 64`; "" where there are none. */
export function boundsOf({ schema: { minimum, maximum } }: Option): string {
  return minimum === undefined ? "" : `${minimum} to ${maximum}`;
}
