// The controller of releases with a store, a clock and counts of the test: whatever fails, the split is one that the record said, and no share is lost.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { printReleases, readReleases, writable } from "../../../../gateway/control/releases/release-record.ts";
import {
  releaseKey,
  type PlannedRelease,
  type ReleaseEntry,
  type ReleaseRecord,
} from "../../../../k8s/translate/model/release.ts";
import { readBanditPlan } from "../../../../routing/release/bandit/plan.ts";
import type { BanditState } from "../../../../routing/release/bandit/decide.ts";
import type { RolloutState } from "../../../../routing/release/rollout/state.ts";
import { noCounts, type ArmCounts } from "../../../../routing/release/statistics/arm-counts.ts";
import { maxBeginning, missingMs } from "../../../../gateway/control/releases/release-controller.ts";
import {
  arms,
  bandit,
  canaryPercent,
  lookMs,
  planned,
  Replica,
  rollout,
  worldOf,
  type World,
} from "./release-world.ts";

test("a canary that is well goes through its steps, each as long as it takes, and is promoted", async () => {
  const world = worldOf(2);
  expect(canaryPercent(world)).toBe(0);
  const seen: number[] = [];
  for (let looks = 0; looks < 60; looks++) {
    await world.look();
    if (seen.at(-1) !== canaryPercent(world)) seen.push(canaryPercent(world));
    for (const arm of arms) world.count(arm, 40, 0);
  }
  expect(seen).toEqual([5, 25, 100]);
  expect(world.replicas.map(({ record }) => record.get("prod/iris")!.state)).toEqual(["promoted", "promoted"]);
  expect(world.shares(world.replicas[1]!)).toEqual([0, 1, 0]);
});

test("without requests, or with a replica away, nothing is promoted; a fault is rolled back in either case", async () => {
  const world = worldOf(1);
  for (let looks = 0; looks < 60; looks++) await world.look();
  expect(canaryPercent(world)).toBe(5);
  world.isAway = true;
  for (let looks = 0; looks < 60; looks++) {
    for (const arm of arms) world.count(arm, 40, 0);
    await world.look();
  }
  expect(canaryPercent(world)).toBe(5);
  for (let looks = 0; looks < 30; looks++) {
    for (const arm of arms) world.count(arm, 40, arm === "canary" ? 36 : 0);
    await world.look();
  }
  expect(canaryPercent(world)).toBe(0);
  expect(world.replicas[0]!.record.get("prod/iris")).toMatchObject({ state: "aborted" });
});

test("a look at all ends, though each look asks for another at what changed", async () => {
  const world = worldOf(1);
  const { controller } = world.replicas[0]!;
  let looks = 0;
  world.looked = () => {
    looks += 1;
    if (looks < 100) void controller.look("changed");
  };
  await controller.look();
  expect(looks).toBe(1);
  await controller.look();
  expect(looks).toBe(2);
});

test.each([
  ["rollout", rollout("to canary; steps 5%, 100%; every 1h; min 1000 requests")],
  ["bandit", bandit()],
])(
  "what is counted from the first look on is evidence, though the store tells of the write before it answers: %s",
  async (_kind, release) => {
    const world = worldOf(1);
    world.planned = release;
    for (let looks = 0; looks < 3; looks++) {
      await world.look();
      for (const arm of arms) world.count(arm, 40, 0);
    }
    await world.look();
    const state = world.replicas[0]!.controller.decisionOf(world.planned.ref)!.decision.state as
      | BanditState
      | Extract<RolloutState, { kind: "stepping" }>;
    expect("whole" in state ? state.whole.canary.requests : state.rewards["canary"]!.count).toBeCloseTo(120, 0);
  },
);

test("a bug of a look is told, shares stay, and the next look goes on", async () => {
  const world = worldOf(1);
  await world.look();
  world.isFaulty = true;
  await world.look();
  expect([world.faults.length, canaryPercent(world)]).toEqual([1, 5]);
  world.isFaulty = false;
  for (let looks = 0; looks < 8; looks++) {
    for (const arm of arms) world.count(arm, 40, 0);
    await world.look();
  }
  expect([world.faults.length, canaryPercent(world)]).toEqual([1, 25]);
});

