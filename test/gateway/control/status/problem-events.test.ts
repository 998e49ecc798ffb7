import { describe, expect, test } from "vitest";
import {
  eventOf,
  maxChanged,
  maxChangedOfNamespace,
  maxSteps,
  maxStepsOfNamespace,
  ProblemEvents,
  type ProblemEventTimes,
} from "../../../../gateway/control/status/problem-events.ts";
import type { Change } from "../../../../gateway/api/changes.ts";
import { changeEventOf } from "../../../../gateway/control/status/change-event.ts";
import type { EventWriter, ProblemEvent } from "../../../../k8s/source/objects/source.ts";
import type { Problem } from "../../../../routing/text/problem.ts";
import { StoppedClock } from "../../../stopped-clock.ts";

const problem = (name: string, sentence = "wrong", level: Problem["level"] = "error"): Problem => ({
  code: "bad-value",
  level,
  subject: { kind: "SeldonDeployment", namespace: "prod", name },
  field: "spec.x",
  sentence,
});

/** Remembers what was written. */
class Remembering implements EventWriter {
  readonly written: ProblemEvent[] = [];
  answer: Awaited<ReturnType<EventWriter["write"]>> = "written";

  async write(event: ProblemEvent): Promise<typeof this.answer> {
    this.written.push(event);
    return this.answer;
  }
}

const times: ProblemEventTimes = { betweenMs: 200, againMs: 60_000, forbiddenMs: 30_000 };

function start(): {
  readonly events: ProblemEvents;
  readonly writer: Remembering;
  readonly logged: string[];
  readonly clock: StoppedClock;
} {
  const writer = new Remembering();
  const logged: string[] = [];
  const clock = new StoppedClock();
  return {
    events: new ProblemEvents(writer, times, { write: (event) => logged.push(event), flush: () => {} }, clock),
    writer,
    logged,
    clock,
  };
}

describe("the event of a Problem", () => {
  test("is named by object, code and field, whatever else it says", () => {
    const { name } = eventOf(problem("iris"));
    expect(name).toMatch(/^sluice-[0-9a-f]{20}$/);
    expect(eventOf(problem("iris", "other words", "warning")).name).toBe(name);
    expect(eventOf(problem("other")).name).not.toBe(name);
    expect(eventOf({ ...problem("iris"), field: "spec.y" }).name).not.toBe(name);
    expect(eventOf({ ...problem("iris"), code: "bad-name" }).name).not.toBe(name);
  });

  test("has the code as its reason, and field and sentence as its message", () => {
    expect(eventOf(problem("iris"))).toMatchObject({ type: "Warning", reason: "BadValue", message: "spec.x: wrong" });
    expect(eventOf({ ...problem("iris"), field: "" }).message).toBe("wrong");
  });

  test.each([
    [1000, 1000],
    [1001, 1000],
    [990, 990],
  ])("of %i bytes has %i", (bytes, kept) => {
    const { message } = eventOf({ ...problem("iris", "x".repeat(bytes)), field: "" });
    expect(Buffer.byteLength(message)).toBe(kept);
    expect(
      Buffer.byteLength(eventOf({ ...problem("iris", "ü".repeat(bytes)), field: "" }).message),
    ).toBeLessThanOrEqual(1000);
  });
});

describe("Problems", () => {
  test("are written once each, one after the other; what only informs, or has no namespace, is not", async () => {
    const { events, writer, clock } = start();
    const names = (): readonly string[] => writer.written.map(({ subject }) => subject.name);
    const problems = [
      problem("a"),
      problem("b", "w", "warning"),
      problem("c", "i", "info"),
      { ...problem("d"), subject: { kind: "File", namespace: "", name: "d" } },
    ];
    events.take(problems);
    await clock.advance(199);
    expect(names()).toEqual(["a"]);
    await clock.advance(1000);
    events.take(problems);
    events.take([...problems, problem("last")]);
    await clock.advance(1000);
    expect(names()).toEqual(["a", "b", "last"]);
  });

  test.each([20, 6000])("%d of one namespace take neither place nor time from the one of another", async (count) => {
    const { events, writer, clock } = start();
    const quiet: Problem = {
      ...problem("quiet"),
      subject: { kind: "SeldonDeployment", namespace: "quiet", name: "quiet" },
    };
    events.take([...Array.from({ length: count }, (_, at) => problem(`loud${at}`)), quiet]);
    await clock.advance(199 + 2 * 200);
    expect(writer.written.map(({ subject }) => subject.name)).toEqual(["loud0", "quiet", "loud1"]);
  });

  test("are written again when they say something else, and when their time has come", async () => {
    const { events, writer, clock } = start();
    events.take([problem("a")]);
    await clock.advance(1000);
    const other = [problem("a", "else")];
    events.take(other);
    await clock.advance(1000);
    expect(writer.written.map(({ message }) => message)).toEqual(["spec.x: wrong", "spec.x: else"]);
    await clock.advance(58_999);
    events.take(other);
    await clock.advance(0);
    expect(writer.written).toHaveLength(2);
    await clock.advance(1);
    events.take(other);
    await clock.advance(0);
    expect(writer.written).toHaveLength(3);
  });

  test("are not written for a while where events are forbidden, and that is said once", async () => {
    const { events, writer, logged, clock } = start();
    writer.answer = "forbidden";
    events.take([problem("a"), problem("b")]);
    await clock.advance(1000);
    const more = [problem("a"), problem("b"), problem("c")];
    events.take(more);
    await clock.advance(28_999);
    expect(writer.written).toHaveLength(1);
    expect(logged).toEqual(["events-forbidden"]);
    writer.answer = "written";
    await clock.advance(1);
    events.take(more);
    await clock.advance(1000);
    expect(writer.written.slice(1).map(({ subject }) => subject.name)).toEqual(["a", "b", "c"]);
  });

  test("are written no more once it was stopped", async () => {
    const { events, writer, clock } = start();
    events.take([problem("a"), problem("b")]);
    await clock.advance(0);
    events.stop();
    await clock.advance(1000);
    expect(writer.written).toHaveLength(1);
    expect(clock.waiting).toBe(0);
  });

  test("beyond 5000 are left to /api/v1/problems", async () => {
    const { events, writer, clock } = start();
    events.take(Array.from({ length: 5001 }, (_, at) => problem(`d${at}`)));
    await clock.advance(5002 * times.betweenMs);
    expect(writer.written).toHaveLength(5000);
  });
});

