// What a shell completes, for every shell alike.
import type { NamedCommand } from "../../options/command.ts";
import { nameOf, placeholderOf } from "../../options/option.ts";

export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletedOption[];
  readonly words: Completed;
}

export interface CompletedOption {
  readonly name: string;
  /** "": none. */
  readonly short: string;
  readonly help: string;
  readonly isList: boolean;
  /** null: a flag. */
  readonly value: { readonly placeholder: string; readonly completed: Completed } | null;
}

/** Words, or names in the file system; `any`: nothing is known. */
export type Completed = readonly string[] | "files" | "directories" | "any";

export async function completedOf(commands: readonly NamedCommand[]): Promise<readonly CompletedCommand[]> {
  return Promise.all(
    commands.map(async ({ name, summary, load }) => {
      const { options, words } = await load();
      return {
        name,
        summary,
        words,
        options: Object.entries(options).map(([field, option]) => {
          const placeholder = placeholderOf(field, option);
          const completed =
            option.schema.enum ??
            (/\bFILE$/.test(placeholder) ? "files" : placeholder === "DIR" ? "directories" : "any");
          return {
            name: nameOf(field),
            short: option.short,
            help: option.help,
            isList: option.kind === "list",
            value: option.kind === "flag" ? null : { placeholder, completed },
          };
        }),
      };
    }),
  );
}

/** A text of one shell word. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