test("a record that is deleted is written again, one that is edited by hand is not believed and stays in force as it was", async () => {
  const world = worldOf(1);
  await world.look();
  const { text } = world.store;
  world.store.set(null);
  expect(canaryPercent(world)).toBe(5);
  await world.look();
  expect(world.store.text).toBe(text);
  world.store.set(text!.replace('"canary":5', '"canary":95'));
  for (let looks = 0; looks < 30; looks++) {
    for (const arm of arms) world.count(arm, 40, 0);
    await world.look();
  }
  expect(canaryPercent(world)).toBe(5);
  expect(world.replicas[0]!.book.problems.map(({ code }) => code)).toEqual(["releases-record"]);
});

test("a canary that is to begin with all of the traffic gets it once it has a ready Endpoint", async () => {
  const world = worldOf(2);
  const [leader] = world.replicas;
  world.isUnready = true;
  world.planned = rollout("to canary; steps 100%; every 10s; min 50 requests; errors ≤ 2%");
  for (let looks = 0; looks < 20; looks++) await world.look();
  expect([canaryPercent(world), leader!.record.size, leader!.events.length]).toEqual([0, 0, 0]);
  expect(leader!.controller.decisionOf(world.planned.ref)?.decision).toMatchObject({
    sentence: "It does not begin: its step is 100% of the traffic, and canary has no ready Endpoint.",
    waitsFor: "a ready Endpoint of canary",
  });
  world.isUnready = false;
  await world.look();
  expect(canaryPercent(world)).toBe(100);
});

test("another text that gives a canary without a ready Endpoint all of the traffic leaves it what it has; an abort does not wait", async () => {
  const world = worldOf(1);
  await world.look();
  expect(canaryPercent(world)).toBe(5);
  world.isUnready = true;
  world.planned = rollout("to canary; steps 100%; every 10s; min 50 requests; errors ≤ 2%");
  for (let looks = 0; looks < 20; looks++) await world.look();
  expect(canaryPercent(world)).toBe(5);
  world.planned = { ...world.planned, isAborted: true };
  await world.look();
  expect(canaryPercent(world)).toBe(0);
});

test("a promote that an abort outdid, or that came after it, promotes no later model", async () => {
  for (const orders of [
    [{ isAborted: true, isPromoted: true }],
    [{ isAborted: true }, { isAborted: true, isPromoted: true }, { isAborted: false }],
  ] as const) {
    const world = worldOf(1);
    await world.look();
    for (const order of orders) {
      world.planned = { ...world.planned, ...order };
      await world.look();
    }
    expect(canaryPercent(world)).toBe(0);
    world.planned = { ...world.planned, isAborted: false, models: "2" };
    await world.look();
    await world.look();
    expect(canaryPercent(world)).toBe(5);
    world.planned = { ...world.planned, isPromoted: false };
    await world.look();
    world.planned = { ...world.planned, isPromoted: true };
    await world.look();
    expect(canaryPercent(world)).toBe(100);
  }
});

test.each<readonly [string, readonly Partial<PlannedRelease>[]]>([
  ["a rollout that begins", [{ isPromoted: true }]],
  ["another model, behind a pause", [{ isPaused: true, isPromoted: true }, { models: "2" }, { isPaused: false }]],
  ["another model", [{}, { isPromoted: true, models: "2" }]],
])("a promote that was there before %s does not count; one that is written anew does", async (_, edits) => {
  const world = worldOf(1);
  for (const edit of edits) {
    world.planned = { ...world.planned, ...edit };
    await world.look();
    await world.look();
    expect(canaryPercent(world)).toBe(5);
  }
  expect(world.replicas[0]!.record.get("prod/iris")!.why).toContain("sluice.io/rollout-promote was there before");
  world.planned = { ...world.planned, isPromoted: false };
  await world.look();
  world.planned = { ...world.planned, isPromoted: true };
  await world.look();
  expect(canaryPercent(world)).toBe(100);
});

