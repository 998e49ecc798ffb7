// A reporter of vitest: at the end of a run, its slowest files with their seconds, so that whoever makes the tests slower sees it.
import type { Reporter, TestModule } from "vitest/node";

const mostLines = 10;

/** Lines for the slowest of these files, slowest first; none for a run of so few files that its list is the same. */
export function slowestLines(
  files: readonly { readonly name: string; readonly durationMs: number }[],
): readonly string[] {
  if (files.length <= mostLines) return [];
  const lines = files
    .toSorted((a, b) => b.durationMs - a.durationMs)
    .slice(0, mostLines)
    .map(({ name, durationMs }) => `${(durationMs / 1000).toFixed(1).padStart(7)} s  ${name}`);
  return [`The slowest ${mostLines} of ${files.length} files:`, ...lines];
}

export default class Slowest implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = slowestLines(
      modules.map((module) => ({ name: module.relativeModuleId, durationMs: module.diagnostic().duration })),
    );
    if (lines.length > 0) process.stdout.write(`\n${lines.join("\n")}\n`);
  }
}
