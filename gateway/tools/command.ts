// The frame of a tool: help, wrong use, and where its text goes.
import { visible, visibleLines } from "../../routing/text/visible.ts";
import { parseOptions, printOptions, type Option, type Written } from "../options/options.ts";
import { coloured, wantsColour } from "./colour.ts";

export interface ToolUse {
  readonly options: ReadonlyMap<string, Written>;
  readonly positionals: readonly string[];
}

/** `people`: coloured on a terminal. */
export type TextForm = "people" | "plain";

/** How a tool ends. `failed` is exit 1, `wrong` exit 2; each prints one line on standard error. */
export type ToolOutcome =
  | { readonly kind: "done"; readonly text: string; readonly code: 0 | 1; readonly form: TextForm }
  | { readonly kind: "failed"; readonly sentence: string }
  | { readonly kind: "wrong"; readonly sentence: string };

export interface Tool {
  readonly name: string;
  /** The text of `--help` before the options. */
  readonly usage: string;
  readonly options: readonly Option[];
  readonly run: (use: ToolUse) => Promise<ToolOutcome>;
}

/** Runs a tool with the arguments after its name: the exit code. */
export async function runTool(tool: Tool, argv: readonly string[]): Promise<number> {
  const parsed = parseOptions(tool.options, longForms(argv), process.env);
  if (parsed.kind === "help") {
    process.stdout.write(`${tool.usage}\n${printOptions(tool.options)}`);
    return 0;
  }
  const outcome = parsed.kind === "wrong" ? parsed : await tool.run(parsed);
  if (outcome.kind === "done") {
    const text = visibleLines(outcome.text);
    process.stdout.write(
      outcome.form === "people" && wantsColour(process.stdout.isTTY, process.env) ? coloured(text) : text,
    );
    return outcome.code;
  }
  process.stderr.write(`sluice ${tool.name}: ${visible(outcome.sentence)}\n`);
  return outcome.kind === "wrong" ? 2 : 1;
}

/** Short options in their long form: curl's -X and -H, kubectl's -n. */
const shortOptions: Readonly<Record<string, string>> = { X: "--method", H: "--header", n: "--object-namespace" };

function longForms(argv: readonly string[]): string[] {
  const long: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const [, letter = "", inline = ""] = /^-([XHn])(.*)$/s.exec(argv[at]!) ?? [];
    const name = shortOptions[letter];
    if (name === undefined) long.push(argv[at]!);
    else if (inline !== "") long.push(`${name}=${inline}`);
    else if (at + 1 < argv.length) long.push(`${name}=${argv[++at]!}`);
    else long.push(name);
  }
  return long;
}

/** First value of an option, or null. */
export function valueOf({ options }: ToolUse, name: string): string | null {
  return options.get(name)?.values[0] ?? null;
}