test("a bandit whose rewards are of another kind forgets those that it has, and keeps its shares", async () => {
  const world = worldOf(1);
  world.planned = bandit();
  const look = async (): Promise<void> => {
    for (const arm of arms) world.count(arm, 40, arm === "canary" ? 0 : 30);
    await world.look();
  };
  for (let looks = 0; looks < 12; looks++) await look();
  const before = world.replicas[0]!.record.get("prod/iris")!;
  expect(before.rewards["canary"]!.count).toBeGreaterThan(100);
  const read = readBanditPlan("policy ucb; floor 5%; every 10s");
  if ("mistake" in read) throw new Error(read.mistake);
  world.planned = { ...world.planned, plan: { kind: "bandit", plan: read.plan }, text: "2" };
  await look();
  expect(world.replicas[0]!.record.get("prod/iris")!.rewards["canary"]!.count).toBeGreaterThan(100);
  world.planned = {
    ...world.planned,
    plan: { kind: "bandit", plan: { ...read.plan, reward: { kind: "success" } } },
    text: "3",
  };
  await look();
  expect(world.replicas[0]!.record.get("prod/iris")).toMatchObject({
    shares: before.shares,
    rewards: { canary: { count: 0, sum: 0, sumSquares: 0 } },
  });
});

test("a bug about one release stops no other", async () => {
  const world = worldOf(1);
  const good = world.planned;
  const bad = { ...rollout("canary"), ref: { ...planned.ref, name: "bad" }, arms: null as never };
  for (const all of [
    [bad, good],
    [good, bad],
  ]) {
    const replica = new Replica(world, () => all);
    replica.isLeader = true;
    await replica.controller.look();
    expect(replica.record.get("prod/iris")).toMatchObject({ shares: { canary: 5 } });
    world.store.set(null);
  }
  expect(world.faults).toHaveLength(2);
});

test("releases without room ask in turns, however many they are: all of them are counted and told why, and begin when there is room", async () => {
  const world = worldOf(1);
  const all = Array.from({ length: 900 }, (_, at) => ({
    ...world.planned,
    ref: { ...planned.ref, namespace: "many", name: `m${at}` },
  }));
  let asking: readonly PlannedRelease[] = all;
  const replica = new Replica(world, () => asking);
  replica.isLeader = true;
  const look = async (): Promise<void> => {
    world.nowMs += lookMs;
    await replica.controller.look();
  };
  for (let looks = 0; looks < 8; looks++) await look();
  const begun = replica.record.size;
  expect(begun).toBeGreaterThan(100);
  expect(all.length - begun).toBeGreaterThan(2 * maxBeginning);
  const counted = (): number => Number(/^\d+/.exec(replica.book.problems[0]?.sentence ?? "0")![0]);
  expect(counted()).toBe(all.length - begun);
  const without = all.filter(({ ref }) => !replica.record.has(releaseKey(ref)));
  expect(new Set(without.map(({ ref }) => replica.book.waitsFor(releaseKey(ref))))).toEqual(
    new Set(["room in the record of releases, which holds 64 KiB of each namespace: end other releases of it"]),
  );
  // An edit of one of them leaves the others counted.
  asking = all.map((release) => (release === without[0] ? { ...release, text: "2" } : release));
  await replica.controller.look("changed");
  expect(counted()).toBe(all.length - begun);
  const ended = new Set(all.filter((release) => !without.includes(release)).slice(0, 50));
  asking = all.filter((release) => !ended.has(release));
  await look();
  world.nowMs += missingMs;
  for (let looks = 0; looks < 8; looks++) await look();
  expect(replica.record.size).toBeGreaterThan(begun - 20);
  expect(counted()).toBe(asking.length - replica.record.size);
  expect(world.faults).toEqual([]);
});

