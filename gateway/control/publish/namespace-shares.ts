// Shares of the table's memory: where several namespaces are watched, none takes so much of it that the changes of others find no room.
import { routeKey } from "../../../routing/route/route.ts";
import { mappingBytes } from "../../../routing/arena/route-record.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import type { MappingChange, TablePortion } from "../../../routing/model/table-change.ts";
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
}

/** The new or changed Mappings that would take a namespace over `most` bytes, and those that change beside them in the same Routes, in their order; what is in the table stays as it is. */
export function beyondShare(changes: readonly MappingChange[], most: number, table: Taken): readonly Mapping[] {
  const counts = new Map<string, number>();
  for (const { mapping } of changes) counts.set(mapping.namespace, (counts.get(mapping.namespace) ?? 0) + 1);
  const beyond: Mapping[] = [];
  const taken = new Map<string, number>();
  for (const { mapping } of changes) {
    const { namespace } = mapping;
    const has = table.bytesOf(namespace);
    if (has + counts.get(namespace)! * boundBytes <= most) continue;
    const bytes = measured.get(mapping) ?? mappingBytes(mapping);
    if (bytes <= usualBytes && table.hasMapping(mapping.id)) continue;
    const after = (taken.get(namespace) ?? has) + bytes + recordOverhead;
    if (after > most) {
      beyond.push(mapping);
      measured.set(mapping, bytes);
    } else taken.set(namespace, after);
  }
  if (beyond.length === 0) return beyond;
  // Of half a Route the other half would get requests that were not meant for it.
  const routes = new Set(beyond.map(routeKey));
  return changes.map(({ mapping }) => mapping).filter((mapping) => routes.has(routeKey(mapping)));
}

/** The portion without these Mappings and what comes for them alone. `isUsed`: does the table have this Upstream already? */
export function without(
  change: TablePortion,
  mappings: readonly Mapping[],
  isUsed: (upstream: string) => boolean,
): TablePortion {
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
