// StickySplit: the shares of a Route by keys of callers instead of draws.
import type { ForwardDecision, Shadow, SplitMember, StickySplit } from "./decision.ts";
import { digestOf } from "../collections/digest.ts";
import type { Mapping } from "../model/mapping.ts";
import type { Sticky } from "../model/sticky.ts";
import { groundsOf } from "./circle.ts";

/** By what callers stay with a member: all live Mappings of the Route say the same, or `differ`; null: none says anything. */
export function stickyOf(live: readonly { readonly mapping: Mapping }[]): Sticky | "differ" | null {
  const first = live.length === 0 ? null : live[0]!.mapping.sticky;
  if (live.every(({ mapping }) => mapping.sticky === first)) return first;
  const text = JSON.stringify(first);
  return live.every(({ mapping }) => JSON.stringify(mapping.sticky) === text) ? first : "differ";
}

/** Where a member's ground begins: by the names of its deployment and predictor. Those of an explainer are its predictor's. */
export function anchorOf({ series: { deployment, predictor } }: Pick<Mapping, "series">): number {
  const { high, low } = digestOf(`${deployment}/${predictor.replace(/-explainer$/, "")}`);
  return (high >>> 0) * 0x10000 + (low >>> 16);
}

type Writable<V> = { -readonly [key in keyof V]: V[key] };

/**
 * Without its ground. null: the draw decides, or a key would decide nothing, because one member takes all, no Shadow takes a part, and no evidence of a release (`isReleased`) is counted by it.
 */
export function stickySplitOf<T>(
  said: ReturnType<typeof stickyOf>,
  takers: number,
  shadows: readonly Pick<Shadow<T>, "fraction">[],
  isReleased: boolean,
): Writable<StickySplit<T>> | null {
  if (said === null || said === "differ") return null;
  const decides = isReleased || takers > 1 || shadows.some(({ fraction }) => fraction > 0 && fraction < 1);
  return takers === 0 || !decides ? null : { on: said.on, seed: digestOf(said.identity), untils: [], takers: [] };
}

/** Gives the members of the Split their ground. `forwards`: those with a share, one or more. */
export function fillSticky<T>(
  sticky: Writable<StickySplit<T>>,
  members: readonly SplitMember[],
  forwards: readonly ForwardDecision<T>[],
): void {
  const grounds = groundsOf(
    members.map(({ mapping, declared, share }) => ({ anchor: anchorOf(mapping), declared, share })),
  );
  const byId = new Map(forwards.map((forward) => [forward.mapping.id, forward]));
  sticky.untils = Object.freeze(grounds.map(({ until }) => until));
  sticky.takers = Object.freeze(grounds.map(({ part }) => byId.get(members[part]!.mapping.id)!));
  Object.freeze(sticky);
}

/** The member that the key falls on. `point`: 0 to `circle` − 1. */
export function memberAt<T>({ untils, takers }: StickySplit<T>, point: number): ForwardDecision<T> {
  let at = 0;
  while (point >= untils[at]!) at++;
  return takers[at]!;
}
