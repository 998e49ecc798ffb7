// Releases: the record, and what moves it, as the control worker uses them.
import type { ControlPart } from "../part.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import type { RolloutLook } from "../../../routing/release/rollout/decide.ts";
import { noCounts, type ArmCounts } from "../../../routing/release/statistics/arm-counts.ts";
import type { ProblemEvent, RecordStore } from "../../../k8s/source/objects/source.ts";
import { releaseKey, type PlannedRelease, type ReleaseRecord } from "../../../k8s/translate/model/release.ts";
import type { PredictorKey, SeenEndpoint } from "../../api/counted.ts";
import { slicesOfThread } from "../../shared/slices.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Leadership } from "../leadership/leadership.ts";
import type { Log } from "../../shared/log.ts";
import type { Rollout } from "../../api/rollouts.ts";
import { rolloutView } from "./rollout-view.ts";
import { pauseEvent, stepEvents } from "./release-events.ts";
import { ReleaseBook } from "./release-book.ts";
import { withoutRoomProblems } from "./without-room.ts";
import { Restarts } from "./restarts.ts";
import type { CountsOfArms } from "./decided.ts";
import type { Evidence, PeersStatus } from "../../api/peer.ts";
import { noEvidence, type Peers } from "../peers/peers.ts";
import { lookMs, ReleaseController, type ReleaseLook } from "./release-controller.ts";

export interface ReleasesOutside {
  /** Names this process: its counts begin at 0 with it. */
  readonly instance: string;
  /** null: nobody leads. */
  readonly leadership: Pick<Leadership, "isLeader" | "changed"> | null;
  /** The other replicas; null: there are none. */
  readonly peers: () => Pick<Peers, "evidence" | "status"> | null;
  readonly log: Log;
  readonly clock: Clock;
  /** Epoch ms. */
  readonly nowMs: () => number;
  readonly planned: () => Iterable<PlannedRelease>;
  readonly exists: (namespace: string, name: string) => boolean;
  /** As of `ReleaseBookOutside`. */
  readonly kept: string;
  readonly recorded: (record: ReleaseRecord, text: string) => void;
  /** A step, to show on its SD. */
  readonly stepped: (event: ProblemEvent) => void;
  readonly problemsChanged: () => void;
  /** Of a live predictor; null: they are not known. */
  readonly endpointsOf: (predictor: PredictorKey) => readonly Pick<SeenEndpoint, "address" | "state">[] | null;
  /** What the live requests of a predictor came to since this process began. */
  readonly totalOf: (predictor: PredictorKey) => ArmCounts;
  /** Deployments, as `NAMESPACE/NAME`, of which this process has left out evidence lately. */
  readonly leftOut: () => ReadonlySet<string>;
}

export class Releases implements ControlPart {
  readonly #outside: ReleasesOutside;
  readonly #book: ReleaseBook;
  readonly #controller: ReleaseController;
  readonly #restarts = new Restarts();
  /** Keys of those at a step whose predictor has no ready Endpoint. */
  #unready: ReadonlySet<string> = new Set();
  #leftOut: ReadonlySet<string> = new Set();
  #stopped = false;
  #isOpen = false;
  /** Keys of those that a person holds. */
  #paused: ReadonlySet<string> = new Set();

