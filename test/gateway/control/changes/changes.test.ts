// Changes from the edit to the data workers that serve it, with a clock that stands.
import { describe, expect, test } from "vitest";
import type { ChangeOutcome } from "../../../../gateway/control/changes/change.ts";
import { maxLines, maxOfAll, maxOfNamespace, windowMs } from "../../../../gateway/control/changes/change-budget.ts";
import { Changes, waitMs } from "../../../../gateway/control/changes/changes.ts";
import type { ObjectEdit } from "../../../../k8s/translate/model/edit.ts";
import type { Problem } from "../../../../routing/text/problem.ts";
import { StoppedClock } from "../../../stopped-clock.ts";

const traffic = (name = "fraud", namespace = "prod", refused: string | null = null): ObjectEdit => ({
  ref: { kind: "SeldonDeployment", namespace, name },
  kind: "changed",
  fields: [{ field: "predictors[canary].traffic", from: "20", to: "40", refused }],
});

const problem = (name: string): Problem => ({
  code: "bad-value",
  level: "warning",
  subject: { kind: "SeldonDeployment", namespace: "prod", name },
  field: "spec.x",
  sentence: "it is wrong",
});

function made() {
  const clock = new StoppedClock();
  const startMs = clock.now();
  const counts: Partial<Record<ChangeOutcome, number>> = {};
  const logged: string[] = [];
  const changes = new Changes({
    log: { write: (event, fields) => logged.push(`${event} ${String(fields["sentence"])}`), flush: () => {} },
    clock,
    nowMs: () => clock.now() - startMs,
    count: (outcome, count) => (counts[outcome] = (counts[outcome] ?? 0) + count),
    told: () => {},
  });
  const held = [1, 1];
  const serving = {
    get connected() {
      return held.length;
    },
    holding: (version: number) => held.filter((one) => one >= version).length,
  };
  const edit = (...edits: readonly ObjectEdit[]): void =>
    changes.made({ edits, more: new Map() }, clock.now() - startMs);
  const told = (): readonly string[] =>
    changes.ring.changes.map(({ change: { object, outcome, sentence } }) => `${outcome} ${object.name} ${sentence}`);
  return { clock, counts, logged, changes, held, serving, edit, told };
}

describe("a change", () => {
  test("is live when every data worker serves its table, and says after how long", () => {
    const { clock, changes, held, serving, edit, told, logged, counts } = made();
    edit(traffic());
    changes.settled(2, null, serving);
    held[0] = 2;
    clock.pass(20);
    changes.held(serving);
    expect(told()).toEqual([]);
    held[1] = 3;
    clock.pass(11);
    changes.held(serving);
    const sentence = "predictors[canary].traffic: 20 → 40, live on 2 of 2 workers after 31 ms";
    expect(told()).toEqual([`live fraud ${sentence}`]);
    expect(logged).toEqual([`change ${sentence}`]);
    expect(counts).toEqual({ live: 1 });
    expect(changes.ring.changes[0]!.change).toEqual({
      atMs: 31,
      object: traffic().ref,
      field: "predictors[canary].traffic",
      from: "20",
      to: "40",
      outcome: "live",
      sentence,
      workers: "2 of 2",
      liveAfterMs: 31,
    });
  });

  test("whose words end in a full stop goes on behind a comma", () => {
    const { changes, held, serving, edit, told } = made();
    const { ref, kind } = traffic();
    edit({ ref, kind, fields: [{ field: "rollout", from: "1%", to: "5%: enough requests.", refused: null }] });
    changes.settled(2, null, serving);
    held.fill(2);
    changes.held(serving);
    expect(told()).toEqual(["live fraud rollout: 1% → 5%: enough requests, live on 2 of 2 workers after 0 ms"]);
  });

  test("does not count from an edit before it that was not taken", () => {
    const { clock, changes, held, serving, edit, told } = made();
    edit(traffic("fraud", "prod", "it cannot be read"));
    changes.settled(2, null, serving);
    clock.pass(6785);
    edit(traffic());
    changes.settled(3, null, serving);
    held.fill(3);
    changes.held(serving);
    expect(told().at(-1)).toContain("live on 2 of 2 workers after 0 ms");
  });

  test("is live too when the worker that did not serve it has left", () => {
    const { changes, held, serving, edit, told } = made();
    edit(traffic());
    changes.settled(2, null, serving);
    held[0] = 2;
    held.pop();
    changes.held(serving);
    expect(told()[0]).toContain("live on 1 of 1 workers");
  });

  test("waits 5 s for a worker that does not take it, and is told once", () => {
    const { clock, changes, held, serving, edit, told, counts } = made();
    edit(traffic());
    changes.settled(2, null, serving);
    held[0] = 2;
    changes.held(serving);
    clock.pass(waitMs - 1);
    expect(told()).toEqual([]);
    clock.pass(1);
    expect(told()).toEqual(["waiting fraud predictors[canary].traffic: 20 → 40, live on 1 of 2 workers only"]);
    held[1] = 2;
    changes.held(serving);
    expect(counts).toEqual({ waiting: 1 });
  });

  test("that leads to no other table says so", () => {
    const { changes, serving, edit, told } = made();
    edit(traffic());
    changes.settled(null, null, serving);
    expect(told()).toEqual(["unchanged fraud predictors[canary].traffic: 20 → 40, the routing table stays as it is"]);
  });

  test("whose value does not hold, or which found no room, is not taken, and its Problem is not told again", () => {
    const { changes, serving, edit, told, counts } = made();
    edit(traffic("a", "prod", "it is wrong"), traffic("b"));
    changes.settled(2, "no room", serving);
    changes.problems([problem("a"), problem("b"), problem("d")], [problem("e")]);
    expect(told()).toEqual([
      "not-taken a predictors[canary].traffic: 20 → 40: not taken: it is wrong",
      "not-taken b predictors[canary].traffic: 20 → 40: not taken: no room",
      "ended e spec.x: bad-value has ended",
      "not-taken b spec.x: bad-value: it is wrong",
      "problem d spec.x: bad-value: it is wrong",
    ]);
    // Edited since Problems were told, and no more.
    changes.problems([{ ...problem("b"), field: "spec.y" }], []);
    expect(told().at(-1)).toContain("problem b");
    expect(counts).toEqual({ "not-taken": 3, ended: 1, problem: 2 });
  });

  test("with what a terminal obeys is told with that made visible, and cut", () => {
    const { changes, serving, edit } = made();
    edit({ ...traffic(), fields: [{ field: "a\u001b[2J", from: "\n", to: "x".repeat(2000), refused: null }] });
    changes.settled(null, null, serving);
    const { change } = changes.ring.changes[0]!;
    expect(change).toMatchObject({ field: "a\\u001b[2J", from: "\\u000a" });
    expect(change.sentence).toHaveLength(1000);
  });
});

