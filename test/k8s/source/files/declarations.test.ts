import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Declarations } from "../../../../k8s/source/files/declarations.ts";
import { StoredObject } from "../../../../k8s/source/objects/stored-object.ts";
import { objectKey } from "../../../../k8s/translate/model/object.ts";

function stored(file: string, name: string, port: number): StoredObject {
  return new StoredObject(
    { kind: "Service", namespace: "prod", name },
    "v1",
    file,
    { line: 1, items: "" },
    { spec: { ports: [{ port }] } },
  );
}

test("what is given out leads to the first declaration of each object, whatever files declare", () => {
  const file = fc.record({
    file: fc.constantFrom("a", "b", "c", "d"),
    objects: fc.array(fc.tuple(fc.constantFrom("x", "y"), fc.integer({ min: 1, max: 3 })), { maxLength: 4 }),
    look: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(file, { maxLength: 20 }), (edits) => {
      const files = new Map<string, readonly StoredObject[]>();
      const declarations = new Declarations();
      const held = new Map<string, unknown>();
      const look = (): void => {
        const { set, removed } = declarations.changes();
        for (const { ref, origin, object } of set) held.set(objectKey(ref), { origin, object });
        for (const key of removed) expect(held.delete(key)).toBe(true);
        const first = new Map<string, unknown>();
        for (const [, objects] of [...files].sort(([a], [b]) => (a < b ? -1 : 1)))
          for (const object of objects)
            if (!first.has(objectKey(object.ref)))
              first.set(objectKey(object.ref), { origin: object.origin, object: object.object });
        expect(held).toEqual(first);
        const others = [...files.values()].flat().length - first.size;
        expect(declarations.problems().length > 0).toBe(others > 0);
      };
      for (const { file: name, objects, look: looks } of edits) {
        const before = files.get(name) ?? [];
        const now = objects.map(([of, port]) => stored(name, of, port));
        files.set(name, now);
        declarations.replace(before, now);
        if (looks) look();
      }
      look();
    }),
    { numRuns: 300 },
  );
});
