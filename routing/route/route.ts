// Route: all Mappings of one namespace with one Match and one precedence, compiled. Built anew when one of its Mappings or a ready bit changes.
import { compileConditions, conditionsRefusal } from "./condition.ts";
import type {
  ForwardDecision,
  Placing,
  RejectDecision,
  RejectReason,
  Route,
  Shadow,
  Split,
  SplitMember,
} from "./decision.ts";
import { addDigest, digestOf, noDigest, type Digest } from "../collections/digest.ts";
import type { Mapping } from "../model/mapping.ts";
import type { Match, PathMatch } from "../model/match.ts";
import { matchPrecedence } from "../model/match-precedence.ts";
import type { ObjectRef, Problem, ProblemCode } from "../text/problem.ts";
import { compileRegex } from "../regex/regex.ts";
import { placingOf } from "./namespace-routes.ts";
import { fillSticky, stickyOf, stickySplitOf } from "./sticky-split.ts";
import type { UpstreamState } from "./upstream-state.ts";
import { boundsOf, memberShares, readyShares, type SharesNote } from "./weights.ts";

/** One Mapping of a Route as the table knows it. */
export interface RouteMember {
  readonly mapping: Mapping;
  /** Serial that it was given when it came, or changed: it is the same Mapping as long as this is the same. */
  readonly since: number;
  /** Counter slot, or −1. */
  readonly slot: number;
  /** Of its Upstream. */
  readonly state: UpstreamState;
}

/** A Mapping with what the data plane attached to it. Kept while the Mapping does not change, whatever happens to its Route. */
export interface AttachedMapping<T> extends RouteMember {
  readonly attached: T;
}

/** Canonical text of what makes two Mappings members of one Route. */
export function routeKey(mapping: Mapping): string {
  const { namespace, space, granted, precedence, match } = mapping;
  const owner = space === null ? (granted ? "granted" : "shared") : space === namespace ? "own" : `in ${space}`;
  return `${namespace} ${owner} ${precedence} ${matchKey(match)}`;
}

/** Different Matches have different keys, unlike in Ambassador, which takes some for one (routing rule 10): every value is quoted. */
function matchKey(match: Match): string {
  const path = pathKey(match.path);
  if (match.host.kind === "any" && match.method === null && match.headers.length === 0 && match.query.length === 0)
    return path;
  return `${path} ${JSON.stringify([match.host, match.method, match.headers, match.query])}`;
}

function pathKey(path: PathMatch): string {
  switch (path.kind) {
    case "prefix":
      return `${path.caseSensitive ? "^" : "^i"}${JSON.stringify(path.prefix)}`;
    case "exact":
      return `${path.caseSensitive ? "=" : "=i"}${JSON.stringify(path.path)}`;
    case "regex":
      return `~${JSON.stringify(path.pattern)}`;
    case "grpc":
      return "grpc";
  }
}

/** What one live Mapping gets. */
type Share = Omit<SplitMember, "mapping">;

/** What the Mappings of one Route say together: all that who writes its record must know. */
export interface RoutePlan<M extends RouteMember> {
  readonly key: string;
  readonly placing: Placing;
  /** false: a regex of it is refused, so it matches nothing. */
  readonly usable: boolean;
  readonly live: readonly M[];
  /** Of `live`. */
  readonly shares: readonly Share[];
  readonly problems: readonly Problem[];
}

/** The plan of a Route: its key, and its Mappings by id, one or more. */
export function planRoute<M extends RouteMember>(key: string, members: readonly M[]): RoutePlan<M> {
  const { match } = members[0]!.mapping;
  const refusal = refusalOf(match);
  const problems: Problem[] =
    refusal === null ? [] : problemsOf(members, "error", "bad-value", `${refusal}: this Route matches nothing`);
  const live = liveOf(members);
  const shares = sharesOf(members, live, problems);
  if (stickyOf(live) === "differ")
    problems.push(
      ...problemsOf(
        live,
        "warning",
        "members-differ",
        "the members of this Route say different things in sluice.io/sticky, so a draw decides each request; write the same annotation on all of them",
      ),
    );
  return {
    key,
    placing: placingOf(match, refusal === null),
    usable: refusal === null,
    live,
    shares,
    problems: problems.length === 0 || match.path.kind === "grpc" ? noProblems : Object.freeze(problems),
  };
}

/** Why a Match matches nothing, or null. */
function refusalOf(match: Match): string | null {
  const conditions = conditionsRefusal(match);
  if (conditions !== null || match.path.kind !== "regex") return conditions;
  const regex = compileRegex(match.path.pattern);
  return regex.ok ? null : `the regex of the path ${regex.reason}`;
}

