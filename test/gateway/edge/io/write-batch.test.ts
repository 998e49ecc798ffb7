import { describe, expect, test } from "vitest";
import { Spares } from "../../../../gateway/edge/io/spares.ts";
import { WriteBatch } from "../../../../gateway/edge/io/write-batch.ts";

/** The next turn's end has been. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function planted(): never {
  throw new Error("planted");
}

describe("the end of a turn", () => {
  test("is told to all who asked, in order, also where one of them fails", async () => {
    const faults: string[] = [];
    const told: string[] = [];
    const batch = new WriteBatch((error) => faults.push(String(error)));
    batch.ask({ turnEnded: () => told.push("first") });
    batch.ask({ turnEnded: planted });
    batch.ask({ turnEnded: () => told.push("third") });
    await turn();
    expect([told, faults]).toEqual([["first", "third"], ["Error: planted"]]);
  });

  test("is told once for each time that it was asked for, also in turns behind a failure", async () => {
    const told: string[] = [];
    const batch = new WriteBatch(() => undefined);
    for (const name of ["a", "b", "c"]) {
      batch.ask({ turnEnded: planted });
      batch.ask({ turnEnded: () => told.push(name) });
      await turn();
    }
    expect(told).toEqual(["a", "b", "c"]);
  });

  test("who asks while it is told is told in the next", async () => {
    const told: string[] = [];
    const batch = new WriteBatch(() => undefined);
    batch.ask({
      turnEnded() {
        told.push("first");
        batch.ask({ turnEnded: () => told.push("second") });
      },
    });
    await turn();
    expect(told).toEqual(["first"]);
    await turn();
    expect(told).toEqual(["first", "second"]);
  });
});

test("spares: one that fails to forget is lost, and the others are there again", async () => {
  const faults: unknown[] = [];
  const spares = new Spares<{ readonly name: string; forget(): void }>(
    new WriteBatch((error) => faults.push(error)),
    8,
  );
  const good = ["a", "b", "c"].map((name) => ({ name, forget: () => undefined }));
  spares.giveBack(good[0]!);
  spares.giveBack({ name: "bad", forget: planted });
  spares.giveBack(good[1]!);
  await turn();
  await turn();
  spares.giveBack(good[2]!);
  await turn();
  const kept = [spares.take(), spares.take(), spares.take(), spares.take()].map((one) => one?.name ?? "-");
  expect([kept.sort(), faults.length]).toEqual([["-", "a", "b", "c"], 1]);
});