  constructor(store: RecordStore, outside: ReleasesOutside) {
    this.#outside = outside;
    this.#book = new ReleaseBook(store, {
      ...outside,
      recorded: (record, text, before) => {
        outside.recorded(record, text);
        if (before === null) return;
        const fields = new Map(Array.from(outside.planned(), ({ ref, field }) => [releaseKey(ref), field]));
        stepEvents(before, record, (key) => fields.get(key) ?? "").forEach(outside.stepped);
      },
    });
    this.#controller = new ReleaseController(this.#book, {
      clock: outside.clock,
      nowMs: outside.nowMs,
      isLeader: () => this.#isOpen && outside.leadership?.isLeader() === true,
      planned: outside.planned,
      exists: ({ namespace, name }) => outside.exists(namespace, name),
      faulted: (error) =>
        outside.log.write("gateway-fault", { stack: error instanceof Error ? (error.stack ?? error.message) : "" }),
      look: (releases) => this.#look(releases),
      isUnready: (key) => this.#unready.has(key),
      slices: slicesOfThread,
    });
    outside.leadership?.changed(() => {
      if (this.#isOpen) void this.#controller.look();
    });
  }

  get problems(): readonly Problem[] {
    return [...this.#book.problems, ...withoutRoomProblems(this.#outside.planned(), this.#outside.leftOut())];
  }

  /** How far each has come. */
  get views(): readonly Rollout[] {
    return Array.from(this.#outside.planned(), (release) => {
      const key = releaseKey(release.ref);
      const entry = this.#book.record.get(key) ?? null;
      return rolloutView(release, entry, this.#controller.decisionOf(release.ref), this.#book.waitsFor(key));
    });
  }

  /** The first table has left. */
  synced(): void {
    this.#paused = this.#pausedNow();
    this.#isOpen = true;
    this.#again();
    this.#seeRestarts();
  }

  /** Those of which this replica has left out evidence, where they are others than before. */
  #tellLeftOut(): void {
    const before = this.#leftOut;
    this.#leftOut = this.#outside.leftOut();
    if (before.symmetricDifference(this.#leftOut).size > 0) this.#outside.problemsChanged();
  }

  /** SDs changed. */
  change(): void {
    if (!this.#isOpen) return;
    this.#tellPauses();
    void this.#controller.look("changed");
  }

  stop(): void {
    this.#stopped = true;
    this.#isOpen = false;
    this.#book.stop();
  }

  #tellPauses(): void {
    const before = this.#paused;
    this.#paused = this.#pausedNow();
    for (const key of this.#paused) {
      const entry = before.has(key) ? undefined : this.#book.record.get(key);
      if (entry?.kind === "rollout" && entry.state === "stepping") this.#outside.stepped(pauseEvent(entry));
    }
  }

  #pausedNow(): ReadonlySet<string> {
    const planned = [...this.#outside.planned()];
    return new Set(planned.flatMap(({ ref, isPaused }) => (isPaused ? [releaseKey(ref)] : [])));
  }

  #again(): void {
    if (this.#stopped) return;
    void this.#controller.look().finally(() => this.#outside.clock.after(lookMs, () => this.#again()));
  }

  /** A pod may begin anew and be ready again between two looks. */
  #seeRestarts(): void {
    if (this.#stopped) return;
    this.#tellLeftOut();
    const unready = new Set<string>();
    const ready = new Map<string, ReadonlySet<string>>();
    for (const release of this.#outside.leadership?.isLeader() === true ? this.#outside.planned() : []) {
      const entry = this.#book.record.get(releaseKey(release.ref));
      const seen = entry?.state === "stepping" ? this.#endpointsOf(release) : null;
      if (seen === null) continue;
      if (isUnready(seen)) unready.add(releaseKey(release.ref));
      const addresses = seen.flatMap(({ address, state }) => (state === "ready" ? [address] : []));
      ready.set(releaseKey(release.ref), new Set(addresses));
    }
    this.#restarts.see(ready);
    this.#unready = unready;
    if (unready.size > 0) void this.#controller.look("changed");
    this.#outside.clock.after(restartsMs, () => this.#seeRestarts());
  }

  /** Of what is rolled out; null: that is nothing, or it is not known. */
  #endpointsOf({
    ref: { namespace, name: deployment },
    plan,
  }: PlannedRelease): ReturnType<ReleasesOutside["endpointsOf"]> {
    if (plan.kind !== "rollout") return null;
    return this.#outside.endpointsOf({ namespace, deployment, predictor: plan.plan.to, role: "live" });
  }

  async #look(releases: readonly PlannedRelease[]): Promise<ReleaseLook> {
    const peers = this.#outside.peers();
    const names = releases.filter((release) => this.#isCounted(release)).map(({ ref }) => releaseKey(ref));
    const evidence = await peers?.evidence(names);
    const status = peers?.status ?? null;
    const leftOut = this.#outside.leftOut();
    return {
      of: (release) => {
        const key = releaseKey(release.ref);
        const others = evidence?.(key) ?? noEvidence;
        return {
          counts: { ...this.#ownCounts(release), ...countsOfPeers(release, others.byInstance) },
          isUnready: isUnready(this.#endpointsOf(release)),
          hasRestarted: this.#restarts.take(key),
          blocked: leftOut.has(key) ? withoutRoom : status === null ? null : blockedBy(status, others.missing),
        };
      },
    };
  }

  /** Nothing is decided by counts about those that are stopped or have ended, unless they ask for something else. */
  #isCounted({ ref, plan, text, models, isAborted }: PlannedRelease): boolean {
    const entry = this.#book.record.get(releaseKey(ref));
    const isOver = entry?.state === "promoted" || entry?.state === "aborted" || entry?.state === "held";
    return plan.kind !== "stopped" && !(isOver && !isAborted && entry.text === text && entry.models === models);
  }

  #ownCounts({ ref: { namespace, name: deployment }, arms }: PlannedRelease): CountsOfArms {
    const of = (predictor: string): ArmCounts =>
      this.#outside.totalOf({ namespace, deployment, predictor, role: "live" });
    return { [this.#outside.instance]: Object.fromEntries(arms.map((name) => [name, of(name)])) };
  }
}

/** Not even one that terminates takes requests. False where that is not known. */
function isUnready(endpoints: ReturnType<ReleasesOutside["endpointsOf"]>): boolean {
  return endpoints !== null && endpoints.every(({ state }) => state === "failing");
}

/** Between two looks at what is ready. */
const restartsMs = 1000;

/** Nothing is promoted on a part of its evidence. */
const withoutRoom: RolloutLook["blocked"] = {
  why: "Sluice has no room for all of its evidence, because this namespace has too many releases.",
  until: "room for its evidence: end other releases of this namespace",
};

/** Of those that answer, by the process that counted. */
export function countsOfPeers(
  { ref: { namespace, name }, arms }: Pick<PlannedRelease, "ref" | "arms">,
  answers: ReadonlyMap<string, Evidence>,
): CountsOfArms {
  return Object.fromEntries(
    Array.from(answers, ([instance, { deployments }]) => {
      const predictors = deployments.find((one) => one.namespace === namespace && one.name === name)?.predictors ?? [];
      const counts = new Map(predictors.map(({ predictor, counts: of }) => [predictor, of]));
      return [instance, Object.fromEntries(arms.map((arm) => [arm, counts.get(arm) ?? noCounts]))];
    }),
  );
}

/**
 * Nothing is promoted on evidence of a part of the replicas. Those that run another version are such a part, too. `missing`: names of those that are not in
 * the evidence of this look, though they may have answered another question since.
 */
export function blockedBy({ trouble, peers }: PeersStatus, missing: readonly string[]): RolloutLook["blocked"] {
  const away = peers.filter(({ name, state }) => state !== "answering" || missing.includes(name));
  if (away.length > 0)
    return {
      why: `${away.length} of ${peers.length + 1} replicas ${away.length === 1 ? "does" : "do"} not answer: ${away[0]!.name}.`,
      until: "an answer of each replica",
    };
  return trouble === null
    ? null
    : { why: "Sluice does not know which replicas there are.", until: "an answer of the API server" };
}
