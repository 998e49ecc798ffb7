// A shadow beside a live Mapping whose path is the same but for the last slash: two Routes, of which one has only shadows. Looked for when
// somebody reads the Problems.
import type { Mapping } from '../../routing/mapping.ts';
import { hostText } from '../../routing/order.ts';
import type { ObjectRef, Problem } from '../../routing/problem.ts';
import type { Draft, UnitMeaning } from './unit.ts';

interface Declarer {
  readonly ref: ObjectRef;
  readonly meaning: UnitMeaning;
}

/** Problems of shadows that get no copies because of one slash. */
export function shadowSlashes(units: Iterable<Declarer>): readonly Problem[] {
  const shadows: { readonly ref: ObjectRef; readonly draft: Draft }[] = [];
  const live = new Map<string, ObjectRef>();
  const all = [...units];
  for (const { ref, meaning } of all) {
    for (const draft of meaning.drafts) if (draft.mapping.role.kind === 'shadow' && draft.mapping.match.path.kind === 'prefix') shadows.push({ ref, draft });
  }
  if (shadows.length === 0) return [];
  for (const { ref, meaning } of all) {
    for (const { mapping } of meaning.drafts) if (mapping.role.kind === 'live' && mapping.match.path.kind === 'prefix') live.set(keyOf(mapping, mapping.match.path.prefix), ref);
  }
  return shadows.flatMap(({ ref, draft: { mapping, field } }): readonly Problem[] => {
    const { path } = mapping.match;
    if (path.kind !== 'prefix' || mapping.id.endsWith(' own') || live.has(keyOf(mapping, path.prefix))) return [];
    const other = path.prefix.endsWith('/') ? path.prefix.slice(0, -1) : `${path.prefix}/`;
    const near = live.get(keyOf(mapping, other));
    if (near === undefined) return [];
    const sentence = `${path.prefix} differs from ${other} of ${near.kind} ${near.namespace}/${near.name} by its last slash alone, so they are two Routes and this shadow gets no copies of that one's requests; write ${other}`;
    return [{ code: 'shadow-slash', level: 'error', subject: ref, field, sentence }];
  });
}

/** All of what a Route is told apart by, with that path. */
function keyOf({ namespace, match: { path, host, method, headers, query }, precedence }: Mapping, prefix: string): string {
  return JSON.stringify([namespace, prefix, path.kind === 'prefix' && path.caseSensitive, hostText(host), method, headers, query, precedence]);
}
