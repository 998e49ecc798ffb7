// Counts of comparisons as the control worker keeps them: they never fall, and no namespace takes the places of another.
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { expect, test } from "vitest";
import type { ComparingToControl, ComparisonState } from "../../../../gateway/comparing/messages.ts";
import { ComparisonBook, maxBooked } from "../../../../gateway/control/comparisons/comparison-book.ts";
import { noCounts } from "../../../../routing/release/compare/added.ts";
import { until } from "../../until.ts";

function stateOf(namespace: string, deployment: string, agreed: number): ComparisonState {
  const counts = { ...noCounts, outcomes: { ...noCounts.outcomes, agreed } };
  return { namespace, deployment, predictor: "next", against: "main", rules: "true", sinceMs: 1, counts };
}

function tell(port: MessagePort, states: readonly ComparisonState[]): void {
  port.postMessage({ kind: "counts", states } satisfies ComparingToControl);
}

test("a comparison that the thread dropped and counts anew adds up, and so does another thread's", async () => {
  const book = new ComparisonBook();
  const first = new MessageChannel();
  book.join(first.port1);
  const agreed = (): number => book.comparedPairs("prod", "iris", "next").agreed;
  for (const [count, sum] of [
    [5, 5],
    [7, 7],
    [2, 9],
    [3, 10],
  ] as const) {
    tell(first.port2, [stateOf("prod", "iris", count)]);
    await until(() => agreed() === sum);
  }
  const second = new MessageChannel();
  book.join(second.port1);
  tell(second.port2, [stateOf("prod", "iris", 1)]);
  await until(() => agreed() === 11);
  for (const { port2 } of [first, second]) port2.close();
});

test.each([
  [maxBooked - 1, true],
  [maxBooked, false],
  [maxBooked + 1, false],
])("with %d comparisons of one namespace another keeps its own", async (count, keepsAll) => {
  const book = new ComparisonBook();
  const { port1, port2 } = new MessageChannel();
  book.join(port1);
  tell(port2, [stateOf("small", "iris", 3)]);
  tell(
    port2,
    Array.from({ length: count }, (_, at) => stateOf("greedy", `d${at}`, 1)),
  );
  await until(() => book.comparedPairs("greedy", `d${count - 1}`, "next").pairs === 1);
  expect(book.states).toHaveLength(Math.min(count + 1, maxBooked));
  expect(book.comparedPairs("small", "iris", "next").pairs).toBe(3);
  expect(book.comparedPairs("greedy", "d0", "next").pairs).toBe(keepsAll ? 1 : 0);
  port2.close();
});
