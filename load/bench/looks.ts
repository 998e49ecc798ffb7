// CPU time of looks at many releases in the control worker of the leader: 1,000 rollouts with counts of three replicas, from gathered counts to the record that is written.
import { ReleaseBook } from "../../gateway/control/releases/release-book.ts";
import { lookMs, ReleaseController } from "../../gateway/control/releases/release-controller.ts";
import { Slices } from "../../gateway/shared/slices.ts";
import type { PlannedRelease } from "../../k8s/translate/model/release.ts";
import { readRolloutPlan } from "../../routing/release/rollout/plan.ts";
import {
  armCounts,
  addedCounts,
  callerBuckets,
  noCounts,
  type ArmCounts,
} from "../../routing/release/statistics/arm-counts.ts";
import { latencyBuckets } from "../../routing/release/statistics/latency-bounds.ts";

const releases = 1000;
const replicas = ["a", "b", "c"];
const looks = 30;
/** Requests of a look, of one arm at one replica. */
const requests = { main: 380, canary: 20 };

export async function benchLooks(): Promise<void> {
  const read = readRolloutPlan("to canary; steps 5%, 100%; every 30d");
  if ("mistake" in read) throw new Error(read.mistake);
  const { plan } = read;
  const planned = Array.from({ length: releases }, (_, at): PlannedRelease => ({
    ref: { kind: "SeldonDeployment", namespace: `ns-${at % 50}`, name: `iris-${at}` },
    field: "",
    plan: { kind: "rollout", plan },
    arms: ["main", "canary"],
    declared: [95, 5],
    text: "1",
    models: "1",
    isPaused: false,
    isAborted: false,
    isPromoted: false,
  }));
  let nowMs = 0;
  let counts = Object.fromEntries(replicas.map((name) => [name, { main: noCounts, canary: noCounts }]));
  let pieceMs = performance.now();
  let longestMs = 0;
  const { book, stored } = bookInMemory();
  const controller = new ReleaseController(book, {
    clock: { now: () => nowMs, after: () => ({ cancel: () => undefined }) },
    nowMs: () => nowMs,
    isLeader: () => true,
    planned: () => planned,
    exists: () => true,
    faulted: (error) => {
      throw error;
    },
    look: () => Promise.resolve({ of: () => ({ counts, isUnready: false, hasRestarted: false, blocked: null }) }),
    isUnready: () => false,
    slices: () =>
      new Slices(
        () => performance.now(),
        () => {
          longestMs = Math.max(longestMs, performance.now() - pieceMs);
          return new Promise((resolve) => {
            setImmediate(() => {
              pieceMs = performance.now();
              resolve();
            });
          });
        },
      ),
  });
  const cpuMs: number[] = [];
  for (let look = 0; look < looks; look++) {
    nowMs += lookMs;
    counts = Object.fromEntries(
      Object.entries(counts).map(([name, { main, canary }]) => [
        name,
        { main: addedCounts(main, countsOf(requests.main)), canary: addedCounts(canary, countsOf(requests.canary)) },
      ]),
    );
    if (look === looks / 2) longestMs = 0;
    pieceMs = performance.now();
    const before = process.cpuUsage();
    await controller.look();
    const { user, system } = process.cpuUsage(before);
    longestMs = Math.max(longestMs, performance.now() - pieceMs);
    cpuMs.push((user + system) / 1000);
  }
  const { decision } = controller.decisionOf(planned[0]!.ref) ?? {};
  if (decision === undefined || stored.writes === 0) throw new Error("nothing was decided");
  const sorted = cpuMs.slice(looks / 2).toSorted((one, other) => one - other);
  console.log(
    `a look at ${releases} rollouts of ${replicas.length} replicas: ${sorted[Math.floor(sorted.length / 2)]!.toFixed(0)} ms of CPU (${sorted[0]!.toFixed(0)} to ${sorted.at(-1)!.toFixed(0)}), longest piece ${longestMs.toFixed(1)} ms`,
  );
}

/** One in a hundred fails; callers of all groups. */
function countsOf(total: number): ArmCounts {
  const spread = (size: number, sum: number): number[] =>
    Array.from({ length: size }, (_, at) => Math.floor((sum * (at + 1)) / size) - Math.floor((sum * at) / size));
  const failed = Math.floor(total / 100);
  return armCounts({
    requests: total,
    failed,
    latency: spread(latencyBuckets, total),
    callers: {
      requests: spread(callerBuckets, total),
      failed: spread(callerBuckets, failed),
      refused: spread(callerBuckets, 0),
    },
  });
}

function bookInMemory(): { readonly book: ReleaseBook; readonly stored: { writes: number } } {
  const stored = { writes: 0 };
  const book = new ReleaseBook(
    {
      subject: { kind: "ConfigMap", namespace: "sluice", name: "releases" },
      follow: (told) => told({ kind: "absent" }),
      write: () => Promise.resolve({ kind: "written", version: String(++stored.writes) }),
    },
    {
      log: { write: () => undefined, flush: () => undefined },
      kept: "",
      recorded: () => undefined,
      problemsChanged: () => undefined,
    },
  );
  return { book, stored };
}
