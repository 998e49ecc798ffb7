// Completion in fish.
import { quoted, type Completed, type CompletedCommand } from "./completed.ts";

export function fishScript(commands: readonly CompletedCommand[]): string {
  const lines = ["complete -c sluice -f"];
  for (const { name, summary, options, words } of commands) {
    lines.push(`complete -c sluice -n __fish_use_subcommand -a ${name} -d ${text(summary)}`);
    const of = `complete -c sluice -n ${text(`__fish_seen_subcommand_from ${name}`)}`;
    if (words !== "any" && words.length > 0) lines.push(`${of} ${source(words)}`);
    for (const { name: option, short, help, value } of options) {
      const argument = value === null ? "" : ` -r ${source(value.completed)}`;
      lines.push(`${of} -l ${option}${short === "" ? "" : ` -s ${short}`}${argument} -d ${text(help)}`);
    }
  }
  return `# fish completion of sluice\n${lines.join("\n")}\n`;
}

function source(completed: Completed): string {
  if (completed === "files") return "-F";
  if (completed === "directories") return "-f -a '(__fish_complete_directories)'";
  return completed === "any" ? "-f" : `-f -a ${text(completed.join(" "))}`;
}

/** In quotes of fish, a backslash counts. */
function text(written: string): string {
  return quoted(written.replaceAll("\\", "\\\\")).replaceAll(String.raw`'\''`, String.raw`\'`);
}
