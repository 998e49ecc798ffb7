// Draws of a case: everything random in it comes from the run's seed and the case's number, so that a case can be played again alone.

/** mulberry32: [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t ^= t + Math.imul(t ^ (t >>> 7), 61 | t);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export class Draws {
  readonly random: () => number;

  constructor(seed: number, part: number) {
    // Two steps apart, or neighbours would share their first draws.
    this.random = randomOf(Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(part + 1, 0xc2b2ae35));
    this.random();
  }

  /** [0, limit) */
  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  any<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}
