// Circle: which keys of callers each member of a Split has, so that as few callers as can be change hands when shares change.
//
// Keys fall on a circle. Each member begins at an anchor of its own, which its name alone decides, and takes as much ground as its share from there on,
// clockwise. It steps over ground of members whose anchors come later: a point belongs to the nearest anchor behind it that still wants ground (the one-sided
// stable allocation of Hoffman, Holroyd and Peres; a stack, as in matching brackets). So the shares alone decide, without a state. Members without a share
// and the order of members decide nothing. With d as the least share of callers that must change hands between two splits (their total variation):
//
// - two members: exactly d changes hands;
// - n members: at most (n - 1) d. It is exactly d where one member grows at the cost of the one on whose ground it ends, as a canary does at the cost of main;
// - a member that alone grows keeps all of its callers, and one that alone shrinks gets no new ones, whoever pays for it;
// - the share of an unready member goes to the others, and all of their callers stay (`leave`).
//
// No stateless map has exactly d for all splits of three members. The ground of each would follow from its own share alone. Where the third has no share, any
// two would fill the circle, so all three would have the same ground.
import { circle } from "../collections/key-hash.ts";

/** One member. */
export interface CirclePart {
  /** Where its ground begins, 0 to `circle` − 1. */
  readonly anchor: number;
  /** As declared, 0 or more. */
  readonly declared: number;
  /** After readiness: 0 or more, and at least `declared` where it is ready. */
  readonly share: number;
}

/** Ground up to a position, from where the one before ends. `part`: the index of its member. */
export interface Ground {
  readonly until: number;
  readonly part: number;
}

/** The ground of all members with a share, in order: the last ends at `circle`. Empty: none has one. Members with one anchor are told apart by their order. */
export function groundsOf(parts: readonly CirclePart[]): readonly Ground[] {
  const whole = parts.reduce((sum, { declared }) => sum + declared, 0);
  if (!(whole > 0) || parts.every(({ share }) => share <= 0)) return [];
  const demands = parts
    .map(({ anchor, declared }, part) => ({ anchor, part, left: Math.round((declared / whole) * circle) }))
    .filter(({ left }) => left > 0)
    .toSorted((one, other) => one.anchor - other.anchor);
  return leave(parts, merged(around(demands)), whole);
}

interface Demand {
  readonly anchor: number;
  readonly part: number;
  left: number;
}

/** `part` −1: nobody's yet. */
type Draft = { until: number; part: number };

/** Once round, then what is left over fills what stayed free: the demands that pass the end of the circle, the nearest first. */
function around(demands: Demand[]): readonly Draft[] {
  const stack: Demand[] = [];
  const drafts: Draft[] = [];
  let at = 0;
  const fill = (until: number): void => {
    while (at < until) {
      const top = stack.at(-1);
      const end = top === undefined ? until : Math.min(until, at + top.left);
      drafts.push({ until: end, part: top === undefined ? -1 : top.part });
      if (top !== undefined && (top.left -= end - at) === 0) stack.pop();
      at = end;
    }
  };
  for (const demand of demands) {
    fill(demand.anchor);
    stack.push(demand);
  }
  fill(circle);
  const free = drafts.splice(0);
  at = 0;
  for (const { until, part } of free) {
    if (part < 0) fill(until);
    else drafts.push({ until: (at = until), part });
  }
  return drafts;
}

/** Neighbours of one member as one. What rounding left free belongs to its neighbour. */
function merged(drafts: readonly Draft[]): readonly Ground[] {
  const grounds: Draft[] = [];
  for (const { until, part } of drafts) {
    const last = grounds.at(-1);
    if (last !== undefined && (part < 0 || part === last.part)) last.until = until;
    else if (part >= 0) grounds.push({ until, part });
  }
  return grounds;
}

/**
 * The ground of members that take nothing goes to those that get more than they declared, in proportion to that. Their own callers stay where they are, and
 * those of an unready member come back to it when it is ready.
 */
function leave(parts: readonly CirclePart[], grounds: readonly Ground[], whole: number): readonly Ground[] {
  let left = 0;
  for (const [at, { until, part }] of grounds.entries())
    if (parts[part]!.share <= 0) left += until - (at === 0 ? 0 : grounds[at - 1]!.until);
  if (left === 0) return grounds;
  const gains = parts.map(({ declared, share }) => (share > 0 ? Math.max(0, share - declared / whole) : 0));
  const gained = gains.reduce((sum, gain) => sum + gain, 0);
  // By anchor: the order of members decides nothing.
  const takers = parts
    .map(({ anchor, share }, part) => ({ anchor, part, gain: gained > 0 ? gains[part]! / gained : share }))
    .filter(({ gain }) => gain > 0)
    .toSorted((one, other) => one.anchor - other.anchor);
  const drafts: Draft[] = [];
  let taker = 0;
  let sum = takers[0]!.gain;
  let taken = 0;
  let from = 0;
  for (const { until, part } of grounds) {
    if (parts[part]!.share > 0) drafts.push({ until, part });
    while (parts[part]!.share <= 0 && from < until) {
      const wanted = taker === takers.length - 1 ? Infinity : Math.round(sum * left) - taken;
      if (wanted <= 0) {
        sum += takers[++taker]!.gain;
        continue;
      }
      const end = Math.min(until, from + wanted);
      drafts.push({ until: end, part: takers[taker]!.part });
      taken += end - from;
      from = end;
    }
    from = until;
  }
  return merged(drafts);
}
