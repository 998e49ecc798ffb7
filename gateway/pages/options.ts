// Commands, options and limits, for OPTIONS.md.
import { commandsOf } from "../commands.ts";
import type { Command } from "../options/command.ts";
import { boundsOf, headOf } from "../options/command-line.ts";
import type { Options } from "../options/option.ts";
import { serveSections } from "../options/serve-options.ts";
import { manifestOptions } from "../tools/manifests.ts";
import { table, type GeneratedPart } from "./generated.ts";

const page = "gateway/OPTIONS.md";

const commands: readonly (readonly [string, string, Command])[] = await Promise.all(
  commandsOf(() => Promise.reject(new Error("nothing is explained here"))).map(
    async ({ name, summary, load }) => [name, summary, await load()] as const,
  ),
);

/** Options that several commands have are listed once. */
const shared = new Set(Object.values<unknown>({ ...manifestOptions }));

export const commandsPart: GeneratedPart = {
  page,
  name: "commands",
  text: () =>
    table(
      ["command", "", "its options beside the shared ones"],
      commands.map(([name, summary, { forms, options }]) => [
        forms.map((form) => `\`sluice ${`${name} ${form.replace(/ {2,}.*/, "")}`.trim()}\``).join("<br>"),
        summary,
        name === "serve"
          ? "[below](#options-of-serve)"
          : Object.entries(options)
              .filter(([, option]) => !shared.has(option))
              .map(([field, option]) => `\`${headOf(field, option)}\``)
              .join(", "),
      ]),
    ),
};

export const sharedOptionsPart: GeneratedPart = {
  page,
  name: "shared-options",
  text: () => optionTable(manifestOptions),
};

export const serveOptionsPart: GeneratedPart = {
  page,
  name: "serve-options",
  text: () =>
    Object.entries<Options>(serveSections)
      .map(([heading, options]) => `### ${heading}\n\n${optionTable(options)}`)
      .join("\n\n"),
};

function optionTable(options: Options): string {
  return table(
    ["option", "default", "bounds", ""],
    Object.entries(options).map(([field, option]) => {
      const byDefault = option.kind === "flag" && option.shownDefault === "" ? "off" : option.shownDefault;
      return [`\`${headOf(field, option)}\``, byDefault, boundsOf(option), option.help.replaceAll("<", "&lt;")];
    }),
  );
}