/** Compiles the Mappings of one Route, one or more, by id. `serial`: of its record. */
export function buildRoute<T>(members: readonly AttachedMapping<T>[], serial: number): Route<T> {
  const first = members[0]!.mapping;
  const { match, namespace, space, precedence, granted } = first;
  const plan = planRoute(routeKey(first), members);
  const conditions = compileConditions(match);
  const regex = match.path.kind === "regex" ? compileRegex(match.path.pattern) : null;
  const route: Writable<Route<T>> = {
    serial,
    key: plan.key,
    namespace,
    space,
    match,
    precedence,
    granted,
    split: noSplit,
    shadows: noShadows,
    mappings: Object.freeze(members.map(({ mapping }) => mapping)),
    problems: plan.problems,
    matchPrecedence: matchPrecedence(match, namespace, precedence, granted && space === null, plan.key),
    placing: plan.placing,
    hasLive: plan.live.length > 0,
    usable: plan.usable,
    regex: regex !== null && regex.ok ? regex.regex : null,
    conditions: conditions.ok ? conditions.conditions : null,
  };
  route.shadows = shadowsOf(members);
  route.split = splitOf(route, members[0]!, plan);
  return Object.freeze(route);
}

/** What ready bits count in the digest of a table, beside its Mappings: the usual one costs nothing. */
export function digestOfUnready({ live, shares }: Pick<RoutePlan<RouteMember>, "live" | "shares">): Digest {
  let sum = noDigest;
  for (let at = 0; at < shares.length; at++)
    if (!shares[at]!.ready) sum = addDigest(sum, digestOf(live[at]!.mapping.id), 1);
  return sum;
}

/** The same for the Mappings of a Route, none or more, without its plan. */
export function digestOfUnreadyAmong(members: readonly RouteMember[]): Digest {
  if (members.every(({ state: { ready, ending } }) => ready && !ending)) return noDigest;
  const live = liveOf(members);
  return digestOfUnready({ live, shares: sharesOf(members, live, []) });
}

function liveOf<M extends RouteMember>(members: readonly M[]): readonly M[] {
  return members.filter(({ mapping }) => mapping.role.kind === "live");
}

type Writable<V> = { -readonly [key in keyof V]: V[key] };

const noSplit: Split<never> = Object.freeze({
  members: Object.freeze([]),
  forwards: Object.freeze([]),
  undrawn: Object.freeze([]),
  reject: null,
});
const noShadows: readonly never[] = Object.freeze([]);
const noProblems: readonly Problem[] = Object.freeze([]);
const noShares: readonly Share[] = Object.freeze([]);

function sharesOf(
  members: readonly RouteMember[],
  live: readonly RouteMember[],
  problems: Problem[],
): readonly Share[] {
  if (live.length === 0) {
    problems.push(
      ...problemsOf(
        members,
        "error",
        "only-shadows",
        "only shadows match here and a shadow never answers: declare a live one with the same match",
      ),
    );
    return noShares;
  }
  const sole = live[0]!;
  // Nine of ten Routes. Says what the general arithmetic says, without its lists.
  if (live.length === 1 && sole.state.ready && shareOf(sole.mapping) > 0)
    return [{ declared: shareOf(sole.mapping), share: 1, ready: true }];
  // Most others: predictors of one deployment. The same again.
  if (
    live.every(
      ({ mapping: { member }, state: { ready, ending } }) => member === sole.mapping.member && ready && !ending,
    )
  ) {
    let whole = 0;
    for (const { mapping } of live) whole += shareOf(mapping);
    return live.map(({ mapping }) => ({
      declared: shareOf(mapping),
      share: shareOf(mapping) === 0 ? 0 : shareOf(mapping) / whole,
      ready: true,
    }));
  }
  const numbers = new Map<string, number>();
  const weights: (number | null)[] = [];
  for (const { mapping } of live) {
    if (numbers.has(mapping.member)) continue;
    numbers.set(mapping.member, numbers.size);
    weights.push(weightOf(mapping));
  }
  const level1 = memberShares(weights);
  if (level1.note !== null) problems.push(...weightProblems(live, weights.length, level1.note));
  const declared = live.map(({ mapping }) => level1.shares[numbers.get(mapping.member)!]! * shareOf(mapping));
  // Pods that are ending stop without notice: they take shares only where no other member can.
  const lasts = live.some(({ state: { ready, ending } }, index) => ready && !ending && declared[index]! > 0);
  const parts = live.map(({ mapping, state: { ready, ending } }, index) => {
    return { share: declared[index]!, member: numbers.get(mapping.member)!, ready: ready && !(ending && lasts) };
  });
  return readyShares(parts).map((share, index) => ({ declared: declared[index]!, share, ready: parts[index]!.ready }));
}

function splitOf<T>(route: Route<T>, first: RouteMember, { live, shares }: RoutePlan<AttachedMapping<T>>): Split<T> {
  if (live.length === 0) return Object.freeze({ ...noSplit, reject: reject("only-shadows", first) });
  const members: SplitMember[] = live.map(({ mapping }, index) => Object.freeze({ mapping, ...shares[index]! }));
  const takers = live.filter((_, index) => shares[index]!.share > 0);
  const isReleased = live.some(({ mapping: { target } }) => target.kind === "forward" && target.released);
  const sticky = stickySplitOf<T>(stickyOf(live), takers.length, route.shadows, isReleased);
  const ofRoute = { ofSeveral: live.length > 1, sticky };
  const forwards = forwardsOf(route, takers, boundsOf(shares.map(({ share }) => share)), ofRoute);
  if (sticky !== null) fillSticky(sticky, members, forwards);
  const allZero = shares.every(({ declared }) => declared === 0);
  return Object.freeze({
    members: Object.freeze(members),
    forwards: Object.freeze(forwards),
    undrawn:
      forwards.length === live.length
        ? noSplit.undrawn
        : Object.freeze(
            live.filter((_, index) => shares[index]!.share === 0).map((one) => forwardOf(route, one, 0, null, ofRoute)),
          ),
    reject: forwards.length > 0 ? null : reject(allZero ? "all-weights-zero" : "no-healthy-upstream", live[0]!),
  });
}

