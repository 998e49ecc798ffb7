// Where several objects share what Ambassador calls a group, and something else becomes of them here. Looked for when somebody reads the Problems.
import { namespacedName } from "../../../routing/text/namespaced-name.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import { hostText, pathText } from "../../../routing/model/match-precedence.ts";
import {
  compareText,
  type ObjectRef,
  type Problem,
  type ProblemLevel,
  type ProblemCode,
} from "../../../routing/text/problem.ts";
import type { Draft, ObjectMeaning } from "../meaning/meaning.ts";

interface Declarer {
  readonly ref: ObjectRef;
  /** null: it has no raw Mapping. */
  readonly meaning: ObjectMeaning | null;
  readonly takenNames: readonly string[];
}

interface Member {
  readonly ref: ObjectRef;
  readonly draft: Draft;
}

/** Problems of raw Mappings, and of SDs that share an external name. `meaningOf`: of one of them as a whole. Pauses are after each declarer and each group. */
export function* groupDifferences<D extends Declarer>(
  declarers: Iterable<D>,
  meaningOf: (declarer: D) => ObjectMeaning,
): Generator<void, readonly Problem[]> {
  const all = [...declarers];
  const shared = new Set<string>();
  for (const {
    ref,
    takenNames: { 1: external },
  } of all) {
    if (external !== undefined) shared.add(namespacedName(ref.namespace, external));
    yield;
  }
  const groups = new Map<string, Member[]>();
  for (const declarer of all) {
    yield;
    const { ref, takenNames } = declarer;
    const mayShare = shared.size > 0 && takenNames.some((name) => shared.has(namespacedName(ref.namespace, name)));
    if (declarer.meaning === null && !mayShare) continue;
    for (const draft of meaningOf(declarer).drafts) {
      // gRPC and the second place of a raw Mapping would say the same once more.
      if ((!draft.raw && !mayShare) || draft.mapping.match.path.kind === "grpc" || draft.mapping.id.endsWith(" own"))
        continue;
      const key = groupOf(draft.mapping);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [{ ref, draft }]);
      else group.push({ ref, draft });
    }
  }
  const problems: Problem[] = [];
  for (const members of groups.values()) {
    yield;
    if (members.length < 2) continue;
    for (const problem of differencesOf(members.sort((a, b) => compareText(a.draft.mapping.id, b.draft.mapping.id))))
      problems.push(problem);
  }
  return problems;
}

/** What Ambassador tells groups apart by, inside a namespace: neither flags of the path nor whether a value is a regex. */
function groupOf({ namespace, match: { path, host, method, headers, query }, precedence }: Mapping): string {
  return JSON.stringify([
    namespace,
    pathText(path),
    hostText(host),
    method,
    headers.map(({ name, value }) => [
      name,
      value.kind === "exact" ? value.value : value.kind === "regex" ? value.pattern : true,
    ]),
    query,
    precedence,
  ]);
}

function differencesOf(members: readonly Member[]): readonly Problem[] {
  const problems: Problem[] = [];
  const tell = (sentence: string, code: ProblemCode = "differs", level: ProblemLevel = "info"): void => {
    for (const { ref, draft } of firstOfEach(members))
      problems.push({ code, level, subject: ref, field: draft.field, sentence });
  };
  const [first, ...others] = members as readonly [Member, ...Member[]];
  if (others.some(({ draft }) => !sameValue(draft.mapping.match, first.draft.mapping.match))) {
    tell(
      `${namesOf(members)} are Routes of their own, because case_sensitive, prefix_exact, prefix_regex or the regex flag of a header differ, and Ambassador takes them for one group or refuses one; write the same flags, or other prefixes`,
    );
    return problems;
  }
  const live = members.filter(({ draft }) => draft.mapping.role.kind === "live");
  const fields = live.length < 2 ? [] : differingFields(live.map(({ draft }) => draft));
  if (fields.length > 0)
    tell(
      `${namesOf(members)} share a Route and differ in ${fields.join(", ")}: Sluice applies the own value of each, and Ambassador applies one value to all, or drops a Mapping; write the same in all of them`,
    );
  const asked = guardWords
    .filter(([name]) =>
      live.some(({ draft }) => !sameValue(draft.mapping.guard[name], first.draft.mapping.guard[name])),
    )
    .map(([, words]) => words);
  if (asked.length > 0)
    tell(
      `${namesOf(members)} share a Route and differ in ${asked.join(", ")}: each request meets the rules of the one that it is drawn for, so a client that repeats its request reaches the weakest rules; write the same in all of them`,
      "members-differ",
      "warning",
    );
  const subjects = new Set(live.map(({ ref }) => `${ref.kind} ${ref.name}`));
  if (
    subjects.size > 1 &&
    live.some(({ draft }) => draft.mapping.role.kind === "live" && draft.mapping.role.share !== 1)
  ) {
    tell(
      `${namesOf(members)} share the requests first and then the predictors of each do, while Ambassador puts all predictors into one group; write the weights that you want`,
    );
  }
  return problems;
}

/** Parts of a Guard, as people write them. */
const guardWords = [
  ["auth", "sluice.io/auth"],
  ["allow", "sluice.io/allow"],
  ["deny", "sluice.io/deny"],
  ["limits", "sluice.io/rate-limit"],
] as const;

/** Fields that Ambassador takes for the group, or compares. */
function differingFields(drafts: readonly Draft[]): readonly string[] {
  const of = (draft: Draft): Readonly<Record<string, unknown>> => {
    const { target } = draft.mapping;
    if (target.kind === "redirect") return { host_redirect: true };
    const { requestHeaders, responseHeaders, retry, cors, upgrades, loadBalancer, priority } = target;
    const upstream = draft.plan?.upstream;
    return {
      host_redirect: false,
      request_headers: requestHeaders,
      response_headers: responseHeaders,
      retry_policy: retry,
      cors,
      allow_upgrade: upgrades,
      load_balancer: loadBalancer,
      priority,
      circuit_breakers: upstream?.breakers,
      connect_timeout_ms: upstream?.connectTimeoutMs,
    };
  };
  const values = drafts.map(of);
  return Object.keys(values[0]!).filter((name) => values.some((value) => !sameValue(value[name], values[0]![name])));
}

function firstOfEach(members: readonly Member[]): readonly Member[] {
  return [
    ...new Map(members.toReversed().map((member) => [`${member.ref.kind} ${member.ref.name}`, member])).values(),
  ].reverse();
}

/** Most objects that a sentence names. */
const mostNamed = 4;

function namesOf(members: readonly Member[]): string {
  const names = firstOfEach(members).map(({ ref }) => `${ref.kind} ${ref.namespace}/${ref.name}`);
  return names.length > mostNamed
    ? `${names.slice(0, mostNamed).join(", ")} and ${names.length - mostNamed} more`
    : names.join(" and ");
}
