// The state of an Upstream: all that a Route reads of it, as two bits of records.
import { isEnding, type UpstreamEndpoints } from "../model/upstream.ts";

/** The ready bit of an Upstream, and whether only Endpoints that are ending make it ready. */
export interface UpstreamState {
  readonly ready: boolean;
  readonly ending: boolean;
}

const states: readonly UpstreamState[] = [0, 1, 2, 3].map((bits) =>
  Object.freeze({ ready: (bits & 1) !== 0, ending: (bits & 2) !== 0 }),
);

/** Of an Upstream of which nothing is known. */
export const unready = states[0]!;

/** Of a redirect, which needs no Upstream. */
export const steady = states[1]!;

/** Of an Upstream with these Endpoints; null: it has none that are known. */
export function stateOfEndpoints(endpoints: UpstreamEndpoints | null): UpstreamState {
  return endpoints === null ? unready : stateOfBits((endpoints.ready ? 1 : 0) + (isEnding(endpoints) ? 2 : 0));
}

export function stateBits({ ready, ending }: UpstreamState): number {
  return (ready ? 1 : 0) + (ending ? 2 : 0);
}

export function stateOfBits(bits: number): UpstreamState {
  return states[bits & 3]!;
}

export function sameState(a: UpstreamState, b: UpstreamState): boolean {
  return a.ready === b.ready && a.ending === b.ending;
}