/** One for each bound, linked in their order. */
function forwardsOf<T>(
  route: Route<T>,
  takers: readonly AttachedMapping<T>[],
  bounds: readonly number[],
  ofRoute: Pick<ForwardDecision<T>, "ofSeveral" | "sticky">,
): readonly ForwardDecision<T>[] {
  const forwards: ForwardDecision<T>[] = [];
  let next: ForwardDecision<T> | null = null;
  for (let index = takers.length - 1; index >= 0; index--) {
    next = forwardOf(route, takers[index]!, bounds[index]!, next, ofRoute);
    forwards.push(next);
  }
  return forwards.reverse();
}

function forwardOf<T>(
  route: Route<T>,
  { mapping, attached }: AttachedMapping<T>,
  bound: number,
  next: ForwardDecision<T> | null,
  { ofSeveral, sticky }: Pick<ForwardDecision<T>, "ofSeveral" | "sticky">,
): ForwardDecision<T> {
  return Object.freeze({
    kind: "forward",
    serial: route.serial,
    next,
    bound,
    ofSeveral,
    attached,
    sticky,
    shadows: route.shadows,
    route,
    mapping,
    target: mapping.target,
  });
}

function weightOf(mapping: Mapping): number | null {
  return mapping.role.kind === "live" ? mapping.role.weight : null;
}

function shareOf(mapping: Mapping): number {
  return mapping.role.kind === "live" ? mapping.role.share : 0;
}

const sentences: Readonly<
  Record<Exclude<RejectReason, "not-read" | "no-route" | "namespace-needed" | "regex-work">, string>
> = {
  "no-healthy-upstream": "no healthy upstream",
  "all-weights-zero": "no healthy upstream: every weight of this route is 0",
  "only-shadows": "no healthy upstream: this route has shadows only",
};

function reject(reason: keyof typeof sentences, { mapping, slot }: RouteMember): RejectDecision {
  return Object.freeze({ kind: "reject", reason, sentence: sentences[reason], mapping, slot });
}

function shadowsOf<T>(members: readonly AttachedMapping<T>[]): readonly Shadow<T>[] {
  const shadows: Shadow<T>[] = [];
  for (const { mapping, state, attached } of members) {
    const { role, target } = mapping;
    // A redirect has no Upstream to copy to. k8s/translate reports it to its author.
    if (role.kind !== "shadow" || target.kind !== "forward") continue;
    shadows.push(
      Object.freeze({ mapping, target, fraction: shadowFraction(role.percent), ready: state.ready, attached }),
    );
  }
  return shadows.length === 0 ? noShadows : Object.freeze(shadows);
}

/** Over 100 is all (Ambassador); what is not a number above 0 is none. */
function shadowFraction(percent: number): number {
  return percent >= 100 ? 1 : percent > 0 ? percent / 100 : 0;
}

function weightProblems(live: readonly RouteMember[], count: number, note: SharesNote): Problem[] {
  switch (note.kind) {
    case "scaled":
      return problemsOf(
        live,
        "warning",
        "shares-scaled",
        `the weights of the ${count} members of this Route sum to ${note.sum}, not 100: Sluice scales them`,
      );
    case "all-zero":
      return problemsOf(
        live,
        "error",
        "all-weights-zero",
        `all ${count} members of this Route have weight 0: its requests get 503`,
      );
    case "undeclared":
      return problemsOf(
        live,
        "warning",
        "no-weights",
        `${count} members share this Route and none has a weight: each gets an equal share`,
      );
    case "remainder":
      return [];
  }
}

/** Thousands may share a Route, and the Problem of each names the others: at most this many. */
const mostNamed = 8;

/** One Problem for each object concerned. */
function problemsOf(
  members: readonly { readonly mapping: Mapping }[],
  level: Problem["level"],
  code: ProblemCode,
  what: string,
): Problem[] {
  const subjects = new Map<string, ObjectRef>();
  for (const { mapping } of members)
    subjects.set(`${mapping.source.kind} ${mapping.source.namespace}/${mapping.source.name}`, mapping.source);
  const others = [...subjects.keys()];
  const unnamed = others.length - mostNamed;
  const among =
    others.length > 1 ? ` (${others.slice(0, mostNamed).join(", ")}${unnamed > 0 ? ` and ${unnamed} more` : ""})` : "";
  return [...subjects.values()].map((subject) => ({ code, level, subject, field: "", sentence: `${what}${among}` }));
}
