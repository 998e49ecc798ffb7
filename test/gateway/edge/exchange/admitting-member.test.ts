import { expect, test } from "vitest";
import type { ForwardDecision } from "../../../../routing/route/decision.ts";
import { admittingMember } from "../../../../gateway/edge/exchange/admitting-member.ts";
import type { LazyMapping } from "../../../../gateway/edge/policy/compiled-mapping.ts";

/** Members by name, with their shares; those in capitals admit nobody. */
function membersOf(
  ...members: readonly (readonly [name: string, share: number])[]
): readonly ForwardDecision<LazyMapping>[] {
  const forwards: unknown[] = [];
  let bound = 0;
  for (const [name, share] of members)
    forwards.push({
      name,
      bound: (bound += share),
      attached: { compiledFor: () => ({ admitsNobody: name === name.toUpperCase() }) },
      route: { split: { forwards } },
    });
  return forwards as ForwardDecision<LazyMapping>[];
}

const nameOf = (decision: ForwardDecision<LazyMapping>): string => (decision as unknown as { name: string }).name;

test("the share of a member that admits nobody goes to the others in proportion, wherever it stands", () => {
  for (const members of [
    [
      ["A", 0.25],
      ["b", 0.5],
      ["c", 0.25],
    ],
    [
      ["b", 0.5],
      ["A", 0.25],
      ["c", 0.25],
    ],
    [
      ["b", 0.5],
      ["c", 0.25],
      ["A", 0.25],
    ],
  ] as const) {
    const forwards = membersOf(...members);
    const closed = forwards.find((one) => nameOf(one) === "A")!;
    const counts = { A: 0, b: 0, c: 0 };
    for (let at = 0; at < 3000; at++) counts[nameOf(admittingMember(closed, at / 3000)) as "A" | "b" | "c"] += 1;
    expect(counts).toEqual({ A: 0, b: 2000, c: 1000 });
  }
});

test("where none admits anybody, or there is no other, it stays as it was drawn", () => {
  for (const forwards of [membersOf(["A", 1]), membersOf(["A", 0.5], ["B", 0.5])]) {
    for (const draw of [0, 0.5, 0.999]) expect(admittingMember(forwards.at(-1)!, draw)).toBe(forwards.at(-1));
  }
});
