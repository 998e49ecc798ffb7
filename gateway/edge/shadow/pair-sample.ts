// PairSample: which pairs of answers one worker keeps to be compared, the first of each second.
import type { ComparedSubject } from "../../shared/compared-pairs.ts";
import { mayTake } from "../../shared/fair-share.ts";

/** Pairs of one shadow in a second, and of all of them, of all workers together. Where there are more workers than that, each takes one. */
export const pairsOfShadow = 20;
export const pairsOfAll = 500;

export class PairSample {
  readonly #mostOfShadow: number;
  readonly #most: number;
  #second = -1;
  #all = 0;
  readonly #ofNamespace = new Map<string, number>();
  readonly #ofShadow = new Map<string, number>();

  constructor(workers: number) {
    this.#mostOfShadow = Math.max(1, Math.floor(pairsOfShadow / workers));
    this.#most = Math.max(1, Math.floor(pairsOfAll / workers));
  }

  /** False: this pair is left out. A namespace takes half of all at most, and the next one always finds room. `nowMs` never goes back. */
  takes({ namespace, deployment, predictor }: ComparedSubject, nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#all = 0;
      this.#ofNamespace.clear();
      this.#ofShadow.clear();
    }
    const shadow = `${namespace}/${deployment}/${predictor}`;
    const [own, ofNamespace] = [this.#ofShadow.get(shadow) ?? 0, this.#ofNamespace.get(namespace) ?? 0];
    if (own >= this.#mostOfShadow || !mayTake(ofNamespace, 1, this.#all, this.#most)) return false;
    this.#ofShadow.set(shadow, own + 1);
    this.#ofNamespace.set(namespace, ofNamespace + 1);
    this.#all += 1;
    return true;
  }
}
