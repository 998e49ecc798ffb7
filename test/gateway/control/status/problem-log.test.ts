import { describe, expect, test } from "vitest";
import { ProblemLog, problemLogMs, soonMs } from "../../../../gateway/control/status/problem-log.ts";
import { StoppedClock } from "../../../stopped-clock.ts";
import type { Problem } from "../../../../routing/text/problem.ts";

const problem = (name: string, level: Problem["level"] = "error"): Problem => ({
  code: "no-ready-address",
  level,
  subject: { kind: "Service", namespace: "prod", name },
  field: "",
  sentence: "it is so",
});

interface Told {
  readonly logged: string[];
  readonly gathered: (readonly Problem[])[];
  /** Names of those that are new, and of those that are gone. */
  readonly changed: (readonly [readonly string[], readonly string[]])[];
  readonly clock: StoppedClock;
  readonly log: ProblemLog;
}

function logOf(gather: () => Promise<readonly Problem[]>): Told {
  const logged: string[] = [];
  const gathered: (readonly Problem[])[] = [];
  const changed: Told["changed"] = [];
  const clock = new StoppedClock();
  const log = new ProblemLog({
    isServed: () => true,
    log: {
      write: (event, fields) => logged.push(`${event} ${String(fields["problem"] ?? fields["count"])}`),
      flush: () => {},
    },
    clock,
    gather,
    gathered: (problems) => gathered.push(problems),
    changed: (fresh, gone) =>
      changed.push([fresh.map(({ subject }) => subject.name), gone.map(({ subject }) => subject.name)]),
  });
  return { logged, gathered, changed, clock, log };
}

describe("the log of Problems", () => {
  test("has each once, while it is there, and none that only informs", async () => {
    let now = [problem("a"), problem("b", "info")];
    const { logged, gathered, log } = logOf(() => Promise.resolve(now));
    await log.look();
    await log.look();
    expect(logged).toEqual([expect.stringContaining("prod/a")]);
    now = [problem("a"), problem("c")];
    await log.look();
    expect(logged.slice(1)).toEqual([expect.stringContaining("prod/c")]);
    now = [];
    await log.look();
    now = [problem("a")];
    await log.look();
    expect(logged.slice(2)).toEqual([expect.stringContaining("prod/a")]);
    expect(gathered).toHaveLength(5);
  });

  test("has 100 lines at once, and how many more there are", () => {
    const { logged, log } = logOf(() => Promise.resolve([]));
    log.take(Array.from({ length: 103 }, (_, index) => problem(`n${index}`)));
    expect(logged).toHaveLength(101);
    expect(logged.at(-1)).toBe("problems-not-logged 3");
  });

  test("is gathered for once at a time", async () => {
    const waiting: ((problems: readonly Problem[]) => void)[] = [];
    const { gathered, log } = logOf(() => new Promise((resolve) => waiting.push(resolve)));
    const first = log.look();
    await log.look();
    expect(waiting).toHaveLength(1);
    waiting[0]!([]);
    await first;
    void log.look();
    expect(waiting).toHaveLength(2);
    expect(gathered).toHaveLength(1);
  });

  test("is gathered for again after it could not be", async () => {
    let trouble = true;
    const { gathered, log } = logOf(() =>
      trouble ? Promise.reject(new Error("the table is damaged")) : Promise.resolve([]),
    );
    await expect(log.look()).rejects.toThrow("the table is damaged");
    trouble = false;
    await log.look();
    expect(gathered).toEqual([[]]);
  });

  test("tells which are new and which are gone, but not those of the start, and not one that has another sentence", () => {
    const { changed, log } = logOf(() => Promise.resolve([]));
    log.take([problem("a"), problem("b")]);
    expect(changed).toEqual([]);
    log.take([{ ...problem("a"), sentence: "it is otherwise" }, problem("c")]);
    log.take([]);
    expect(changed).toEqual([
      [["a", "c"], ["b"]],
      [[], ["a", "c"]],
    ]);
  });

  test("looks soon after an edit, and after a storm of edits once", async () => {
    const { gathered, clock, log } = logOf(() => Promise.resolve([]));
    log.change();
    await clock.advance(soonMs - 1);
    expect(gathered).toHaveLength(0);
    await clock.advance(1);
    expect(gathered).toHaveLength(1);
    for (let edit = 0; edit < 100; edit++) log.change();
    await clock.advance(problemLogMs - soonMs - 1);
    log.change();
    await clock.advance(soonMs);
    expect(gathered).toHaveLength(1);
    log.change();
    await clock.advance(soonMs);
    expect(gathered).toHaveLength(2);
  });
});
