// What a command is: one declaration, from which its help, the pages and shell completion follow.
import type { CommandLine } from "./command-line.ts";
import type { Options } from "./option.ts";

export interface Command<T extends Options = Options> {
  /** Its forms, each without `sluice` and its name: `DIR|FILE… [options]`. */
  readonly forms: readonly string[];
  /** What it does, for `--help`. */
  readonly text: string;
  readonly options: T;
  /** The same under headings, for the help and the pages. */
  readonly sections?: Readonly<Record<string, Options>>;
  /** What the arguments are that are no options. */
  readonly words: "files" | readonly string[];
  readonly run: (use: Use<T>) => Promise<Outcome>;
}

/** How a command is found: loading its declaration loads what it runs. */
export interface NamedCommand {
  readonly name: string;
  /** For `sluice --help`, the pages and shell completion. */
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export type Use<T extends Options> = Omit<Extract<CommandLine<T>, { kind: "parsed" }>, "kind">;

/** How a command ends. `failed` is exit 1, `wrong` exit 2; each prints one line on standard error. `ended`: it has said everything itself. */
export type Outcome =
  | { readonly kind: "done"; readonly text: string; readonly code: 0 | 1; readonly form: TextForm }
  | { readonly kind: "ended"; readonly code: number }
  | { readonly kind: "failed"; readonly sentence: string }
  | { readonly kind: "wrong"; readonly sentence: string };

/** `people`: coloured on a terminal. */
export type TextForm = "people" | "plain";

/** A command with the type of its options taken away, as a list of commands holds it. */
export function command<T extends Options>(declared: Command<T>): Command {
  return declared as unknown as Command;
}
