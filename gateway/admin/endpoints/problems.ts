// /api/problems: gathered, sorted and written in slices. There may be ten thousand, and a change waits for one slice of it at most.
import { compareProblems, printProblem, type Problem } from "../../../routing/text/problem.ts";
import { visibleLines } from "../../../routing/text/visible.ts";
import { sendingShared } from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { slicesOfThread, type Slices } from "../slices.ts";

/** Sorted or written between two looks at the clock: some hundredths of a millisecond. */
const together = 64;

export function problems({ view }: EndpointParts): Handler {
  const gather = (slices: Slices): Promise<readonly Problem[]> => view.gatherProblems(slices);
  return sendingShared(
    () => problemsJson(gather, slicesOfThread()),
    () => problemsText(gather, slicesOfThread()),
  );
}

/** As JSON, sorted. */
export async function problemsJson(
  gather: (slices: Slices) => Promise<readonly Problem[]>,
  slices: Slices,
): Promise<Buffer> {
  return Buffer.from(
    `{"problems":[${(await written(gather, slices, (problem) => visibleLines(JSON.stringify(problem)))).join()}]}`,
  );
}

/** One line each, sorted. */
export async function problemsText(
  gather: (slices: Slices) => Promise<readonly Problem[]>,
  slices: Slices,
): Promise<Buffer> {
  return Buffer.from((await written(gather, slices, (problem) => `${printProblem(problem)}\n`)).join(""));
}

async function written(
  gather: (slices: Slices) => Promise<readonly Problem[]>,
  slices: Slices,
  write: (problem: Problem) => string,
): Promise<readonly string[]> {
  const sorted = await sortedInSlices(await gather(slices), slices);
  const texts: string[] = [];
  for (let from = 0; from < sorted.length; from += together) {
    for (const problem of sorted.slice(from, from + together)) texts.push(write(problem));
    await slices.pause();
  }
  return texts;
}

/** A merge sort, from runs that are sorted at once. */
async function sortedInSlices(problems: readonly Problem[], slices: Slices): Promise<readonly Problem[]> {
  let runs: (readonly Problem[])[] = [];
  for (let from = 0; from < problems.length; from += together) {
    runs.push(problems.slice(from, from + together).sort(compareProblems));
    await slices.pause();
  }
  while (runs.length > 1) {
    const merged: (readonly Problem[])[] = [];
    for (let index = 0; index < runs.length; index += 2)
      merged.push(await mergedInSlices(runs[index]!, runs[index + 1] ?? [], slices));
    runs = merged;
  }
  return runs[0] ?? [];
}

async function mergedInSlices(
  one: readonly Problem[],
  other: readonly Problem[],
  slices: Slices,
): Promise<readonly Problem[]> {
  const merged: Problem[] = [];
  let [at, otherAt] = [0, 0];
  while (at < one.length || otherAt < other.length) {
    const isOne = otherAt === other.length || (at < one.length && compareProblems(one[at]!, other[otherAt]!) <= 0);
    merged.push(isOne ? one[at++]! : other[otherAt++]!);
    if (merged.length % together === 0) await slices.pause();
  }
  return merged;
}
