// Evidence of a step in the record: leaders that end often lead to the same steps as one that never ends, never earlier, and nothing counts twice.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  isFresh,
  type KeptBandit,
  type KeptEvidence,
  type KeptRollout,
  maxEvidenceAgeMs,
  printEvidence,
  readEvidence,
} from "../../../../gateway/control/releases/kept-evidence.ts";
import { evidenceMs, lookMs } from "../../../../gateway/control/releases/release-controller.ts";
import { printReleases, readReleases, withinRoom } from "../../../../gateway/control/releases/release-record.ts";
import type { ReleaseEntry } from "../../../../k8s/translate/model/release.ts";
import { namespaceBytes } from "../../../../k8s/translate/values/record-text.ts";
import { minWatchMs } from "../../../../routing/release/rollout/decide.ts";
import { noCounts, type ArmCounts } from "../../../../routing/release/statistics/arm-counts.ts";
import { latencyBuckets } from "../../../../routing/release/statistics/latency-bounds.ts";
import { arms, bandit, Replica, rollout, World } from "./release-world.ts";

const plan = "to canary; steps 5%, 50%, 100%; every 5m; min 500 requests; errors ≤ 2%";
const key = "prod/iris";

/** A replica that never leads, and one that does, until another one takes its place. */
class Succession {
  readonly world = new World();
  leader: Replica;

  constructor() {
    this.world.planned = rollout(plan);
    this.world.replicas = [new Replica(this.world)];
    this.leader = this.take();
  }

  /** The leader ends with all that it knew, and another replica leads. */
  take(): Replica {
    const replica = new Replica(this.world);
    replica.isLeader = true;
    this.world.replicas[1] = replica;
    return (this.leader = replica);
  }

  get entry(): ReleaseEntry | undefined {
    return this.world.replicas[0]!.record.get(key);
  }

  get stored(): KeptRollout | undefined {
    const { kept } = this;
    return kept === undefined || "rewards" in kept ? undefined : kept;
  }

  get kept(): KeptEvidence | undefined {
    const read = readReleases(this.world.store.text ?? "");
    return read.kind === "record" ? read.evidence.get(key) : undefined;
  }

  async look(requests: number): Promise<void> {
    for (const arm of arms) this.world.count(arm, requests, 0);
    await this.world.look();
  }

  async looks(count: number, requests: number): Promise<void> {
    for (let at = 0; at < count; at++) await this.look(requests);
  }
}

const shownOf = (entry: ReleaseEntry | undefined): string =>
  entry === undefined ? "" : `${entry.state} ${entry.step}`;