test("while the record cannot be used, what has not begun waits for it, and not for a leader", async () => {
  const world = worldOf(1);
  const { book } = world.replicas[0]!;
  expect(book.waitsFor("prod/iris")).toBe(null);
  world.store.set("no record");
  await world.look();
  expect(book.waitsFor("prod/iris")).toBe(
    "the record of releases, which the gateway cannot use: sluice problems says why",
  );
  world.store.set(null);
  await world.look();
  expect(book.waitsFor("prod/iris")).toBe(null);
});

test("entries that grow take no room that the others have, and each rollout that has begun can be aborted", () => {
  const entryAt = (at: number, more: Partial<ReleaseEntry>): readonly [string, ReleaseEntry] => {
    const [namespace, name] = [`n${at % 40}`, `m${at}`];
    const entry: ReleaseEntry = {
      namespace,
      name,
      kind: "rollout",
      text: "t".repeat(16),
      models: "m".repeat(16),
      shares: { canary: 5 },
      state: "stepping",
      step: 0,
      sinceMs: 1e12,
      why: "",
      isPromoteUsed: false,
      reward: "",
      rewards: {},
    };
    return [`${namespace}/${name}`, { ...entry, ...more }];
  };
  const all = (more: Partial<ReleaseEntry>): ReleaseRecord =>
    new Map(Array.from({ length: 8000 }, (_, at) => entryAt(at, more)));
  const begun = writable(new Map(), all({}));
  expect(begun.over.length).toBeGreaterThan(0);
  const aborted = new Map(
    Array.from(begun.record, ([key, entry]) => [key, { ...entry, state: "aborted" as const, why: "w".repeat(300) }]),
  );
  const further = new Map(
    Array.from(begun.record, ([key, entry]) => [key, { ...entry, shares: { canary: 33.333333 }, step: 19 }]),
  );
  expect(writable(begun.record, further)).toMatchObject({ record: further, over: [] });
  const ended = writable(begun.record, aborted);
  expect(ended.over).toEqual([]);
  expect(readReleases(printReleases(ended.record)).kind).toBe("record");
  // One that grows beyond every room stays as it was.
  const names = Array.from({ length: 5000 }, (_, at) => `${"p".repeat(200)}${at}`);
  const [key, grown] = entryAt(3, { shares: Object.fromEntries(names.map((name) => [name, 0])) });
  const kept = writable(begun.record, new Map([...begun.record, [key, grown]]));
  expect(kept.over).toEqual([key]);
  expect(kept.record.get(key)).toEqual(begun.record.get(key));
  expect(readReleases(printReleases(kept.record)).kind).toBe("record");
});

test("a line that cannot be read costs its own release, and the leader replaces it", async () => {
  const sums = (count: number): ReleaseEntry["rewards"][string] => ({ count, sum: 1, sumSquares: 1 });
  const world = worldOf(1);
  const others = new Map([["prod/other", { ...banditEntry(sums(1e9)), name: "other" }]]);
  for (const [wrong, unread] of [
    [banditEntry(sums(1e9)), 0],
    [banditEntry(sums(Number.MAX_VALUE)), 1],
    [banditEntry(sums(Number.NaN)), 1],
    [{ ...banditEntry(sums(1)), shares: { main: Number.NaN } }, 1],
  ] as const) {
    const text = printReleases(new Map([["prod/iris", wrong], ...others]));
    expect(readReleases(text)).toMatchObject({ kind: "record", unread });
    world.store.set(text);
    expect([...world.replicas[0]!.record.keys()]).toEqual(unread === 0 ? ["prod/iris", "prod/other"] : ["prod/other"]);
    expect(world.replicas[0]!.book.problems.map(({ level }) => level)).toEqual(unread === 0 ? [] : ["warning"]);
  }
  await world.look();
  expect(world.replicas[0]!.book.problems).toEqual([]);
  expect(readReleases(world.store.text!)).toMatchObject({ unread: 0 });
});

