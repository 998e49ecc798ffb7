// Changes: what objects say otherwise, from the change that was read to the data workers that serve it; what was not taken; Problems that end.
import type { ObjectEdits } from "../../../k8s/translate/model/edit.ts";
import { visible } from "../../../routing/text/visible.ts";
import { objectKey } from "../../../k8s/translate/model/object.ts";
import { isDifference, type ObjectRef, type Problem } from "../../../routing/text/problem.ts";
import { spaceOf, whatChanged, type Change } from "../../api/changes.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Log } from "../../shared/log.ts";
import { plannedOf, type ChangeOutcome, type Planned } from "./change.ts";
import { ChangeBudget, maxOfAll } from "./change-budget.ts";
import { ChangeRing } from "./change-ring.ts";

/** The line of a change says "waiting" when some data worker does not serve it after this time. */
export const waitMs = 5000;
/** Tables that some worker does not serve yet. Beyond them the changes of the oldest one are "waiting". */
const maxTables = 64;
const maxEdited = 1000;

export interface ChangesOutside {
  readonly log: Log;
  readonly clock: Clock;
  /** Epoch ms. */
  nowMs(): number;
  /** So many changes came to this. */
  count(outcome: ChangeOutcome, count: number): void;
  /** One is told. */
  told(change: Change): void;
}

/** Data workers that are connected, and which table they serve. */
export interface Serving {
  readonly connected: number;
  /** How many serve this version or a later one. */
  holding(version: number): number;
}

/** What is served together. */
interface Batch {
  readonly planned: Planned[];
  /** Changes that are only counted. */
  uncounted: number;
  /** Epoch ms. */
  readAtMs: number;
}

interface Published extends Batch {
  readonly version: number;
  /** Of the clock. */
  readonly sinceMs: number;
}

const maxSentence = 1000;
const gateway: ObjectRef = { kind: "Gateway", namespace: "", name: "sluice" };

export class Changes {
  readonly ring = new ChangeRing();
  readonly #outside: ChangesOutside;
  readonly #budget: ChangeBudget;
  /** Of steps of rollouts: no burst of other changes takes their place. */
  readonly #stepBudget: ChangeBudget;
  /** In no table yet. */
  #made: Batch = emptyBatch();
  #published: Published[] = [];
  /** Keys of objects that were edited since Problems were told last: a new Problem of one is the edit's. */
  readonly #edited = new Set<string>();
  #isWatched = false;

  constructor(outside: ChangesOutside) {
    this.#outside = outside;
    const tellMore = (namespace: string, count: number): void => this.#tellMore(namespace, count);
    this.#budget = new ChangeBudget(outside.clock, tellMore);
    this.#stepBudget = new ChangeBudget(outside.clock, tellMore);
  }

