// A world for the controller of releases: a store that replicas share, a clock and counts of the test.
import { readReleases } from "../../../../gateway/control/releases/release-record.ts";
import { ReleaseController, type ReleaseLook } from "../../../../gateway/control/releases/release-controller.ts";
import { stepEvents } from "../../../../gateway/control/releases/release-events.ts";
import { ReleaseBook } from "../../../../gateway/control/releases/release-book.ts";
import { Slices } from "../../../../gateway/shared/slices.ts";
import { releasedShares } from "../../../../k8s/translate/deployments/released-shares.ts";
import type { PlannedRelease, ReleaseRecord } from "../../../../k8s/translate/model/release.ts";
import type { ProblemEvent, RecordStore, RecordWrite, StoredRecord } from "../../../../k8s/source/objects/source.ts";
import { readBanditPlan } from "../../../../routing/release/bandit/plan.ts";
import { readRolloutPlan } from "../../../../routing/release/rollout/plan.ts";
import { armCounts, noCounts, type ArmCounts } from "../../../../routing/release/statistics/arm-counts.ts";

/** One record that several replicas share, as an API server has it. */
export class SharedStore {
  text: string | null = null;
  version = 0;
  /** What the next writes come to, before they are right again. */
  faults: ("failed" | "lost-answer")[] = [];
  readonly followers = new Set<(stored: StoredRecord) => void>();
  readonly said: ReleaseRecord[] = [];

  get stored(): StoredRecord {
    return this.text === null ? { kind: "absent" } : { kind: "text", text: this.text, version: String(this.version) };
  }

  set(text: string | null): void {
    this.text = text;
    this.version += 1;
    for (const follower of this.followers) follower(this.stored);
  }

  of(): RecordStore {
    return {
      subject: { kind: "ConfigMap", namespace: "sluice", name: "releases" },
      follow: (told) => {
        this.followers.add(told);
        told(this.stored);
      },
      write: async (text, over): Promise<RecordWrite> => {
        await Promise.resolve();
        const fault = this.faults.shift();
        if (fault === "failed") return { kind: "failed", sentence: "the API server is away" };
        if ((this.text === null ? null : String(this.version)) !== over) return { kind: "conflict" };
        const read = readReleases(text);
        if (read.kind === "record") this.said.push(read.record);
        this.set(text);
        // It was written, and the writer died or heard nothing.
        if (fault === "lost-answer") return { kind: "failed", sentence: "the connection ended" };
        return { kind: "written", version: String(this.version) };
      },
    };
  }
}

/** Between two looks of a test. */
export const lookMs = 2000;

export const arms = ["main", "canary", "other"] as const;

/** A canary that is warm from the beginning. */
export function rollout(text: string, more: Partial<PlannedRelease> = {}): PlannedRelease {
  const read = readRolloutPlan(`${text}; warm 0s, 0 requests`);
  if ("mistake" in read) throw new Error(read.mistake);
  return { ...planned, plan: { kind: "rollout", plan: read.plan }, text, ...more };
}

export const planned: Omit<PlannedRelease, "plan" | "text"> = {
  ref: { kind: "SeldonDeployment", namespace: "prod", name: "iris" },
  field: "",
  arms,
  declared: [70, 0, 30],
  models: "1",
  isPaused: false,
  isAborted: false,
  isPromoted: false,
};

export function bandit(): PlannedRelease {
  const read = readBanditPlan("policy thompson; floor 5%; every 10s");
  if ("mistake" in read) throw new Error(read.mistake);
  return { ...planned, plan: { kind: "bandit", plan: read.plan }, text: "bandit" };
}

export class Replica {
  record: ReleaseRecord = new Map();
  /** Of steps. */
  readonly events: ProblemEvent[] = [];
  isLeader = false;
  readonly book: ReleaseBook;
  readonly controller: ReleaseController;

  constructor(world: World, planned: () => readonly PlannedRelease[] = () => [world.planned]) {
    const clock = { now: () => world.nowMs, after: () => ({ cancel: () => undefined }) };
    this.book = new ReleaseBook(world.store.of(), {
      log: { write: () => undefined, flush: () => undefined },
      kept: "",
      recorded: (record, _, before) => {
        this.record = record;
        if (before !== null)
          this.events.push(...stepEvents(before, record, () => `metadata.annotations["sluice.io/rollout"]`));
      },
      problemsChanged: () => undefined,
    });
    this.controller = new ReleaseController(this.book, {
      clock,
      nowMs: () => world.epochMs + world.nowMs,
      isLeader: () => this.isLeader,
      planned,
      exists: () => false,
      faulted: (error) => world.faults.push(error),
      look: async () => {
        world.looked();
        if (world.isFaulty) throw new Error("a bug");
        return { of: () => world.seen() };
      },
      isUnready: () => false,
      slices: () =>
        new Slices(
          () => 0,
          () => Promise.resolve(),
        ),
    });
  }
}

export class World {
  readonly faults: unknown[] = [];
  /** Called in each look. */
  looked: () => void = () => undefined;
  /** Its next looks throw. */
  isFaulty = false;
  readonly store = new SharedStore();
  nowMs = 0;
  /** Epoch ms when the clock was 0. */
  epochMs = 1_000_000;
  instance = "a";
  isAway = false;
  /** The canary has no ready Endpoint. */
  isUnready = false;
  planned: PlannedRelease = rollout("to canary; steps 5%, 25%, 100%; every 10s; min 50 requests; errors ≤ 2%");
  counts: Record<string, ArmCounts> = Object.fromEntries(arms.map((arm) => [arm, noCounts]));
  replicas: Replica[] = [];

  seen(): ReturnType<ReleaseLook["of"]> {
    return {
      counts: { [this.instance]: this.counts },
      isUnready: this.isUnready,
      hasRestarted: false,
      blocked: this.isAway ? { why: "A replica is away.", until: "an answer of each replica" } : null,
    };
  }

  count(arm: string, requests: number, failed: number): void {
    const before = this.counts[arm]!;
    const [count, sum] = [before.rewards.count + requests, before.rewards.sum + requests - failed];
    this.counts = {
      ...this.counts,
      [arm]: armCounts(
        {
          requests: before.requests + requests,
          failed: before.failed + failed,
          rewards: { count, sum, sumSquares: sum },
        },
        before,
      ),
    };
  }

  async look(): Promise<void> {
    this.nowMs += lookMs;
    for (const replica of this.replicas) await replica.controller.look();
  }

  /** Shares as every replica serves them. */
  shares({ record }: Replica): readonly number[] {
    return releasedShares(this.planned, [70, null, 30], record.get("prod/iris") ?? null);
  }
}

export function worldOf(count: number): World {
  const world = new World();
  world.replicas = Array.from({ length: count }, () => new Replica(world));
  world.replicas[0]!.isLeader = true;
  return world;
}

export const canaryPercent = (world: World): number => Math.round(world.shares(world.replicas[0]!)[1]! * 100);
