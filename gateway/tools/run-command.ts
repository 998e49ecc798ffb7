// Runs a command: help, wrong use, and where its text goes.
import { visible, visibleLines } from "../../routing/text/visible.ts";
import type { Command } from "../options/command.ts";
import { printOptions, readCommandLine } from "../options/command-line.ts";
import { coloured, wantsColour } from "./colour.ts";
import { print } from "./terminal/print.ts";

/** The exit code. `argv`: the arguments after its name. */
export async function runCommand(name: string, command: Command, argv: readonly string[]): Promise<number> {
  const parsed = readCommandLine(command.options, argv, process.env);
  if (parsed.kind === "help") {
    print(helpOf(name, command));
    return 0;
  }
  const outcome = parsed.kind === "wrong" ? parsed : await command.run(parsed);
  if (outcome.kind === "ended") return outcome.code;
  if (outcome.kind === "done") {
    const text = visibleLines(outcome.text);
    // A reader who leaves does not change it.
    process.exitCode = outcome.code;
    print(outcome.form === "people" && wantsColour(process.stdout.isTTY, process.env) ? coloured(text) : text);
    return outcome.code;
  }
  process.stderr.write(`sluice ${name}: ${visible(outcome.sentence)}\n`);
  return outcome.kind === "wrong" ? 2 : 1;
}

function helpOf(name: string, { forms, text, options, sections = { Options: options } }: Command): string {
  const use = forms.map((form, index) => `${index === 0 ? "Use:" : "    "} sluice ${name} ${form}`.trimEnd());
  const lists = Object.entries(sections).map(([heading, table]) => `\n${heading}:\n${printOptions(table)}`);
  return `${use.join("\n")}\n\n${text}${Object.keys(options).length === 0 ? "" : lists.join("")}`;
}
