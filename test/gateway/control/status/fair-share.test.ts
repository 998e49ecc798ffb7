import { expect, test } from "vitest";
import { StoppedClock } from "../../../stopped-clock.ts";
import { fairShare } from "../../../../gateway/control/status/fair-share.ts";
import { ProblemEvents } from "../../../../gateway/control/status/problem-events.ts";
import { ProblemLog } from "../../../../gateway/control/status/problem-log.ts";
import type { Problem } from "../../../../routing/text/problem.ts";

const problemsOf = (namespace: string, count: number): Problem[] =>
  Array.from({ length: count }, (_, index) => ({
    code: "no-ready-address",
    level: "error",
    subject: { kind: "Service", namespace, name: `s${index}` },
    field: "",
    sentence: "it is so",
  }));

function countsOf(problems: readonly Problem[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...Map.groupBy(problems, ({ subject }) => subject.namespace)].map(([namespace, all]) => [namespace, all.length]),
  );
}

test.each([
  [
    { a: 4, b: 6 },
    { a: 4, b: 6 },
  ],
  [
    { a: 5, b: 6 },
    { a: 5, b: 5 },
  ],
  [
    { a: 1000, b: 2 },
    { a: 8, b: 2 },
  ],
  [
    { a: 1000, b: 3, c: 4 },
    { a: 3, b: 3, c: 3 },
  ],
  [
    { a: 1000, b: 1, c: 4 },
    { a: 5, b: 1, c: 4 },
  ],
  [{ a: 0, b: 11 }, { b: 10 }],
])("of %j ten are %j", (there, taken) => {
  const problems = Object.entries(there).flatMap(([namespace, count]) => problemsOf(namespace, count));
  expect(countsOf(fairShare(problems, 10))).toEqual(taken);
});

test("a namespace with thousands of Problems hides none of another, in the log or as Events", async () => {
  const problems = [...problemsOf("flood", 20_000), ...problemsOf("other", 1)];
  const shown: string[] = [];
  const logged: [string, unknown][] = [];
  const log = {
    write: (event: string, fields: Readonly<Record<string, unknown>>) =>
      void logged.push([event, fields["problem"] ?? fields["count"]]),
    flush: () => {},
  };
  const events = new ProblemEvents(
    { write: async ({ subject }) => (shown.push(subject.namespace), "written") },
    { betweenMs: 0, againMs: 1000, forbiddenMs: 1000 },
    log,
    { now: () => 0, after: (_ms, ring) => (queueMicrotask(ring), { cancel: () => {} }) },
  );
  events.take(problems);
  while (shown.length < 5000) await Promise.resolve();
  expect(shown.filter((namespace) => namespace === "other")).toEqual(["other"]);
  const problemLog = new ProblemLog({
    log,
    clock: new StoppedClock(),
    isServed: () => true,
    gather: () => Promise.resolve([]),
    gathered: () => {},
    changed: () => {},
  });
  problemLog.take(problemsOf("flood", 20_000));
  logged.length = 0;
  problemLog.take(problems);
  expect(logged.filter(([, text]) => String(text).includes("other/"))).toHaveLength(1);
  problemLog.take([]);
  problemLog.take(problems);
  expect(logged.filter(([event]) => event === "problems-not-followed")).toEqual([["problems-not-followed", 15_001]]);
});
