// `sluice check`: the Problems of manifests, as a gateway that serves them would report them.
import type { Problem } from '../../routing/problem.ts';
import { printProblems } from './problem-list.ts';
import { runTool, type ToolOutcome, type ToolUse } from './command.ts';
import { hasOneOrigin, jsonOption, manifestOptions, readSettings, serveManifests } from './manifests.ts';

const usage = `Use: sluice check DIR|FILE… [options]
     sluice check --cluster [options]

Prints what is declared and not served as written, and under "differs from Ambassador" what Seldon's operator and Ambassador would make of it
otherwise. Resolves no names and dials nothing.
Exits 0 when there is no Problem at level error, 1 when there is one, 2 on wrong use.
`;

export function check(argv: readonly string[]): Promise<number> {
  return runTool({ name: 'check', usage, options: [jsonOption, ...manifestOptions], run }, argv);
}

async function run(use: ToolUse): Promise<ToolOutcome> {
  if (!hasOneOrigin(use, use.positionals)) return { kind: 'wrong', sentence: 'it takes either manifests or a cluster: write sluice check DIR|FILE…, or sluice check --cluster' };
  const read = await readSettings(use.options);
  if (read.kind !== 'settings') return read;
  const served = await serveManifests(use.positionals, read.settings);
  if (typeof served === 'string') return { kind: 'failed', sentence: served };
  const { problems } = served;
  const text = use.options.has('json') ? `${JSON.stringify({ problems }, null, 2)}\n` : `${printProblems(problems)}${summaryOf(problems)}\n`;
  return { kind: 'done', text, code: problems.some(({ level }) => level === 'error') ? 1 : 0 };
}

function summaryOf(problems: readonly Problem[]): string {
  const count = (level: Problem['level']): number => problems.filter((problem) => problem.level === level).length;
  return problems.length === 0 ? 'no Problems' : `${count('error')} error, ${count('warning')} warning, ${count('info')} info`;
}
