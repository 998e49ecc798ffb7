// Told Problems: of one object, at most so many. Who writes thousands of wrong keys into one object would fill the lists of everybody.
import type { Problem, ProblemLevel } from "../../../routing/text/problem.ts";

/** Most Problems of what one object says by itself. */
export const mostTold = 100;

const severity: Readonly<Record<ProblemLevel, number>> = { error: 0, warning: 1, info: 2 };

/** The Problems of one object; of more than `mostTold` the most severe, and one that counts the others. */
export function toldOf(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= mostTold) return problems;
  const inOrder = problems.toSorted((a, b) => severity[a.level] - severity[b.level]);
  const [first] = inOrder.splice(mostTold - 1) as [Problem, ...Problem[]];
  const sentence = `this object has ${problems.length - mostTold + 1} more Problems, which are not listed; correct those that are`;
  return [...inOrder, { code: "more-problems", level: first.level, subject: first.subject, field: "", sentence }];
}