describe("leaders that end", () => {
  test("a rollout whose leaders live for two minutes takes steps of five", async () => {
    const all = new Succession();
    const shown: string[] = [];
    for (let life = 0; life < 20; life++) {
      for (let at = 0; at < 60; at++) {
        await all.look(20);
        if (shownOf(all.entry) !== shown.at(-1)) shown.push(shownOf(all.entry));
      }
      all.take();
    }
    expect(shown).toEqual(["stepping 0", "stepping 1", "stepping 2", "promoted 2"]);
  });

  test("a new leader goes on only after it watched the step for a minute, with a request of the canary", async () => {
    const all = new Succession();
    await all.looks(30, 20);
    all.world.isAway = true;
    await all.looks(300, 20);
    expect(shownOf(all.entry)).toBe("stepping 0");
    all.world.isAway = false;
    all.take();
    await all.looks(1 + minWatchMs / lookMs - 1, 20);
    expect(shownOf(all.entry)).toBe("stepping 0");
    await all.look(20);
    expect(shownOf(all.entry)).toBe("stepping 1");

    const idle = new Succession();
    await idle.look(0);
    idle.world.isAway = true;
    await idle.looks(300, 20);
    idle.world.isAway = false;
    idle.take();
    await idle.looks(200, 0);
    expect(shownOf(idle.entry)).toBe("stepping 0");
    await idle.look(1);
    expect(shownOf(idle.entry)).toBe("stepping 1");
  });

  type Life = {
    readonly looks: number;
    readonly death: "idle" | "look" | "failed" | "lost-answer";
    readonly gap: number;
  };
  const life: fc.Arbitrary<Life> = fc.record({
    looks: fc.integer({ min: 1, max: 130 }),
    death: fc.constantFrom("idle", "look", "failed", "lost-answer"),
    gap: fc.integer({ min: 0, max: 20 }),
  });

  test("whenever they end: the steps of one that never ends, none earlier, and no request that did not happen in its step", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(life, { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(12), { minLength: 3, maxLength: 9 }),
        async (lives, traffic) => {
          const [one, many] = [new Succession(), new Succession()];
          const [times, manyTimes] = [new Map<string, number>(), new Map<string, number>()];
          let counted = 0;
          const begun = new Map<string, number>();
          let at = 0;
          const tick = async (): Promise<void> => {
            const requests = traffic[at++ % traffic.length]!;
            const before = counted;
            counted += requests;
            await one.look(requests);
            await many.look(requests);
            for (const [of, into] of [
              [one, times],
              [many, manyTimes],
            ] as const)
              if (of.entry !== undefined && !into.has(shownOf(of.entry))) into.set(shownOf(of.entry), at);
            const step = shownOf(many.entry);
            if (!begun.has(step)) begun.set(step, before);
            const kept = many.stored;
            if (kept !== undefined) expect(kept.whole.canary.requests).toBeLessThanOrEqual(counted - begun.get(step)!);
            if (kept !== undefined)
              expect(kept.elapsedMs).toBeLessThanOrEqual((at - (manyTimes.get(step) ?? at)) * lookMs);
          };
          for (const { looks, death, gap } of [...lives, { looks: 700, death: "idle", gap: 0 } as const]) {
            const leader = many.take();
            for (let look = 1; look < looks; look++) await tick();
            if (death === "look") {
              // What it began to look at, it never decides about.
              leader.isLeader = true;
              void leader.controller.look();
              leader.isLeader = false;
            } else if (death !== "idle") many.world.store.faults.push(death);
            await tick();
            many.world.store.faults = [];
            leader.isLeader = false;
            for (let idle = 0; idle < gap; idle++) await tick();
          }
          const steps = [...manyTimes.keys()];
          expect([...times.keys()].slice(0, steps.length)).toEqual(steps);
          for (const [step, time] of manyTimes) expect(time).toBeGreaterThanOrEqual(times.get(step)!);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("evidence is written with each step and at most each 30 s, and rarely while it stays the same", async () => {
    const all = new Succession();
    const writes = (): number => all.world.store.version;
    await all.looks(2 + evidenceMs / lookMs - 1, 0);
    expect(writes()).toBe(2);
    await all.looks(150, 0);
    // Ten more for the five minutes of the step.
    const collected = writes();
    expect(collected).toBeLessThanOrEqual(12);
    await all.looks(450, 0);
    expect(writes() - collected).toBe(3);
  });
});

describe("leaders of a bandit that end", () => {
  const everyMs = 600_000;
  const begun = (): Succession => {
    const all = new Succession();
    const release = bandit();
    if (release.plan.kind !== "bandit") throw new Error("no bandit");
    all.world.planned = { ...release, plan: { kind: "bandit", plan: { ...release.plan.plan, everyMs } } };
    return all;
  };

  test("a bandit of ten minutes whose leaders live for two decides, by the rewards of all of them", async () => {
    const all = begun();
    const decidedAt: number[] = [];
    let looks = 0;
    for (let life = 0; life < 12; life++) {
      for (let at = 0; at < 60; at++) {
        await all.look(20);
        looks += 1;
        if (all.entry!.step > (decidedAt.length === 0 ? 0 : decidedAt.length)) decidedAt.push(looks);
      }
      all.take();
    }
    expect(decidedAt.length).toBeGreaterThanOrEqual(1);
    // Never earlier than one leader would, and less than 30 s of each leader are lost.
    const [first] = decidedAt;
    expect(first).toBeGreaterThanOrEqual(everyMs / lookMs);
    expect(first).toBeLessThanOrEqual(everyMs / lookMs + 7 * (evidenceMs / lookMs + 1));
    // What was kept decayed and was not counted twice.
    const { count } = all.entry!.rewards["canary"]!;
    expect(count).toBeGreaterThan(first! * 20 * 0.7);
    expect(count).toBeLessThanOrEqual(first! * 20);
  });

  test("what is kept of a bandit is read as it was written, and of another text, model or kind it is not gone on from", async () => {
    const all = begun();
    await all.looks(60, 20);
    const kept = all.kept as KeptBandit;
    expect(kept.rewards["canary"]!.count).toBeGreaterThan(500);
    expect(readEvidence(JSON.parse(JSON.stringify(printEvidence(kept))))).toEqual(kept);
    for (const change of [{ text: "other" }, { models: "2" }]) {
      const other = begun();
      await other.looks(60, 20);
      other.world.planned = { ...other.world.planned, ...change };
      other.take();
      await other.look(20);
      expect(other.entry!.rewards["canary"]!.count).toBeLessThanOrEqual(20);
    }
    for (const bad of [
      { ...kept, elapsedMs: -1 },
      { ...kept, rewards: null },
      { ...kept, rewards: [] },
      { ...kept, rewards: { canary: { count: -1, sum: 0, sumSquares: 0 } } },
      { ...kept, rewards: { canary: { count: 1, sum: 1e61, sumSquares: 0 } } },
      { ...kept, rewards: { canary: null } },
    ])
      expect(readEvidence(JSON.parse(JSON.stringify(bad))), JSON.stringify(bad)).toBeNull();
    // A rollout does not go on from a bandit.
    all.world.planned = rollout(plan);
    all.take();
    await all.look(20);
    expect(shownOf(all.entry)).toBe("stepping 0");
  });
});

describe("old evidence", () => {
  const ages = [maxEvidenceAgeMs - 1, maxEvidenceAgeMs, maxEvidenceAgeMs + 1];

  test("an age on either clock, and a future, has a bound", () => {
    const kept = { atMs: 1e9, elapsedMs: 1, window: 1, whole: { canary: noCounts, main: noCounts } };
    expect(ages.map((age) => isFresh(kept, 1e9 + age, 0))).toEqual([true, true, false]);
    expect(ages.map((age) => isFresh(kept, 1e9 - age, 0))).toEqual([true, true, false]);
    expect(ages.map((age) => isFresh(kept, 1e9, age))).toEqual([true, true, false]);
  });

  test.each([
    ["nobody led for longer than the bound", (all: Succession) => (all.world.nowMs += maxEvidenceAgeMs), 0],
    [
      "the same, and the clock of people fell back as far",
      (all: Succession) => {
        all.world.nowMs += maxEvidenceAgeMs;
        all.world.epochMs -= maxEvidenceAgeMs;
      },
      0,
    ],
    ["a short time", (all: Succession) => (all.world.nowMs += 60_000), 1],
  ] as const)("%s", async (_, pass, steps) => {
    const all = new Succession();
    await all.looks(140, 20);
    expect(all.stored?.whole.canary.requests).toBeGreaterThan(2000);
    const next = new Replica(all.world);
    all.leader.isLeader = false;
    pass(all);
    all.world.replicas[1] = next;
    next.isLeader = true;
    await all.looks(40, 20);
    expect(shownOf(all.entry)).toBe(`stepping ${steps}`);
  });
});

describe("the text", () => {
  const count = fc.nat(1e6);
  const counts: fc.Arbitrary<ArmCounts> = fc
    .tuple(
      count,
      count,
      fc.array(fc.tuple(fc.nat(latencyBuckets - 1), count)),
      count,
      fc.double({ min: -1e9, max: 1e9, noNaN: true }),
      count,
      count,
    )
    .map(([good, failed, buckets, rewards, sum, agreed, not]) => {
      const latency = Array.from({ length: latencyBuckets }, () => 0);
      for (const [at, of] of buckets) latency[at] = of;
      return {
        ...noCounts,
        requests: good + failed,
        failed,
        latency: buckets.length === 0 ? [] : latency,
        rewards: { count: rewards, sum: sum === 0 ? 0 : sum, sumSquares: sum ** 2 },
        compared: { pairs: agreed + not, agreed },
      };
    });
  const evidence: fc.Arbitrary<KeptEvidence> = fc
    .tuple(count, count, fc.integer({ min: 1, max: 1000 }), counts, counts)
    .map(([atMs, elapsedMs, window, canary, main]) => ({ atMs, elapsedMs, window, whole: { canary, main } }));

  test("is read as it was written, within 4 KiB", () => {
    fc.assert(
      fc.property(evidence, (one) => {
        const text = JSON.stringify(printEvidence(one));
        expect(text.length).toBeLessThan(4096);
        expect(readEvidence(JSON.parse(text))).toEqual(one);
      }),
    );
  });

  test("any other is no evidence, and throws nothing", () => {
    const good = {
      atMs: 1,
      elapsedMs: 2,
      window: 1,
      canary: [3, 1, `${latencyBuckets - 2}:1,2`, 0, 0, 0, 0, 0],
      main: [0, 0, "", 0, 0, 0, 0, 0],
    };
    expect(readEvidence(good)).not.toBeNull();
    const arm = (at: number, value: unknown): unknown => ({
      ...good,
      canary: good.canary.map((one, index) => (index === at ? value : one)),
    });
    for (const bad of [
      null,
      [],
      "x",
      { ...good, atMs: -1 },
      { ...good, elapsedMs: 1.5 },
      { ...good, elapsedMs: 1e300 },
      { ...good, window: 0 },
      { ...good, main: null },
      { ...good, main: [0, 0, "", 0, 0, 0, 0] },
      arm(0, -1),
      arm(0, "3"),
      arm(1, 4),
      arm(2, `${latencyBuckets - 2}:1,2,3`),
      arm(2, "0:zzzzzzzzzzzzzzzz"),
      arm(2, "0"),
      arm(2, "-1:1"),
      arm(2, null),
      arm(5, -1e31),
      arm(7, 1),
    ])
      expect(readEvidence(bad), JSON.stringify(bad)).toBeNull();
    fc.assert(fc.property(fc.anything(), (value) => readEvidence(value) === null || true));
  });

  const begun = async (): Promise<Succession> => {
    const all = new Succession();
    await all.looks(60, 20);
    return all;
  };

  test("a forged one is a Problem and no evidence; shares stay, and the leader replaces it", async () => {
    const all = await begun();
    const read = readReleases(all.world.store.text!);
    if (read.kind !== "record") throw new Error(read.reason);
    expect(read.evidence.get(key)).toMatchObject({ window: expect.any(Number) as number });
    const entry = {
      ...read.record.get(key)!,
      evidence: { ...(printEvidence(read.evidence.get(key)!) as object), canary: [9e99] },
    };
    all.world.store.set(printReleases(new Map([[key, entry]])));
    const next = all.take();
    expect(next.sync.evidenceOf(key)).toBeNull();
    expect(next.record.get(key)).toMatchObject({ shares: { canary: 5 } });
    expect(next.sync.problems.map(({ code, sentence }) => [code, sentence])).toEqual([
      [
        "releases-evidence-left-out",
        "the record of releases holds evidence of prod/iris that no gateway writes, so a new leader collects the evidence of 1 step anew; the leader replaces it within a minute",
      ],
    ]);
    await all.looks(30, 20);
    expect(next.sync.problems).toEqual([]);
    expect(all.stored!.elapsedMs).toBeLessThanOrEqual(60_000);
  });

  test("a record of a version without evidence is read, and such a version reads this one", async () => {
    const { world } = await begun();
    const read = readReleases(world.store.text!);
    if (read.kind !== "record") throw new Error(read.reason);
    expect(read.evidence.size).toBe(1);
    const old = printReleases(read.record);
    expect(old).not.toContain("evidence");
    expect(readReleases(old)).toEqual({ ...read, evidence: new Map() });
    // It takes the fields that it knows out of the same lines.
    const [line] = world.store.text!.split("\n").slice(1);
    const { evidence: _, ...known } = JSON.parse(line!) as Record<string, unknown>;
    expect(known).toEqual(read.record.get(key));
    expect(world.store.text!.split("\n")[0]).toBe(old.split("\n")[0]);
  });

  test("what finds no room is left out before any entry is, and the leader says so", async () => {
    const { world } = await begun();
    const read = readReleases(world.store.text!);
    if (read.kind !== "record") throw new Error(read.reason);
    const [entry, kept] = [read.record.get(key)!, read.evidence.get(key)!];
    const record = (count: number): ReadonlyMap<string, ReleaseEntry> =>
      new Map(Array.from({ length: count }, (_, at) => [`prod/m${at}`, { ...entry, name: `m${at}` }]));
    const evidenceFor = (count: number): ReadonlyMap<string, KeptEvidence> =>
      new Map(Array.from(record(count).keys(), (name) => [name, kept]));
    const most = withinRoom(new Map(), record(1000)).record.size;
    const full = withinRoom(new Map(), record(most), evidenceFor(most));
    expect([full.record.size, full.over]).toEqual([most, []]);
    expect(full.evidence.size + full.without.length).toBe(most);
    expect(full.without.length).toBeGreaterThan(0);
    expect(Buffer.byteLength(printReleases(full.record, full.evidence))).toBeLessThanOrEqual(namespaceBytes + 200);
    const half = withinRoom(new Map(), record(most / 2), evidenceFor(most / 2));
    expect([half.over, half.without]).toEqual([[], []]);
  });

  test("who led says no more what found no room, once another replica has written", async () => {
    const { world, leader } = await begun();
    const many = Array.from({ length: 200 }, (_, at) => ({
      ...world.planned,
      ref: { ...world.planned.ref, name: `m${at}` },
    }));
    const crowded = new Replica(world, () => many);
    crowded.isLeader = true;
    leader.isLeader = false;
    const codes = (): readonly string[] => crowded.sync.problems.map(({ code }) => code);
    for (let look = 0; look < 20; look++) {
      world.nowMs += lookMs;
      await crowded.controller.look();
    }
    expect(codes()).toEqual(["releases-record-full", "releases-evidence-left-out"]);
    crowded.isLeader = false;
    world.store.set(printReleases(new Map()));
    expect(codes()).toEqual([]);
  });
});
