// Objects that say they belong to a SeldonDeployment which is not there. They are no source of Routes, so nobody would hear of them.
import { namespacedName } from "../../../routing/text/namespaced-name.ts";
import { compareText, type ObjectRef } from "../../../routing/text/problem.ts";
import type { SourceObject } from "../model/object.ts";
import { ownerNamesOf, ownersOf } from "../backends/services.ts";
import { fieldOf, recordOf, textOf } from "../values/value.ts";

export interface UnownedObject {
  readonly ref: ObjectRef;
  /** Name of the SeldonDeployment that it says. */
  readonly owner: string;
}

const owned = ["Service", "Mapping", "TLSContext"];

/** Services, Mappings and TLSContexts whose owner reference or label `seldon-deployment-id` names no SeldonDeployment among `objects`, in order. */
export function unownedObjects(objects: Iterable<SourceObject>): readonly UnownedObject[] {
  const all = [...objects];
  const there = new Set<string>();
  for (const object of all) {
    if (object.ref.kind !== "SeldonDeployment") continue;
    const specName = textOf(fieldOf(recordOf(fieldOf(recordOf(object.object), "spec")), "name"));
    for (const name of ownerNamesOf({ ref: object.ref, specName }))
      there.add(namespacedName(object.ref.namespace, name));
  }
  const orphans: UnownedObject[] = [];
  for (const { ref, object } of all) {
    const owners = owned.includes(ref.kind) ? ownersOf(object) : [];
    if (owners.length > 0 && !owners.some((owner) => there.has(namespacedName(ref.namespace, owner))))
      orphans.push({ ref, owner: owners[0]! });
  }
  return orphans.sort(
    (a, b) =>
      compareText(a.ref.namespace, b.ref.namespace) ||
      compareText(a.ref.kind, b.ref.kind) ||
      compareText(a.ref.name, b.ref.name),
  );
}
