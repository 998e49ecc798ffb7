// Problems as `sluice check` prints them: first what is wrong, then under one heading what is served, but not as Ambassador would.
import { isDifference, printProblem, type Problem } from '../../routing/problem.ts';

/** A line each, in the order given; "" when there are none. */
export function printProblems(problems: readonly Problem[]): string {
  const lines = (some: readonly Problem[]): string => some.map((problem) => `${printProblem(problem)}\n`).join('');
  const differences = problems.filter(isDifference);
  const others = lines(problems.filter((problem) => !isDifference(problem)));
  if (differences.length === 0) return others;
  return `${others}${others === '' ? '' : '\n'}differs from Ambassador:\n${lines(differences)}\n`;
}
