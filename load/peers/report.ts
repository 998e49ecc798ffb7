// Results as Markdown, with the facts of the machine and the command that made them.
import { execFileSync } from "node:child_process";
import { cpus, loadavg, release, totalmem } from "node:os";
import { ratios, type Spread } from "./statistics.ts";

export function number(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function ratioCell(ratio: Spread): string {
  return `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} – ${ratio.max.toFixed(2)})`;
}

/** Every peer against the first one and the first against every other, from values by round. */
export function ratioTable(values: ReadonlyMap<string, readonly number[]>): string {
  const [subject, ...others] = [...values];
  if (subject === undefined) return "";
  return table(
    ["", "median of ratios (min – max)"],
    others.map(([name, own]) => [`${subject[0]} / ${name}`, ratioCell(ratios(subject[1], own))]),
  );
}

function firstLine(program: string, ...words: readonly string[]): string {
  try {
    return execFileSync(program, words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).split("\n")[0]!;
  } catch {
    return `${program}: not there`;
  }
}

/** Heading of a result file. */
export function heading(title: string, command: string): string {
  const processor = cpus();
  return [
    `# ${title}`,
    "",
    `- Command: \`${command}\``,
    `- When: ${new Date().toISOString()}, commit ${firstLine("git", "rev-parse", "--short", "HEAD")}`,
    `- Machine: ${processor.length} × ${processor[0]?.model ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, load average at the end ${loadavg().map(number).join(" ")}`,
    `- Node ${process.version}; ${firstLine("haproxy", "-v")}; Envoy 1.40.0; nginx 1.22.1`,
    "",
  ].join("\n");
}