test("an entry that would not be read is not written: its release stays where it is, and the others go on", async () => {
  const world = worldOf(1);
  const steps = (iris: number): readonly PlannedRelease[] => [
    { ...rollout(`to canary; steps 5%, 100%; every 1h; min 1 requests`), ref: { ...planned.ref, name: "other" } },
    { ...rollout(`to canary; steps 5%, 100%; every 1h; min 1 requests`, { text: String(iris) }), ...withStep(iris) },
  ];
  let all = steps(5);
  const replica = new Replica(world, () => all);
  replica.isLeader = true;
  world.replicas = [replica];
  await world.look();
  expect([...replica.record.keys()]).toEqual(["prod/iris", "prod/other"]);
  all = [...steps(Number.NaN), { ...rollout("to canary; every 1h"), ref: { ...planned.ref, name: "third" } }];
  await world.look();
  expect(replica.record.get("prod/iris")).toMatchObject({ shares: { canary: 5 } });
  expect([...replica.record.keys()]).toContain("prod/third");
  expect(replica.book.problems.map(({ sentence }) => sentence)).toEqual([
    expect.stringMatching(
      /^1 releases have come to an entry that would not be read as it is.*; the first is prod\/iris;/,
    ),
  ]);
});

/** A plan whose first step is not what a grammar gives. */
function withStep(percent: number): Pick<PlannedRelease, "plan"> {
  const { plan } = rollout("to canary; steps 5%, 100%; every 1h; min 1 requests");
  if (plan.kind !== "rollout") throw new Error("it is a rollout");
  return { plan: { ...plan, plan: { ...plan.plan, steps: [percent, 100] } } };
}

test("a new leader looks at the step anew, for as long as a step takes", async () => {
  const world = worldOf(2);
  const [first, second] = world.replicas;
  const look = async (): Promise<void> => {
    for (const arm of arms) world.count(arm, 40, 0);
    await world.look();
  };
  for (let looks = 0; looks < 5; looks++) await look();
  expect(canaryPercent(world)).toBe(5);
  [first!.isLeader, second!.isLeader] = [false, true];
  for (let looks = 0; looks < 5; looks++) await look();
  expect(canaryPercent(world)).toBe(5);
  await look();
  expect(canaryPercent(world)).toBe(25);
});

function banditEntry(sums: ReleaseEntry["rewards"][string]): ReleaseEntry {
  return {
    namespace: "prod",
    name: "iris",
    kind: "bandit",
    text: "",
    models: "",
    shares: { main: 50, canary: 50 },
    state: "stepping",
    step: 0,
    sinceMs: 0,
    why: "",
    isPromoteUsed: false,
    reward: "feedback",
    rewards: { main: sums },
  };
}

type Event =
  | { readonly kind: "look"; readonly failed: number }
  | { readonly kind: "leader"; readonly replica: number }
  | { readonly kind: "store"; readonly fault: "failed" | "lost-answer" }
  | {
      readonly kind:
        | "deleted"
        | "edited"
        | "restart"
        | "away"
        | "back"
        | "process"
        | "model"
        | "pause"
        | "promote"
        | "abort"
        | "plain"
        | "bandit";
    };

const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant("look" as const), failed: fc.integer({ min: 0, max: 10 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("leader" as const), replica: fc.integer({ min: -1, max: 2 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("store" as const),
        fault: fc.constantFrom("failed" as const, "lost-answer" as const),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom(
          "deleted",
          "edited",
          "restart",
          "away",
          "back",
          "process",
          "model",
          "pause",
          "promote",
          "abort",
          "plain",
          "bandit",
        ),
      }),
    },
  ),
  { minLength: 10, maxLength: 80 },
);