  /** Objects at a start: they are told as a number. */
  read(objects: number): void {
    this.#tell({
      object: gateway,
      outcome: "read",
      sentence: objects === 1 ? "1 object read" : `${objects.toLocaleString("en")} objects read`,
    });
  }

  /** Objects that say other things, read since `readAtMs`, epoch ms. The next `settled` says what became of them. */
  made({ edits, more }: ObjectEdits, readAtMs: number): void {
    if (edits.length + more.size === 0) return;
    const made = this.#made;
    for (const { ref } of edits) if (this.#edited.size < maxEdited) this.#edited.add(objectKey(ref));
    for (const planned of edits.flatMap(plannedOf)) {
      if (planned.refused !== null) {
        this.notTaken(planned, planned.refused);
        continue;
      }
      const budget = planned.isStep ? this.#stepBudget : this.#budget;
      if (budget.take(planned.object.namespace)) made.planned.push(planned);
      else made.uncounted += 1;
    }
    for (const [namespace, count] of more) {
      made.uncounted += count;
      this.#budget.beyond(namespace, count);
    }
    // An edit that was not taken is in no batch.
    if (made.planned.length + made.uncounted > 0) made.readAtMs = Math.min(made.readAtMs, readAtMs);
  }

  /** The table of this version has the changes that were made; `version` null: they make no other table. `refusal`: why they are not in it; null: they are. */
  settled(version: number | null, refusal: string | null, serving: Serving): void {
    const made = this.#made;
    if (made.planned.length + made.uncounted === 0) return;
    this.#made = emptyBatch();
    if (refusal !== null) for (const planned of made.planned) this.notTaken(planned, refusal);
    const batch = refusal === null ? made : { ...made, planned: [] };
    if (version === null) return this.#come(batch, "unchanged", "", null);
    this.#published.push({ ...batch, version, sinceMs: this.#outside.clock.now() });
    if (this.#published.length > maxTables) this.#comeWaiting(this.#published.shift()!, serving);
    this.#watch(serving);
    this.held(serving);
  }

  /** A data worker serves another table, or left. */
  held(serving: Serving): void {
    const { connected } = serving;
    if (connected === 0) return;
    this.#published = this.#published.filter((one) => {
      if (serving.holding(one.version) < connected) return true;
      const liveAfterMs = Math.max(0, Math.round(this.#outside.nowMs() - one.readAtMs));
      this.#come(one, "live", `${connected} of ${connected}`, liveAfterMs);
      return false;
    });
  }

  /** It is not served as declared. */
  notTaken(planned: Pick<Planned, "object" | "field" | "from" | "to">, reason: string): void {
    this.#outside.count("not-taken", 1);
    if (!this.#budget.take(spaceOf(planned))) return;
    this.#tell({ ...planned, outcome: "not-taken", sentence: `${whatChanged(planned)}: not taken: ${reason}` });
  }

  /** Other than before are the policy, certificates or Grants that hold from now on. `words`: what became of them. */
  sent(said: readonly Pick<Change, "object" | "field" | "from" | "to">[], words = "sent to the data workers"): void {
    this.#outside.count("sent", said.length);
    for (const one of said)
      if (this.#budget.take(spaceOf(one)))
        this.#tell({ ...one, outcome: "sent", sentence: `${whatChanged(one)}, ${words}` });
  }

  /** Problems that were not there, and are logged; Problems that are gone. A new one of an object that was edited since is the edit's. */
  problems(fresh: readonly Problem[], gone: readonly Problem[]): void {
    for (const problem of gone) this.#problem(problem, "ended");
    for (const problem of fresh) {
      const isEdits = this.#edited.has(objectKey(problem.subject)) && !isDifference(problem);
      if (!isEdits) this.#problem(problem, "problem");
      else if (!this.#isTold(problem)) this.#problem(problem, "not-taken");
    }
    this.#edited.clear();
  }

  #problem(problem: Problem, outcome: "problem" | "not-taken" | "ended"): void {
    const { subject, field, code, sentence } = problem;
    this.#outside.count(outcome, 1);
    if (!this.#budget.take(spaceOf({ object: subject }))) return;
    const words = outcome === "ended" ? `${code} has ended` : `${code}: ${sentence}`;
    this.#tell(
      { object: subject, field, outcome, sentence: field === "" ? words : `${field}: ${words}` },
      outcome === "ended",
    );
  }

  /** It was told with the edit already. */
  #isTold({ subject, sentence }: Problem): boolean {
    const [key, words] = [objectKey(subject), visible(sentence)];
    return this.ring.changes
      .slice(-2 * maxOfAll)
      .some(
        ({ change }) =>
          change.outcome === "not-taken" && objectKey(change.object) === key && change.sentence.endsWith(words),
      );
  }

  #watch(serving: Serving): void {
    if (this.#isWatched) return;
    this.#isWatched = true;
    this.#outside.clock.after(waitMs, () => {
      this.#isWatched = false;
      const lastMs = this.#outside.clock.now() - waitMs;
      const late = this.#published.filter(({ sinceMs }) => sinceMs <= lastMs);
      this.#published = this.#published.slice(late.length);
      for (const one of late) this.#comeWaiting(one, serving);
      if (this.#published.length > 0) this.#watch(serving);
    });
  }

  #comeWaiting(one: Published, serving: Serving): void {
    this.#come(one, "waiting", `${serving.holding(one.version)} of ${serving.connected}`, null);
  }

  #come(
    { planned, uncounted }: Batch,
    outcome: "live" | "unchanged" | "waiting",
    workers: string,
    liveAfterMs: number | null,
  ): void {
    this.#outside.count(outcome, planned.length + uncounted);
    const words = {
      live: `live on ${workers} workers after ${liveAfterMs} ms`,
      unchanged: "the routing table stays as it is",
      waiting: `live on ${workers} workers only`,
    }[outcome];
    for (const one of planned) {
      // What an edit says may be a whole sentence.
      const sentence = `${whatChanged(one).replace(/\.$/, "")}, ${words}`;
      this.#tell({ ...one, outcome, sentence, workers, liveAfterMs });
    }
  }

  #tellMore(namespace: string, count: number): void {
    const object = namespace === "" ? gateway : { kind: "Namespace", namespace: "", name: namespace };
    this.#tell({ object, outcome: "more", sentence: `${count} more changes` });
  }

  /** `isLogged` false: the log has another line of it. */
  #tell(said: Pick<Change, "object" | "outcome" | "sentence"> & Partial<Change>, isLogged = true): void {
    const { object, outcome } = said;
    const { field, from, to, workers, liveAfterMs } = { ...nothingMore, ...said };
    const sentence = visible(said.sentence).slice(0, maxSentence);
    const change: Change = {
      atMs: Math.round(this.#outside.nowMs()),
      object,
      field: visible(field),
      from: visible(from),
      to: visible(to),
      outcome,
      sentence,
      workers,
      liveAfterMs,
    };
    const { kind, namespace, name } = object;
    if (isLogged) this.#outside.log.write("change", { kind, namespace, name, outcome, sentence });
    this.ring.add(change);
    this.#outside.told(change);
  }
}

const nothingMore = { field: "", from: "", to: "", workers: "", liveAfterMs: null };

function emptyBatch(): Batch {
  return { planned: [], uncounted: 0, readAtMs: Number.POSITIVE_INFINITY };
}
