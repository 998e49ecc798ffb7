// Print: the text of tables, Routes and Decisions that goldens, `sluice routes` and `sluice explain` show, and the JSON of `--json`.
//
//   ^ /seldon/prod/iris/  x-user: alice
//       75%  service prod/iris-main:8000 http1 -> /  (SeldonDeployment prod/iris, main)
//       25%  service prod/iris-canary:8000 http1 -> /  (SeldonDeployment prod/iris, canary)
//     shadow 10%  service prod/iris-next:8000 http1  (SeldonDeployment prod/iris, next)
//
// `^` prefix, `=` exact, `~` regex; conditions after two spaces; `->` rewrite; `!` what is wrong.
import type { Decision, Shadow, Route, SplitMember } from "./route/decision.ts";
import type { ForwardTarget, Mapping, RedirectTarget, Rewrite, Role } from "./model/mapping.ts";
import { GRPC_PATTERN, type Match, type NamedMatch, type PathMatch, type ValueMatch } from "./model/match.ts";
import { hostText } from "./model/match-precedence.ts";
import { printJsonPath } from "./text/json-path.ts";
import { compareProblems, printProblem, type Problem } from "./text/problem.ts";
import { stickyOf } from "./route/sticky-split.ts";
import { stickyText } from "./model/sticky.ts";
import { compileRedirect, compileRewrite, redirectPath, rewritePath, rewriteRefusal } from "./route/rewrite.ts";
import type { RouteTable } from "./table.ts";
import type { FrontSettings } from "./model/table-change.ts";
import { visible } from "./text/visible.ts";

/** What is printed of a table: all of its Routes, or some. */
export type PrintedTable<T> = Pick<RouteTable<T>, "version" | "hash" | "settings" | "routesInOrder">;

/** The whole table: what is about every request, then Routes in the order tried, a heading for each space, Problems under their Route. Ends with a newline unless empty. */
export function printTable<T>(
  table: PrintedTable<T>,
  problemsOf: (route: Route<T>) => readonly Problem[] = ({ problems }) => problems,
): string {
  return [...tableBlocks(table.settings.front, table.routesInOrder(), problemsOf)].join("\n");
}

/** The same bit by bit, of Routes in the order tried: between two there is an empty line. */
export function* tableBlocks<T>(
  front: FrontSettings | null,
  routes: Iterable<Route<T>>,
  problemsOf: (route: Route<T>) => readonly Problem[] = ({ problems }) => problems,
): Generator<string, void> {
  if (front !== null)
    yield `# every request\n\n${frontWords(front)
      .map((word) => `  ${word}\n`)
      .join("")}`;
  let space: string | null | undefined;
  for (const route of routes) {
    if (route.space !== space) {
      space = route.space;
      yield space === null ? "# shared space\n" : `# namespace ${visible(space)}\n`;
    }
    yield printRoute(route, problemsOf(route));
  }
}

function frontWords({
  trustedHops,
  keepsRequestId,
  underscores,
  refusesEscapedSlashes,
  connectionIdleMs,
  addresses,
}: FrontSettings): readonly string[] {
  const words: string[] = [];
  if (trustedHops !== null) words.push(`trusted hops ${trustedHops}, where --trusted-hops is not written`);
  for (const { kind, peer, remote } of addresses) {
    const lists = [...peer.map((block) => `peer ${block}`), ...remote.map((block) => `client ${block}`)];
    words.push(`${kind === "allow" ? "only from" : "not from"} ${lists.length === 0 ? "nowhere" : lists.join(", ")}`);
  }
  if (keepsRequestId) words.push("x-request-id of clients is kept");
  if (underscores !== "allow")
    words.push(underscores === "drop" ? "headers with _ are taken out" : "headers with _ are refused");
  if (refusesEscapedSlashes) words.push("paths with %2F or %5C are refused");
  if (connectionIdleMs !== null)
    words.push(`idle connections end after ${connectionIdleMs} ms, where --connection-idle-timeout-ms is not written`);
  return words;
}

