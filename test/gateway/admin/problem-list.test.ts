import * as fc from "fast-check";
import { expect, test } from "vitest";
import { problemsText } from "../../../gateway/admin/endpoints/problems.ts";
import { Slices } from "../../../gateway/shared/slices.ts";
import { compareProblems, printProblem, type Problem } from "../../../routing/text/problem.ts";

const problems = fc.array(
  fc.record({
    code: fc.constantFrom("bad-value", "no-endpoints", "claim-lost"),
    level: fc.constantFrom("error", "warning", "info"),
    subject: fc.record({
      kind: fc.constant("SeldonDeployment"),
      namespace: fc.constantFrom("a", "b"),
      name: fc.string({ maxLength: 3 }),
    }),
    field: fc.constantFrom("", "spec"),
    sentence: fc.string(),
  }),
  { maxLength: 400 },
) as fc.Arbitrary<Problem[]>;

/** A clock by which each look is a slice later. */
function restless(): { readonly slices: Slices; readonly rests: () => number } {
  let [now, rests] = [0, 0];
  const slices = new Slices(
    () => now++,
    async () => {
      rests += 1;
    },
  );
  return { slices, rests: () => rests };
}

test("all problems are there, sorted, whatever their order was", async () => {
  await fc.assert(
    fc.asyncProperty(problems, async (all) => {
      const gather = async (): Promise<readonly Problem[]> => all;
      const sorted = all.toSorted(compareProblems);
      expect((await problemsText(gather, restless().slices)).toString()).toBe(
        sorted.map((problem) => `${printProblem(problem)}\n`).join(""),
      );
    }),
  );
});

test("others get their turn after every few of them, in each step", async () => {
  const { slices, rests } = restless();
  const all = Array.from({ length: 6400 }, (_, at): Problem => ({
    code: "bad-value",
    level: "warning",
    subject: { kind: "Service", namespace: "n", name: String((at * 7919) % 6400) },
    field: "",
    sentence: "",
  }));
  await problemsText(async () => all, slices);
  // A hundred runs, about as many in each of seven rounds of merging, and a hundred pieces of text.
  expect(rests()).toBeGreaterThan(800);
});
