// Releases: the record, and what moves it, as the control worker uses them.
import type { Problem } from "../../../routing/text/problem.ts";
import { noCounts, type ArmCounts } from "../../../release/statistics/arm-counts.ts";
import type { RecordStore } from "../../../k8s/source/objects/source.ts";
import { releaseKey, type PlannedRelease, type ReleaseRecord } from "../../../k8s/translate/model/release.ts";
import type { PredictorKey } from "../../admin/view.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Leadership } from "../leadership/leadership.ts";
import type { Log } from "../../shared/log.ts";
import type { Rollout } from "../../api/rollouts.ts";
import { rolloutView } from "./rollout-view.ts";
import { ReleaseSync } from "./release-sync.ts";
import type { CountsOfArms } from "./decided.ts";
import { lookMs, ReleaseController } from "./release-controller.ts";

export interface ReleasesOutside {
  /** Names this process: its counts begin at 0 with it. */
  readonly instance: string;
  /** null: nobody leads. */
  readonly leadership: Pick<Leadership, "isLeader" | "changed"> | null;
  readonly log: Log;
  readonly clock: Clock;
  /** Epoch ms. */
  readonly nowMs: () => number;
  readonly planned: () => Iterable<PlannedRelease>;
  readonly exists: (namespace: string, name: string) => boolean;
  readonly recorded: (record: ReleaseRecord) => void;
  readonly problemsChanged: () => void;
  /** What the live requests of a predictor came to since this process began. */
  readonly totalOf: (predictor: PredictorKey) => Omit<ArmCounts, "compared">;
}

export class Releases {
  readonly #outside: ReleasesOutside;
  readonly #sync: ReleaseSync;
  readonly #controller: ReleaseController;
  #stopped = false;
  #isOpen = false;

  constructor(store: RecordStore, outside: ReleasesOutside) {
    this.#outside = outside;
    this.#sync = new ReleaseSync(store, outside);
    this.#controller = new ReleaseController(this.#sync, {
      clock: outside.clock,
      nowMs: outside.nowMs,
      isLeader: () => this.#isOpen && outside.leadership?.isLeader() === true,
      planned: outside.planned,
      exists: ({ namespace, name }) => outside.exists(namespace, name),
      look: () => Promise.resolve({ countsOf: (release: PlannedRelease) => this.#countsOf(release), blocked: null }),
    });
    outside.leadership?.changed(() => this.changed());
  }

  get problems(): readonly Problem[] {
    return this.#sync.problems;
  }

  /** How far each has come. */
  get views(): readonly Rollout[] {
    return Array.from(this.#outside.planned(), (release) =>
      rolloutView(
        release,
        this.#sync.record.get(releaseKey(release.ref)) ?? null,
        this.#controller.decisionOf(release.ref),
      ),
    );
  }

  /** The first table has left. */
  open(): void {
    this.#isOpen = true;
    this.#again();
  }

  /** SDs changed. */
  changed(): void {
    if (this.#isOpen) void this.#controller.look();
  }

  stop(): void {
    this.#stopped = true;
    this.#isOpen = false;
    this.#sync.stop();
  }

  #again(): void {
    if (this.#stopped) return;
    void this.#controller.look().finally(() => this.#outside.clock.after(lookMs, () => this.#again()));
  }

  #countsOf({ ref: { namespace, name: deployment }, arms }: PlannedRelease): CountsOfArms {
    const of = (predictor: string): ArmCounts => ({
      ...noCounts,
      ...this.#outside.totalOf({ namespace, deployment, predictor, role: "live" }),
    });
    return { [this.#outside.instance]: Object.fromEntries(arms.map((name) => [name, of(name)])) };
  }
}
