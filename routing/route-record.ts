// Route records: the Mappings of a Route as bytes, with what the table knows of each: its counter slot, the state of its Upstream.
// The Route itself is made from them where it is asked for (routing/route.ts).
import { ArenaFault, unitWords } from './arena.ts';
import type { Arena } from './arena.ts';
import type { Mapping } from './mapping.ts';
import { patched, patchOf } from './patch.ts';
import type { Patch } from './patch.ts';
import { plainMappingOf } from './plain-mapping.ts';
import { contentOf, recordWords } from './record.ts';
import type { RouteMember } from './route.ts';
import { stateBits, stateOfBits, unready } from './upstream-state.ts';

type Packed = readonly [slot: number, state: number, since: number, patch: Patch | null];
type PackedRoute = readonly [kind: string, namespace: string, name: string, ...members: readonly Packed[]];

/** The content of a Route's record, of one member or more. Members after the first are told as what they differ in from the one before. */
export function packMembers(members: readonly RouteMember[]): string {
  const { source } = members[0]!.mapping;
  let base = plainMappingOf(source);
  const packed: Packed[] = [];
  for (const { mapping, since, slot, state } of members) {
    packed.push([slot, stateBits(state), since, patchOf(base, mapping) ?? null]);
    base = mapping;
  }
  const { kind, namespace, name } = source;
  return JSON.stringify([kind, namespace, name, ...packed] satisfies PackedRoute);
}

/** What a Mapping takes in the record of a Route that has no other, bytes. */
export function mappingBytes(mapping: Mapping): number {
  return Buffer.byteLength(packMembers([{ mapping, since: 0, slot: -1, state: unready }]));
}

/** The members in the record at this unit, which has this number. Throws ArenaFault where it is not what was written. */
export function membersAt(arena: Arena, unit: number, number: number): readonly RouteMember[] {
  if (arena.words[unit * unitWords + recordWords.number] !== number) throw new ArenaFault(`the record at ${unit} is not of Route ${number}`);
  const [kind, namespace, name, ...packed] = contentOf(arena, unit) as PackedRoute;
  if (packed.length === 0) throw new ArenaFault(`the Route at ${unit} has no Mapping`);
  let base = plainMappingOf({ kind, namespace, name });
  return packed.map(([slot, state, since, patch]) => {
    const mapping = patched(base, patch ?? undefined) as Mapping;
    base = mapping;
    return { mapping, since, slot, state: stateOfBits(state) };
  });
}
