// KeptDisagreements: the last pairs that disagreed, with both answers. Bounded for each deployment and in all.
import type { Disagreement } from "./messages.ts";

/** Of one deployment. */
export const maxOfDeployment = 100;
/** Characters of all answers together; those of the deployment that has most go first. */
export const maxKeptCharacters = 32 * 1024 * 1024;

interface Ring {
  readonly kept: Disagreement[];
  size: number;
}

export class KeptDisagreements {
  readonly #rings = new Map<string, Ring>();
  #size = 0;
  readonly #max: number;

  constructor(max = maxKeptCharacters) {
    this.#max = max;
  }

  add(one: Disagreement): void {
    const key = keyOf(one.namespace, one.deployment);
    let ring = this.#rings.get(key);
    if (ring === undefined) this.#rings.set(key, (ring = { kept: [], size: 0 }));
    ring.kept.push(one);
    ring.size += sizeOf(one);
    this.#size += sizeOf(one);
    if (ring.kept.length > maxOfDeployment) this.#dropOldest(key, ring);
    while (this.#size > this.#max) {
      const [largestKey, largest] = [...this.#rings].reduce((one, other) =>
        other[1].size > one[1].size ? other : one,
      );
      this.#dropOldest(largestKey, largest);
    }
  }

  #dropOldest(key: string, ring: Ring): void {
    const size = sizeOf(ring.kept.shift()!);
    ring.size -= size;
    this.#size -= size;
    if (ring.kept.length === 0) this.#rings.delete(key);
  }

  /** The newest first. */
  of(namespace: string, deployment: string): readonly Disagreement[] {
    return this.#rings.get(keyOf(namespace, deployment))?.kept.toReversed() ?? [];
  }
}

function keyOf(namespace: string, deployment: string): string {
  return `${namespace}/${deployment}`;
}

/** With what else a disagreement takes. */
function sizeOf({ primary, shadow }: Disagreement): number {
  return primary.length + shadow.length + 4096;
}