describe("many changes", () => {
  test("of one namespace are told 20 a second, the rest as a number; all are counted", () => {
    const { clock, changes, serving, edit, told, counts } = made();
    for (let at = 0; at < 500; at++) edit(traffic(`d${at}`));
    edit(traffic("other", "quiet"));
    changes.settled(null, null, serving);
    expect(told()).toHaveLength(maxOfNamespace + 1);
    expect(told().at(-1)).toContain("unchanged other");
    clock.pass(windowMs);
    expect(told().at(-1)).toBe("more prod 480 more changes");
    expect(counts).toEqual({ unchanged: 501 });
    edit(traffic());
    changes.settled(null, null, serving);
    expect(told().at(-1)).toContain("unchanged fraud");
  });

  test("take no room from steps of rollouts, of which 20 a second are told, too", () => {
    const { clock, changes, serving, edit, told } = made();
    const step = (name: string): ObjectEdit => ({ ...traffic(name), kind: "stepped" });
    for (let at = 0; at < 500; at++) edit(traffic(`d${at}`));
    for (let at = 0; at <= maxOfNamespace; at++) edit(step(`s${at}`));
    changes.settled(null, null, serving);
    expect(told()).toHaveLength(2 * maxOfNamespace);
    expect(told().at(-1)).toContain(`unchanged s${maxOfNamespace - 1}`);
    clock.pass(windowMs);
    expect(told().slice(2 * maxOfNamespace)).toEqual(["more prod 480 more changes", "more prod 1 more changes"]);
  });

  test("of many namespaces are told 50 a second, and the rest by the namespaces that have most", () => {
    const { clock, changes, serving, edit, told } = made();
    for (let at = 0; at < maxOfAll; at++) edit(traffic("a", `n${at % 10}`));
    changes.made({ edits: [], more: new Map(Array.from({ length: 14 }, (_, at) => [`m${at}`, 14 - at])) }, 0);
    changes.settled(null, null, serving);
    expect(told()).toHaveLength(maxOfAll);
    edit(traffic("late", "m0"));
    changes.settled(null, null, serving);
    expect(told()).toHaveLength(maxOfAll);
    clock.pass(windowMs);
    const more = told().slice(maxOfAll);
    expect(more).toHaveLength(maxLines + 1);
    expect(more[0]).toBe("more m0 15 more changes");
    expect(more.at(-1)).toBe("more sluice 10 more changes");
  });

  test("of a start are one line", () => {
    const { changes, told, logged } = made();
    changes.read(10_000);
    changes.read(1);
    expect(told()).toEqual(["read sluice 10,000 objects read", "read sluice 1 object read"]);
    expect(logged).toHaveLength(2);
  });
});