test("whatever fails, each replica serves what the record said, all of the traffic goes somewhere, and a step is neither skipped nor repeated", async () => {
  await fc.assert(
    fc.asyncProperty(events, async (happens) => {
      const world = worldOf(3);
      for (const event of happens) {
        await happen(world, event);
        for (const replica of world.replicas) {
          const shares = world.shares(replica);
          expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
          expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true);
          const entry = replica.record.get("prod/iris");
          if (entry === undefined) continue;
          // Somebody wrote it: nobody serves what was only decided.
          expect(
            world.store.said.some((record) => JSON.stringify(record.get("prod/iris")) === JSON.stringify(entry)),
          ).toBe(true);
        }
      }
      const steps = world.store.said.flatMap((record) => record.get("prod/iris") ?? []);
      for (const [at, entry] of steps.entries()) {
        const before = steps[at - 1];
        if (before === undefined || before.kind !== "rollout" || entry.kind !== "rollout") continue;
        // An abort stays for this model and this text, whatever is ordered after it.
        if (
          before.models === entry.models &&
          before.state === "aborted" &&
          happens.every(({ kind }) => !forgets.has(kind))
        )
          expect([entry.state, entry.shares]).toEqual(["aborted", { canary: 0 }]);
        if (before.models !== entry.models || entry.state !== "stepping" || before.state !== "stepping") continue;
        expect(entry.step - before.step).toBeLessThanOrEqual(1);
        expect(entry.step).toBeGreaterThanOrEqual(before.step);
      }
    }),
    { numRuns: 300 },
  );
});

/** What may take an abort out of the record. */
const forgets: ReadonlySet<string> = new Set(["deleted", "bandit"]);

async function happen(world: World, event: Event): Promise<void> {
  switch (event.kind) {
    case "look":
      for (const arm of arms) world.count(arm, 60, arm === "canary" && event.failed > 8 ? 40 : 0);
      return world.look();
    case "leader":
      for (const [at, replica] of world.replicas.entries()) replica.isLeader = at === event.replica;
      return;
    case "store":
      world.store.faults.push(event.fault);
      return;
    case "deleted":
      return world.store.set(null);
    case "edited":
      return world.store.set(printReleases(new Map()).replace("releases 1", "releases 7"));
    case "restart": {
      // The last one; it leads again where it led.
      const { isLeader } = world.replicas.pop()!;
      const replica = new Replica(world);
      replica.isLeader = isLeader;
      world.replicas.push(replica);
      return;
    }
    case "away":
    case "back":
      world.isAway = event.kind === "away";
      return;
    case "process":
      world.instance += "'";
      world.counts = Object.fromEntries(arms.map((arm) => [arm, noCounts]));
      return;
    case "model":
      world.planned = { ...world.planned, models: `${world.planned.models}'` };
      return;
    case "pause":
      world.planned = { ...world.planned, isPaused: true };
      return;
    case "promote":
      world.planned = { ...world.planned, isPaused: false, isPromoted: true };
      return;
    case "abort":
      world.planned = { ...world.planned, isAborted: !world.planned.isAborted };
      return;
    case "plain":
      world.planned = rollout("to canary; steps 5%, 25%, 100%; every 10s; min 50 requests; errors ≤ 2%");
      return;
    case "bandit":
      world.planned = bandit();
  }
}

test("a predictor that joins main's part in mid-step, or comes back, brings nothing that it counted before", async () => {
  const world = worldOf(1);
  world.count("other", 1_000_000, 50_000);
  world.planned = {
    ...rollout("to canary; every 10m; errors ≤ 1.5x main"),
    arms: ["main", "canary"],
    declared: [100, 0],
  };
  const mainOf = (): ArmCounts => {
    const of = world.replicas[0]!.controller.decisionOf({ namespace: "prod", name: "iris" });
    if (of?.kind !== "rollout" || of.decision.state.kind !== "stepping") throw new Error("it is not at a step");
    return of.decision.state.whole.main;
  };
  const look = async (arms: readonly string[]): Promise<void> => {
    world.planned = { ...world.planned, arms };
    for (const arm of ["main", "canary", "other"]) world.count(arm, 10, 0);
    await world.look();
  };
  for (let looks = 0; looks < 4; looks++) await look(["main", "canary"]);
  const { requests } = mainOf();
  await look(["main", "canary", "other"]);
  expect(mainOf()).toMatchObject({ requests, failed: 0 });
  await look(["main", "canary", "other"]);
  expect(mainOf()).toMatchObject({ requests: requests + 20, failed: 0 });
  await look(["other", "canary"]);
  await look(["other", "canary"]);
  expect(mainOf()).toMatchObject({ requests: requests + 30, failed: 0 });
});