/** One Route, with the Problems of building it. Ends with a newline. */
export function printRoute<T>(route: Route<T>, problems: readonly Problem[]): string {
  const lines = [routeLine(route)];
  for (const member of route.split.members) lines.push(memberLine(member));
  for (const shadow of route.shadows) lines.push(shadowLine(shadow));
  if (route.split.reject !== null) lines.push(`  ! 503 ${route.split.reject.sentence}`);
  for (const problem of problems.toSorted(compareProblems)) lines.push(`  ! ${printProblem(problem)}`);
  return `${lines.map(visible).join("\n")}\n`;
}

/**
 * One line: where the request goes, with its path there, or why nowhere. `path` is the request's, with its query; `copies` are the Shadows
 * that get a copy.
 */
export function printDecision<T>(decision: Decision<T>, path: string, copies: readonly Shadow<T>[]): string {
  if (decision.kind === "reject") return `reject ${decision.reason}: ${decision.sentence}`;
  const { mapping, target } = decision;
  const shadows = copies
    .map((shadow) => `, shadow ${shadow.target.upstream}${shadow.ready ? "" : " unready"}`)
    .join("");
  if (target.kind === "redirect")
    return `redirect ${target.code} ${target.host}${redirected(mapping, target, path)}${shadows}`;
  return `forward ${target.upstream} ${forwardedPath(mapping, target, path)}${sourceText(mapping)}${shadows}`;
}

/** A Match in one line: `^ /seldon/prod/iris/  host *.example.com  GET  x-user: alice  ?v=1`. */
export function printMatch(match: Match): string {
  const parts = [printPath(match.path)];
  if (match.host.kind !== "any")
    parts.push(`host ${match.host.kind === "regex" ? "~" : ""}${quoted(hostText(match.host))}`);
  if (match.method !== null)
    parts.push(match.method.kind === "exact" ? match.method.value : `method ${printValue(match.method)}`);
  for (const header of match.headers) parts.push(printNamed(header, ": "));
  for (const parameter of match.query) parts.push(`?${printNamed(parameter, "=")}`);
  return parts.join("  ");
}

/** A share, 0..1, as percent with up to four digits. */
export function printShare(share: number): string {
  return `${Number((share * 100).toFixed(4))}%`;
}

/** Longest path that a regex may make, by default (`--request-line-bytes`). */
const usualLineBytes = 8192;

/** The path that the Upstream sees, with its query; where the request would be refused, why. */
export function forwardedPath(mapping: Mapping, target: ForwardTarget, path: string): string {
  const mark = path.indexOf("?");
  const bare = mark < 0 ? path : path.slice(0, mark);
  const rewrite = compileRewrite(mapping.match.path, target.rewrite);
  const refusal = rewriteRefusal(rewrite, bare, usualLineBytes);
  return refusal === null ? rewritePath(rewrite, bare) + path.slice(bare.length) : `(refused: ${refusal})`;
}

function redirected(mapping: Mapping, target: RedirectTarget, path: string): string {
  const mark = path.indexOf("?");
  const result = redirectPath(
    compileRedirect(target, mapping.match.path),
    mark < 0 ? path : path.slice(0, mark),
    mark < 0 ? "" : path.slice(mark + 1),
    usualLineBytes,
  );
  return result.kind === "replaced" ? result.text : `(refused: ${result.kind})`;
}

function routeLine<T>(route: Route<T>): string {
  const parts = [printMatch(route.match)];
  if (route.precedence !== 0) parts.push(`precedence ${route.precedence}`);
  if (route.granted) parts.push("granted");
  const sticky = stickyShown(route);
  if (sticky !== null) parts.push(`sticky ${sticky}`);
  if (route.space !== route.namespace) parts.push(`of ${route.namespace}`);
  return parts.join("  ");
}

function memberLine({ mapping, declared, share, ready }: SplitMember): string {
  const moved = Math.abs(declared - share) > 1e-9 ? ` (declared ${printShare(declared)})` : "";
  const state = ready ? "" : "  unready";
  return `${printShare(share).padStart(9)}${moved}  ${targetText(mapping)}${sourceText(mapping)}${state}`;
}

