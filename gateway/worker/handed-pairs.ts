// HandedPairs: pairs of answers on their way from a data worker to the control worker, which compares them. What it has not compared is bounded, in all and for each
// namespace; beyond that pairs are left out. How many are left out is told once a second.
import {
  bytesOf,
  type ComparedSides,
  type PairsLeftOut,
  type PairTaker,
  type PostedPair,
} from "../shared/compared-pairs.ts";
import type { LeftOut } from "../shared/metrics/left-out.ts";
import { mayTake } from "../shared/fair-share.ts";
import type { DataToControl } from "../shared/messages.ts";

/** Of all namespaces together; each has as much as is free. */
export const maxHandedPairs = 128;
export const maxHandedBytes = 4 * 1024 * 1024;
/** Between two messages of those that were left out. */
const tellMs = 1000;
/** Pairs of predictors of which it is told apart; the metric has all of them. */
const maxTold = 1000;

interface Handed {
  pairs: number;
  bytes: number;
}

export class HandedPairs implements PairTaker {
  /** False: there is no control worker. */
  readonly #post: (message: DataToControl) => boolean;
  #all: Handed = { pairs: 0, bytes: 0 };
  readonly #byNamespace = new Map<string, Handed>();
  #leftOut = new Map<string, PairsLeftOut>();
  #timer: NodeJS.Timeout | null = null;

  constructor(post: (message: DataToControl) => boolean) {
    this.#post = post;
  }

  /** Another control worker came: what the one before had is gone with it. */
  restart(): void {
    this.#all = { pairs: 0, bytes: 0 };
    this.#byNamespace.clear();
  }

  take(pair: PostedPair): boolean {
    const { namespace } = pair;
    const bytes = bytesOf(pair);
    const own = this.#byNamespace.get(namespace) ?? { pairs: 0, bytes: 0 };
    const hasRoom =
      mayTake(own.pairs, 1, this.#all.pairs, maxHandedPairs) &&
      mayTake(own.bytes, bytes, this.#all.bytes, maxHandedBytes);
    if (!hasRoom || !this.#post({ kind: "pair", pair })) return false;
    this.#byNamespace.set(namespace, own);
    add(own, 1, bytes);
    add(this.#all, 1, bytes);
    return true;
  }

  /** The control worker is done with a pair that it got since `restart`. */
  taken(namespace: string, bytes: number): void {
    const own = this.#byNamespace.get(namespace);
    if (own === undefined) return;
    add(own, -1, -bytes);
    add(this.#all, -1, -bytes);
    if (own.pairs === 0) this.#byNamespace.delete(namespace);
  }

  leftOut(sides: ComparedSides, why: LeftOut): void {
    const { namespace, deployment, predictor, against, rules } = sides;
    const key = `${namespace}/${deployment}/${predictor}/${against}/${why}`;
    const known = this.#leftOut.get(key);
    if (known === undefined && this.#leftOut.size >= maxTold) return;
    const count = known?.rules === rules ? known.count + 1 : 1;
    this.#leftOut.set(key, { namespace, deployment, predictor, against, rules, why, count });
    if (this.#timer === null) this.#timer = setTimeout(() => this.#tell(), tellMs).unref();
  }

  #tell(): void {
    this.#timer = null;
    this.#post({ kind: "pairs-left-out", pairs: [...this.#leftOut.values()] });
    this.#leftOut = new Map();
  }
}

function add(handed: Handed, pairs: number, bytes: number): void {
  handed.pairs += pairs;
  handed.bytes += bytes;
}
