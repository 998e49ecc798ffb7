// Shares of the table's memory: where several namespaces are watched, none takes so much of it that the changes of others find no room.
import { routeKey } from "../../../routing/route/route.ts";
import { mappingBytes } from "../../../routing/arena/route-record.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import type { TableBatch } from "../../../routing/model/table-change.ts";
import { refOfMapping } from "../../../k8s/translate/model/object.ts";
import { recordOverhead } from "../../../routing/write/known.ts";

/** One namespace has at most this part of the memory. */
export const namespaceShare = 1 / 4;

/** A Mapping is below this, bytes (conditions of a SeldonDeployment have 8 KiB; all raw configuration of a namespace has 64): so many need not be measured one by one. */
const boundBytes = 16 * 1024;

/** A Mapping that is in the table and takes no more than this, bytes, takes the room that it has. */
const usualBytes = 2048;

/** Bytes of Mappings that found no room. They wait as they are, and all of a namespace are tried again at each of its changes. */
const measured = new WeakMap<Mapping, number>();

/** What is in the table. */
export interface Taken {
  /** Bytes of a namespace. */
  bytesOf(namespace: string): number;
  hasMapping(id: string): boolean;
  /** Bytes of these Mappings, and maybe of others. */
  mappingBytes(ids: Iterable<string>): Iterable<readonly [id: string, bytes: number]>;
}

/**
 * The new or changed Mappings that would take a namespace over `most` bytes, with those that change beside them in the same Routes: half of a Route would get requests that were
 * meant for the other half. Of these the table keeps what it has. A Route that does not grow is never among them.
 */
export function beyondShare(
  { mappings: changes, removedMappings }: Pick<TableBatch, "mappings" | "removedMappings">,
  most: number,
  table: Taken,
): readonly Mapping[] {
  const beyond: Mapping[] = [];
  const removed = Map.groupBy(removedMappings, (id) => refOfMapping(id).namespace);
  for (const [namespace, changed] of Map.groupBy(changes, ({ mapping }) => mapping.namespace)) {
    const has = table.bytesOf(namespace);
    if (has + changed.length * boundBytes <= most) continue;
    const goes = removed.get(namespace) ?? [];
    const before = new Map(table.mappingBytes([...goes, ...changed.map(({ mapping }) => mapping.id)]));
    const bytesBefore = (id: string): number => (table.hasMapping(id) ? (before.get(id) ?? 0) + recordOverhead : 0);
    let taken = has - goes.reduce((sum, id) => sum + bytesBefore(id), 0);
    const routes = [...Map.groupBy(changed, ({ mapping }) => routeKey(mapping)).values()].map((members) => ({
      members,
      growth: members.reduce((sum, { mapping }) => sum + growthOf(mapping, bytesBefore(mapping.id)), 0),
    }));
    // What becomes smaller makes room for what grows.
    for (const { growth } of routes) if (growth <= 0) taken += growth;
    for (const { members, growth } of routes) {
      if (growth <= 0) continue;
      if (taken + growth <= most) taken += growth;
      else for (const { mapping } of members) beyond.push(mapping);
    }
  }
  return beyond;
}

/** `before`: bytes that the Mapping takes in the table; 0: it is new. */
function growthOf(mapping: Mapping, before: number): number {
  const bytes = measured.get(mapping) ?? mappingBytes(mapping);
  measured.set(mapping, bytes);
  return bytes <= usualBytes && before > 0
    ? Math.min(0, bytes + recordOverhead - before)
    : bytes + recordOverhead - before;
}

/** The batch without these Mappings and what comes for them alone. `isUsed`: does the table have this Upstream already? */
export function without(
  change: TableBatch,
  mappings: readonly Mapping[],
  isUsed: (upstream: string) => boolean,
): TableBatch {
  const ids = new Set(mappings.map(({ id }) => id));
  const stays = change.mappings.filter(({ mapping }) => !ids.has(mapping.id));
  const named = new Set(
    stays.flatMap(({ mapping: { target } }) => (target.kind === "forward" ? [target.upstream] : [])),
  );
  const gone = new Set(
    mappings.flatMap(({ target }) =>
      target.kind === "forward" && !named.has(target.upstream) && !isUsed(target.upstream) ? [target.upstream] : [],
    ),
  );
  return {
    ...change,
    mappings: stays,
    upstreams: change.upstreams.filter(({ upstream }) => !gone.has(upstream.key)),
    endpoints: change.endpoints.filter(({ key }) => !gone.has(key)),
  };
}

/** One for each namespace; `counts`: how many of its Mappings found no room. */
export function shareProblems(counts: ReadonlyMap<string, number>, most: number): Problem[] {
  return [...counts].map(([name, count]) => ({
    code: "table-share",
    level: "error",
    subject: { kind: "Namespace", namespace: "", name },
    field: "",
    sentence: `its Mappings would take more than ${Math.floor(most / 2 ** 20)} MiB, a quarter of the table's memory: ${count} new or changed ones are not served as declared; remove some, or start with a larger --table-mib`,
  }));
}
