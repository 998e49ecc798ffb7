// /api/v1/problems: gathered, sorted and written in slices. There may be ten thousand, and a change waits for one slice of it at most.
import { compareProblems, printProblem, type Problem } from "../../../routing/text/problem.ts";
import { problemShape } from "../../api/problem.ts";
import { byForm, sendingText } from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { listing } from "../list.ts";
import { slicesOfThread, type Slices } from "../../shared/slices.ts";
import { sortedInSlices } from "../sorting.ts";

/** Written between two looks at the clock: some hundredths of a millisecond. */
const together = 64;

export function problems({ view, peers }: EndpointParts): Handler {
  return byForm({
    json: listing<Problem, Problem>({
      gather: (slices) => view.gatherProblems(slices),
      key: ({ subject: { namespace, kind, name }, field, code, sentence }) =>
        JSON.stringify([namespace, kind, name, field, code, sentence]),
      namespace: ({ subject }) => subject.namespace,
      json: (problem) => problem,
      wanted: () => () => true,
      joining: {
        peers,
        item: problemShape,
        namespace: ({ subject }) => subject.namespace,
        merge: ([first]) => (first === undefined ? [] : [first.value]),
      },
    }),
    text: sendingText((viewer) =>
      problemsText(
        async (slices) => (await view.gatherProblems(slices)).filter(({ subject }) => viewer.sees(subject.namespace)),
        slicesOfThread(),
      ),
    ),
    events: null,
  });
}

/** One line each, sorted. */
export async function problemsText(
  gather: (slices: Slices) => Promise<readonly Problem[]>,
  slices: Slices,
): Promise<Buffer> {
  const sorted = await sortedInSlices(await gather(slices), compareProblems, slices);
  const texts: string[] = [];
  for (let from = 0; from < sorted.length; from += together) {
    for (const problem of sorted.slice(from, from + together)) texts.push(`${printProblem(problem)}\n`);
    await slices.pause();
  }
  return Buffer.from(texts.join(""));
}
