// A shadow beside a live Mapping whose path is the same but for the last slash: two Routes, of which one has only shadows. Looked for when
// somebody reads the Problems.
import type { Mapping } from "../../../routing/model/mapping.ts";
import { hostText } from "../../../routing/model/match-precedence.ts";
import type { ObjectRef, Problem } from "../../../routing/text/problem.ts";
import type { Draft, ObjectMeaning } from "../meaning/meaning.ts";

interface Declarer {
  readonly ref: ObjectRef;
  /** null: it is an SD without a lonely shadow. */
  readonly meaning: ObjectMeaning | null;
  readonly takenNames: readonly string[];
}

/** Shadows of one declarer beside which it has no live Mapping. */
export function shadowsWithoutLiveRoute(drafts: readonly Draft[]): readonly Draft[] {
  const shadows = drafts.filter(
    ({ mapping: { role, match } }) => role.kind === "shadow" && match.path.kind === "prefix",
  );
  if (shadows.length === 0) return shadows;
  const live = new Set(drafts.flatMap(({ mapping }) => liveKey(mapping) ?? []));
  return shadows.filter(({ mapping }) => !live.has(keyOf(mapping, prefixOf(mapping))));
}

/** Problems of shadows that get no copies because of one slash. `meaningOf`: of one of the declarers as a whole. Pauses are after each declarer. */
export function* shadowSlashes<D extends Declarer>(
  declarers: Iterable<D>,
  meaningOf: (declarer: D) => ObjectMeaning,
): Generator<void, readonly Problem[]> {
  const all = [...declarers];
  const shadows: { readonly ref: ObjectRef; readonly draft: Draft }[] = [];
  for (const { ref, meaning } of all) {
    if (meaning !== null) for (const draft of shadowsWithoutLiveRoute(meaning.drafts)) shadows.push({ ref, draft });
    yield;
  }
  if (shadows.length === 0) return [];
  const live = new Map<string, ObjectRef>();
  // Paths of SDs hold one of their names.
  const words = new Set(shadows.flatMap(({ draft }) => prefixOf(draft.mapping).split("/")));
  for (const declarer of all) {
    yield;
    if (
      declarer.meaning === null &&
      !declarer.takenNames.some((name) => words.has(name) || words.has(`${name}-explainer`))
    )
      continue;
    for (const { mapping } of meaningOf(declarer).drafts) {
      const key = liveKey(mapping);
      if (key !== null) live.set(key, declarer.ref);
    }
  }
  return shadows.flatMap(({ ref, draft: { mapping, field } }): readonly Problem[] => {
    const { path } = mapping.match;
    if (path.kind !== "prefix" || mapping.id.endsWith(" own") || live.has(keyOf(mapping, path.prefix))) return [];
    const other = path.prefix.endsWith("/") ? path.prefix.slice(0, -1) : `${path.prefix}/`;
    const near = live.get(keyOf(mapping, other));
    if (near === undefined) return [];
    const sentence = `${path.prefix} differs from ${other} of ${near.kind} ${near.namespace}/${near.name} only by its last slash, so they are two Routes and this shadow gets no copies; write ${other}`;
    return [{ code: "shadow-slash", level: "error", subject: ref, field, sentence }];
  });
}

function prefixOf({ match: { path } }: Mapping): string {
  return path.kind === "prefix" ? path.prefix : "";
}

/** null: it is no live Mapping of a prefix. */
function liveKey(mapping: Mapping): string | null {
  return mapping.role.kind === "live" && mapping.match.path.kind === "prefix"
    ? keyOf(mapping, prefixOf(mapping))
    : null;
}

/** All of what a Route is told apart by, with that path. */
function keyOf(
  { namespace, match: { path, host, method, headers, query }, precedence }: Mapping,
  prefix: string,
): string {
  return JSON.stringify([
    namespace,
    prefix,
    path.kind === "prefix" && path.caseSensitive,
    hostText(host),
    method,
    headers,
    query,
    precedence,
  ]);
}
