// Route records: the Mappings of a Route as bytes, with what the table knows of each: its counter slot, the state of its Upstream.
// The Route itself is made from them where it is asked for (routing/route/route.ts).
import type { Arena } from "./arena.ts";
import type { Mapping } from "../model/mapping.ts";
import { patched, patchOf, type Patch } from "./patch.ts";
import { formOf, plainBeside, plainMappingOf, type Form } from "./plain-mapping.ts";
import { contentOf } from "./record.ts";
import type { RouteMember } from "../route/route.ts";
import { stateBits, stateOfBits, unready } from "../route/upstream-state.ts";

type Packed = readonly [predictor: string, slot: number, state: number, since: number, patch: Patch | null];
type PackedRoute = readonly [kind: string, namespace: string, name: string, form: Form, ...members: readonly Packed[]];

/**
 * The content of a Route's record, of one member or more: the first as what it differs in from the plain Mapping of its object and predictor, the
 * others from what one of theirs would be beside the one before.
 */
export function packMembers(members: readonly RouteMember[]): string {
  const first = members[0]!.mapping;
  const { source } = first;
  const form = formOf(first);
  let before: Mapping | null = null;
  const packed: Packed[] = [];
  for (const { mapping, since, slot, state } of members) {
    const { predictor } = mapping.series;
    const base = before === null ? plainMappingOf(source, form, predictor) : plainBeside(before, form, predictor);
    packed.push([predictor, slot, stateBits(state), since, patchOf(base, mapping) ?? null]);
    before = mapping;
  }
  return JSON.stringify([source.kind, source.namespace, source.name, form, ...packed] satisfies PackedRoute);
}

/** What a Mapping takes in the record of a Route that has no other, bytes. */
export function mappingBytes(mapping: Mapping): number {
  return Buffer.byteLength(packMembers([{ mapping, since: 0, slot: -1, state: unready }]));
}

/** The members in the record at this unit. */
export function membersAt(arena: Arena, unit: number): readonly RouteMember[] {
  const [kind, namespace, name, form, ...packed] = contentOf(arena, unit) as PackedRoute;
  let before: Mapping | null = null;
  return packed.map(([predictor, slot, state, since, patch]) => {
    const base: Mapping =
      before === null
        ? plainMappingOf({ kind, namespace, name }, form, predictor)
        : plainBeside(before, form, predictor);
    const mapping = patched(base, patch ?? undefined) as Mapping;
    before = mapping;
    return { mapping, since, slot, state: stateOfBits(state) };
  });
}
