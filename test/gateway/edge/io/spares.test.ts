import { describe, expect, test } from "vitest";
import { Spares } from "../../../../gateway/edge/io/spares.ts";
import type { TurnEnd } from "../../../../gateway/edge/io/write-batch.ts";

class Used {
  readonly forgotten: boolean[] = [];

  forget(kept: boolean): void {
    this.forgotten.push(kept);
  }
}

/** Spares of a turn that the test ends. */
function sparesOf(most: number): {
  readonly spares: Spares<Used>;
  readonly asked: TurnEnd[];
  readonly endTurn: () => void;
} {
  const asked: TurnEnd[] = [];
  return {
    spares: new Spares<Used>({ ask: (end) => asked.push(end) }, most),
    asked,
    endTurn: () => asked.splice(0).forEach((end) => end.turnEnded()),
  };
}

describe("spares", () => {
  test("what is given back is forgotten and there again in a later turn, not in this one", () => {
    const { spares, asked, endTurn } = sparesOf(2);
    const one = new Used();
    expect(spares.take()).toBeUndefined();
    spares.giveBack(one);
    expect(spares.take()).toBeUndefined();
    expect(one.forgotten).toEqual([]);
    expect(asked).toEqual([spares]);
    endTurn();
    expect(one.forgotten).toEqual([true]);
    expect(spares.take()).toBe(one);
    expect(spares.take()).toBeUndefined();
  });

  test.each([1, 2, 3])(
    "of %i given back at once, two are kept; each is forgotten once, and the turn is asked for once",
    (count) => {
      const { spares, asked, endTurn } = sparesOf(2);
      const all = Array.from({ length: count }, () => new Used());
      for (const one of all) spares.giveBack(one);
      expect(asked).toHaveLength(1);
      endTurn();
      expect(all.map(({ forgotten }) => forgotten)).toEqual([[true], [true], [false]].slice(0, count));
      let kept = 0;
      while (spares.take() !== undefined) kept += 1;
      expect(kept).toBe(Math.min(count, 2));
    },
  );

  test("the bound holds over turns", () => {
    const { spares, endTurn } = sparesOf(2);
    for (let turn = 0; turn < 3; turn++) {
      spares.giveBack(new Used());
      endTurn();
    }
    const late = new Used();
    spares.giveBack(late);
    endTurn();
    expect(late.forgotten).toEqual([false]);
  });
});