function shadowLine<T>({ mapping, fraction, ready }: Shadow<T>): string {
  return `  shadow ${printShare(fraction)}  ${targetText(mapping)}${sourceText(mapping)}${ready ? "" : "  unready"}`;
}

function sourceText(mapping: Mapping): string {
  const predictor = mapping.series.predictor === "" ? "" : `, ${mapping.series.predictor}`;
  return `  (${mapping.source.kind} ${mapping.source.namespace}/${mapping.source.name}${predictor})`;
}

function targetText({ target, match }: Mapping): string {
  if (target.kind === "redirect") return `redirect ${target.code} ${target.host}${redirectText(target)}`;
  return `${target.upstream}${rewriteText(target.rewrite, match.path)}${policyText(target)}`;
}

function rewriteText(rewrite: Rewrite, path: PathMatch): string {
  switch (rewrite.kind) {
    case "none":
      return "";
    case "prefix":
      return path.kind === "prefix" && path.prefix === rewrite.with ? "" : ` -> ${quoted(rewrite.with)}`;
    case "regex":
      return ` -> s~${rewrite.pattern}~${rewrite.substitution}~`;
  }
}

function redirectText({ path }: RedirectTarget): string {
  switch (path.kind) {
    case "keep":
      return "";
    case "path":
      return ` path ${path.path}`;
    case "prefix":
      return ` -> ${path.with}`;
    case "regex":
      return ` -> s~${path.pattern}~${path.substitution}~`;
  }
}

/** Declared settings beside the destination: limits, retries, hosts, header edits. Defaults are left out. */
function policyText(target: ForwardTarget): string {
  const parts: string[] = [];
  if (target.timeout.setBy !== null)
    parts.push(`timeout ${target.timeout.ms === 0 ? "none" : `${target.timeout.ms} ms`}`);
  if (target.idleTimeout.setBy !== null)
    parts.push(`idle ${target.idleTimeout.ms === 0 ? "none" : `${target.idleTimeout.ms} ms`}`);
  if (target.retry !== null) parts.push(`retry ${target.retry.numRetries} on ${target.retry.retryOn.join(",")}`);
  if (target.hostRewrite.kind === "literal") parts.push(`host ${target.hostRewrite.host}`);
  if (target.hostRewrite.kind === "upstream") parts.push("host of the upstream");
  if (target.loadBalancer.kind !== "least-request")
    parts.push(
      target.loadBalancer.kind === "hash"
        ? `${target.loadBalancer.policy} on ${target.loadBalancer.on.kind}`
        : target.loadBalancer.kind,
    );
  if (target.priority !== "default") parts.push("high priority");
  for (const [edits, direction] of [
    [target.requestHeaders, "request"],
    [target.responseHeaders, "response"],
  ] as const) {
    for (const name of edits.remove) parts.push(`${direction} -${name}`);
    for (const { name, append } of edits.add) parts.push(`${direction} ${append ? "+" : "="}${name}`);
  }
  if (target.cors !== null) parts.push("cors");
  if (target.upgrades.length > 0) parts.push(`upgrade ${target.upgrades.join(",")}`);
  if (target.dialService) parts.push("dials the service");
  if (target.compare !== "") parts.push("compared");
  if (target.rewardPath !== null) parts.push(`reward ${printJsonPath(target.rewardPath)}`);
  return parts.length === 0 ? "" : `  [${parts.join(", ")}]`;
}

function printPath(path: PathMatch): string {
  switch (path.kind) {
    case "prefix":
      return `^${path.caseSensitive ? "" : "i"} ${quoted(path.prefix)}`;
    case "exact":
      return `=${path.caseSensitive ? "" : "i"} ${quoted(path.path)}`;
    case "regex":
      return `~ ${quoted(path.pattern)}`;
    case "grpc":
      return `~ ${GRPC_PATTERN}`;
  }
}

