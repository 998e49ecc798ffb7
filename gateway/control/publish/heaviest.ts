// Who takes most of a table that does not fit: what one tenant declares stops the changes of all, so people must know whose it is.
import type { MappingChange } from "../../../routing/model/table-change.ts";
import { mappingBytes } from "../../../routing/arena/route-record.ts";
import { refOfMapping } from "../../../k8s/translate/model/object.ts";

const maxNamed = 3;

/** Words: the namespaces whose Mappings would take most, with MiB. `written`: bytes of Mappings in the table before, by id; `changed` takes their place. */
export function heaviestNamespaces(
  written: Iterable<readonly [id: string, bytes: number]>,
  changed: readonly MappingChange[],
  removed: readonly string[],
): string {
  const bytesOf = new Map(written);
  for (const id of removed) bytesOf.delete(id);
  for (const { mapping } of changed) bytesOf.set(mapping.id, mappingBytes(mapping));
  const namespaces = new Map<string, number>();
  for (const [id, bytes] of bytesOf) {
    const { namespace } = refOfMapping(id);
    namespaces.set(namespace, (namespaces.get(namespace) ?? 0) + bytes);
  }
  const heaviest = [...namespaces].toSorted(([, a], [, b]) => b - a).slice(0, maxNamed);
  return heaviest.map(([namespace, bytes]) => `${namespace} (${(bytes / 2 ** 20).toFixed(1)} MiB)`).join(", ");
}