describe("the event of a change", () => {
  const change = (name: string, more: Partial<Change> = {}): Change => ({
    atMs: 0,
    object: { kind: "SeldonDeployment", namespace: "prod", name },
    field: "predictors[canary].traffic",
    from: "20",
    to: "40",
    outcome: "live",
    sentence: "with what only this replica knows",
    workers: "2 of 2",
    liveAfterMs: 31,
    ...more,
  });

  test("is the same on every replica, and one for each object", () => {
    expect(changeEventOf(change("iris"))).toEqual({
      name: changeEventOf(change("iris", { field: "x", liveAfterMs: 7, workers: "3 of 3" }))!.name,
      subject: { kind: "SeldonDeployment", namespace: "prod", name: "iris" },
      type: "Normal",
      reason: "Changed",
      message: "predictors[canary].traffic: 20 → 40, live",
    });
    expect(changeEventOf(change("iris"))!.name).not.toBe(changeEventOf(change("other"))!.name);
    expect(changeEventOf(change("iris", { field: "", to: "created", outcome: "unchanged" }))!.message).toBe(
      "created, the routing table stays as it is",
    );
  });

  test.each<readonly [string, Partial<Change>]>([
    ["an object that is gone", { field: "", to: "deleted" }],
    ["Endpoints", { object: { kind: "Service", namespace: "prod", name: "x" } }],
    ["the gateway", { object: { kind: "Gateway", namespace: "", name: "sluice" } }],
    ["what is not taken: that is a Problem", { outcome: "not-taken" }],
    ["a Problem that ends", { outcome: "ended" }],
    ["a number of changes", { outcome: "more" }],
  ])("there is none of %s", (_, more) => {
    expect(changeEventOf(change("iris", more))).toBeNull();
  });

  test("is written once, with what else changed meanwhile, and in turn with Problems", async () => {
    const { events, writer, clock } = start();
    events.take([problem("a"), problem("b")]);
    events.changed(changeEventOf(change("iris"))!);
    events.changed(changeEventOf(change("iris", { field: "y", from: "", to: "" }))!);
    await clock.advance(5000);
    expect(writer.written.map(({ message }) => message)).toEqual([
      "spec.x: wrong",
      "predictors[canary].traffic: 20 → 40, live; y: changed, live",
      "spec.x: wrong",
    ]);
  });

  test("takes no room from the steps of rollouts, which go first: 100 of a namespace, 500 of all", async () => {
    const { events, writer, clock } = start();
    const step = (at: number, namespace: string): ProblemEvent => ({
      name: `step${at}`,
      subject: { kind: "SeldonDeployment", namespace, name: `d${at}` },
      type: "Normal",
      reason: "RolloutPaused",
      message: "it is held",
    });
    for (let at = 0; at < 2 * maxChangedOfNamespace; at++) events.changed(changeEventOf(change(`d${at}`))!);
    events.stepped(step(0, "prod"));
    await clock.advance(60_000);
    expect(writer.written.map(({ reason }) => reason).slice(0, 2)).toEqual(["RolloutPaused", "Changed"]);
    expect(writer.written).toHaveLength(maxChangedOfNamespace + 1);
    for (const [max, namespace] of [
      [maxStepsOfNamespace, () => "prod"],
      [maxSteps, (at: number) => `n${at}`],
    ] as const)
      for (const by of [-1, 0, 1]) {
        writer.written.length = 0;
        for (let at = 0; at < max + by; at++) events.stepped(step(at, namespace(at)));
        await clock.advance(200_000);
        expect(writer.written).toHaveLength(Math.min(max, max + by));
      }
  });

  test("waits for others: of one namespace 10, of all 100; and none after a refusal", async () => {
    const { events, writer, clock } = start();
    const wait = (count: number, namespace: (at: number) => string): void => {
      for (let at = 0; at < count; at++)
        events.changed(
          changeEventOf(change(`d${at}`, { object: { kind: "Mapping", namespace: namespace(at), name: `d${at}` } }))!,
        );
    };
    for (const [max, namespace] of [
      [maxChangedOfNamespace, () => "prod"],
      [maxChanged, (at: number) => `n${at}`],
    ] as const)
      for (const by of [-1, 0, 1]) {
        writer.written.length = 0;
        wait(max + by, namespace);
        await clock.advance(60_000);
        expect(writer.written).toHaveLength(Math.min(max, max + by));
      }
    writer.written.length = 0;
    writer.answer = "forbidden";
    wait(5, () => "prod");
    await clock.advance(10_000);
    wait(5, () => "prod");
    await clock.advance(10_000);
    expect(writer.written).toHaveLength(1);
  });
});
