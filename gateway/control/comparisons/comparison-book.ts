// ComparisonBook: what the comparing thread tells of each comparison, whichever thread it is, and the disagreements that it keeps.
import type { MessagePort } from "node:worker_threads";
import { addedCounts, noCounts } from "../../../routing/release/compare/added.ts";
import { comparisonOutcomes, type ComparisonCounts } from "../../../routing/release/compare/comparison.ts";
import type { ComparedView } from "../../admin/view/view.ts";
import { crowdedOut } from "../../comparing/crowded-out.ts";
import type {
  ComparingToControl,
  ComparisonKey,
  ComparisonState,
  Disagreement,
  DisagreementsAsked,
} from "../../comparing/messages.ts";

/** Comparisons that are kept; of the namespace that has most the one that was told of first goes first. */
export const maxBooked = 2000;
/** The thread compares meanwhile. */
const answerMs = 2000;

interface Booked {
  /** Of threads that have ended. */
  before: ComparisonCounts;
  state: ComparisonState;
}

/** How many pairs of a predictor and its shadow were compared, and how many of them agreed. */
export interface ComparedPairs {
  readonly pairs: number;
  readonly agreed: number;
}

export class ComparisonBook implements ComparedView {
  readonly #booked = new Map<string, Booked>();
  readonly #asked = new Map<number, (kept: readonly Disagreement[]) => void>();
  #channel: MessagePort | null = null;
  #nextId = 0;

  /** Another comparing thread, which counts from 0. */
  join(channel: MessagePort): void {
    this.#channel?.close();
    this.#channel = channel;
    for (const one of this.#booked.values()) {
      one.before = addedCounts(one.before, one.state.counts);
      one.state = { ...one.state, counts: noCounts };
    }
    channel.on("message", (message: ComparingToControl) => {
      if (this.#channel !== channel) return;
      if (message.kind === "counts") for (const state of message.states) this.#take(state);
      else this.#asked.get(message.id)?.(message.kept);
    });
    channel.on("close", () => {
      if (this.#channel === channel) this.#channel = null;
    });
    channel.unref();
  }

  #take(state: ComparisonState): void {
    const key = keyOf(state);
    const known = this.#booked.get(key);
    // Pairs that were compared by other rules say nothing of these.
    if (known !== undefined && known.state.rules === state.rules) {
      // The thread had dropped it, and counts it anew.
      if (pairsIn(state.counts) < pairsIn(known.state.counts))
        known.before = addedCounts(known.before, known.state.counts);
      known.state = { ...state, sinceMs: Math.min(state.sinceMs, known.state.sinceMs) };
      return;
    }
    this.#booked.set(key, { before: noCounts, state });
    if (this.#booked.size <= maxBooked) return;
    this.#booked.delete(keyOf(crowdedOut([...this.#booked.values()].map((one) => one.state))));
  }

  get states(): readonly ComparisonState[] {
    return [...this.#booked.values()].map(({ before, state }) => ({
      ...state,
      counts: addedCounts(before, state.counts),
    }));
  }

  /** Of a predictor beside others of its deployment, whichever of the two answered the client. An answer that a shadow did not give is no pair. */
  comparedPairs(namespace: string, deployment: string, predictor: string): ComparedPairs {
    let [pairs, agreed] = [0, 0];
    for (const { before, state } of this.#booked.values()) {
      if (state.namespace !== namespace || state.deployment !== deployment) continue;
      if ((state.predictor === predictor) === (state.against === predictor)) continue;
      for (const { outcomes } of [before, state.counts]) {
        pairs += outcomes.agreed + outcomes.disagreed;
        agreed += outcomes.agreed;
      }
    }
    return { pairs, agreed };
  }

  /** The newest first. Empty where the thread is away. */
  async disagreements(namespace: string, deployment: string): Promise<readonly Disagreement[]> {
    const channel = this.#channel;
    if (channel === null) return [];
    const id = this.#nextId++;
    const { promise, resolve } = Promise.withResolvers<readonly Disagreement[]>();
    this.#asked.set(id, resolve);
    const timer = setTimeout(() => resolve([]), answerMs);
    channel.postMessage({ id, namespace, deployment } satisfies DisagreementsAsked);
    const kept = await promise;
    clearTimeout(timer);
    this.#asked.delete(id);
    return kept;
  }
}

function keyOf({ namespace, deployment, predictor, against }: ComparisonKey): string {
  return JSON.stringify([namespace, deployment, predictor, against]);
}

function pairsIn({ outcomes }: ComparisonCounts): number {
  return comparisonOutcomes.reduce((sum, outcome) => sum + outcomes[outcome], 0);
}
