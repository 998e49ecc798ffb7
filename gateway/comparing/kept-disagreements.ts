// KeptDisagreements: the last pairs that disagreed, with both answers; those that disagree alike are one. Bounded for each deployment and in all.
import type { Disagreement } from "./messages.ts";

/** Of one deployment. */
export const maxOfDeployment = 100;
/** Characters of all disagreements together; those of the deployment that has most go first. */
export const maxKeptCharacters = 32 * 1024 * 1024;

interface Ring {
  /** By what makes them alike; the one that came last, or came again last, is at the end. */
  readonly kept: Map<string, Disagreement>;
  size: number;
}

export class KeptDisagreements {
  readonly #rings = new Map<string, Ring>();
  #size = 0;
  readonly #max: number;

  constructor(max = maxKeptCharacters) {
    this.#max = max;
  }

  /** One like it came. False: none is kept. */
  again(namespace: string, deployment: string, likeness: string, atMs: number): boolean {
    const kept = this.#rings.get(keyOf(namespace, deployment))?.kept;
    const known = kept?.get(likeness);
    if (kept === undefined || known === undefined) return false;
    kept.delete(likeness);
    kept.set(likeness, { ...known, count: known.count + 1, lastMs: Math.max(known.lastMs, atMs) });
    return true;
  }

  /** `likeness`: of `disagreementKey`, one that `again` did not find. */
  add(likeness: string, one: Disagreement): void {
    const key = keyOf(one.namespace, one.deployment);
    let ring = this.#rings.get(key);
    if (ring === undefined) this.#rings.set(key, (ring = { kept: new Map(), size: 0 }));
    ring.kept.set(likeness, one);
    ring.size += sizeOf(one);
    this.#size += sizeOf(one);
    if (ring.kept.size > maxOfDeployment) this.#dropOldest(key, ring);
    while (this.#size > this.#max) {
      const [largestKey, largest] = [...this.#rings].reduce((one, other) =>
        other[1].size > one[1].size ? other : one,
      );
      this.#dropOldest(largestKey, largest);
    }
  }

  #dropOldest(key: string, ring: Ring): void {
    const [likeness, oldest] = ring.kept.entries().next().value!;
    ring.kept.delete(likeness);
    const size = sizeOf(oldest);
    ring.size -= size;
    this.#size -= size;
    if (ring.kept.size === 0) this.#rings.delete(key);
  }

  /** The newest first. */
  of(namespace: string, deployment: string): readonly Disagreement[] {
    return [...(this.#rings.get(keyOf(namespace, deployment))?.kept.values() ?? [])].toReversed();
  }
}

function keyOf(namespace: string, deployment: string): string {
  return `${namespace}/${deployment}`;
}

/** With what else a disagreement takes. */
function sizeOf({ primary, shadow, differences }: Disagreement): number {
  const told = differences.reduce(
    (sum, one) => sum + one.path.length + (one.primary?.length ?? 0) + (one.shadow?.length ?? 0),
    0,
  );
  return primary.length + shadow.length + told + 4096;
}