function printNamed({ name, value }: NamedMatch, sign: string): string {
  return value.kind === "present" ? `${name} present` : `${name}${sign}${printValue(value)}`;
}

function printValue(value: ValueMatch): string {
  return value.kind === "exact"
    ? quoted(value.value)
    : value.kind === "regex"
      ? `~${quoted(value.pattern)}`
      : "present";
}

/** In quotes where the text would be read as something else. */
function quoted(text: string): string {
  return text === "" || /^[~"]|\s|[^\x20-\x7e]/.test(text) ? JSON.stringify(text) : text;
}

export interface RouteJson {
  readonly namespace: string;
  readonly space: string | null;
  readonly match: Match;
  readonly precedence: number;
  readonly granted: boolean;
  readonly members: readonly {
    readonly mapping: string;
    readonly upstream: string | null;
    readonly declared: number;
    readonly share: number;
    readonly ready: boolean;
    readonly role: Role;
    readonly target: ForwardTarget | RedirectTarget;
  }[];
  readonly shadows: readonly {
    readonly mapping: string;
    readonly upstream: string;
    readonly fraction: number;
    readonly ready: boolean;
  }[];
  /** By what of a request its caller stays with one member, as `sluice.io/sticky` has it; null: a draw decides each request. */
  readonly sticky: string | null;
  /** Why it answers 503, or null. */
  readonly reject: string | null;
  readonly problems: readonly Problem[];
}

export interface TableJson {
  readonly version: number;
  readonly hash: string;
  readonly routes: readonly RouteJson[];
}

/** The table as plain values, Routes in the order tried. Shares are 0..1. */
export function tableJson<T>(table: PrintedTable<T>): TableJson {
  return {
    version: table.version,
    hash: table.hash,
    routes: table.routesInOrder().map((route) => routeJson(route, route.problems)),
  };
}

export function routeJson<T>(route: Route<T>, problems: readonly Problem[]): RouteJson {
  return {
    namespace: route.namespace,
    space: route.space,
    match: route.match,
    precedence: route.precedence,
    granted: route.granted,
    members: route.split.members.map(({ mapping, declared, share, ready }) => ({
      mapping: mapping.id,
      upstream: mapping.target.kind === "forward" ? mapping.target.upstream : null,
      declared,
      share,
      ready,
      role: mapping.role,
      target: mapping.target,
    })),
    shadows: route.shadows.map(({ mapping, target, fraction, ready }) => ({
      mapping: mapping.id,
      upstream: target.upstream,
      fraction,
      ready,
    })),
    sticky: stickyShown(route),
    reject: route.split.reject?.sentence ?? null,
    problems: problems.toSorted(compareProblems),
  };
}

function stickyShown<T>(route: Route<T>): string | null {
  const sticky = stickyOf(route.split.members);
  return sticky === null || sticky === "differ" ? null : stickyText(sticky.on);
}

export type DecisionJson =
  | {
      readonly kind: "forward";
      readonly mapping: string;
      readonly upstream: string;
      readonly path: string;
      readonly shadows: readonly string[];
    }
  | {
      readonly kind: "redirect";
      readonly mapping: string;
      readonly code: number;
      readonly location: string;
      readonly shadows: readonly string[];
    }
  | { readonly kind: "reject"; readonly reason: string; readonly sentence: string };

/** As `printDecision`, as plain values. */
export function decisionJson<T>(decision: Decision<T>, path: string, copies: readonly Shadow<T>[]): DecisionJson {
  if (decision.kind === "reject") return { kind: "reject", reason: decision.reason, sentence: decision.sentence };
  const { mapping, target } = decision;
  const shadows = copies.map((shadow) => shadow.mapping.id);
  if (target.kind === "redirect")
    return {
      kind: "redirect",
      mapping: mapping.id,
      code: target.code,
      location: `${target.host}${redirected(mapping, target, path)}`,
      shadows,
    };
  return {
    kind: "forward",
    mapping: mapping.id,
    upstream: target.upstream,
    path: forwardedPath(mapping, target, path),
    shadows,
  };
}
