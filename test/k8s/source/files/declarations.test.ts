import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Declarations } from "../../../../k8s/source/files/declarations.ts";
import { StoredObject } from "../../../../k8s/source/objects/stored-object.ts";
import { objectKey } from "../../../../k8s/translate/model/object.ts";
import { DeclaredFiles } from "../declared-files.ts";

function stored(file: string, name: string, port: number): StoredObject {
  return StoredObject.of(
    { kind: "Service", namespace: "prod", name },
    "v1",
    { file, place: { line: 1, items: "" }, documentDigest: "", digestKey: "" },
    { spec: { ports: [{ port }] } },
  );
}

/** What is given out, by name, and let go at once. */
function given(declarations: Declarations): readonly string[] {
  const { set, removed } = declarations.changes();
  const texts = [
    ...set.map(
      ({ ref, object }) => `${ref.name} ${(object as { spec: { ports: { port: number }[] } }).spec.ports[0]!.port}`,
    ),
    ...removed.map((key) => `removed ${key}`),
  ];
  declarations.letGo();
  return texts;
}

describe("an object whose text was let go, and that counts again", () => {
  test("is read again", () => {
    const b = stored("b.yaml", "x", 2);
    const a = stored("a.yaml", "x", 1);
    const declaring = new DeclaredFiles();
    const declarations = new Declarations(
      declaring,
      () => (object) => (object === b ? stored("b.yaml", "x", 2) : null),
    );
    declaring.replace(declarations, [], [b]);
    expect(given(declarations)).toEqual(["x 2"]);
    declaring.replace(declarations, [], [a]);
    expect(given(declarations)).toEqual(["x 1"]);
    declaring.replace(declarations, [a], []);
    expect(given(declarations)).toEqual(["x 2"]);
  });

  test.each([
    ["is given once it can be read", [stored("b.yaml", "x", 2)], ["x 2"]],
    ["is removed with its file", [], ["removed Service prod/x"]],
  ])("where it cannot be read, what was served stays; it %s", (_name, later, expected) => {
    const b = stored("b.yaml", "x", 2);
    const a = stored("a.yaml", "x", 1);
    const declaring = new DeclaredFiles();
    const declarations = new Declarations(declaring, () => () => null);
    declaring.replace(declarations, [], [b]);
    given(declarations);
    declaring.replace(declarations, [], [a]);
    given(declarations);
    declaring.replace(declarations, [a], []);
    expect(given(declarations)).toEqual([]);
    declaring.replace(declarations, [b], later);
    expect(given(declarations)).toEqual(expected);
  });
});

test("what is given out leads to the first declaration of each object, whatever files declare and let go", () => {
  const file = fc.record({
    file: fc.constantFrom("a", "b", "c", "d"),
    objects: fc.array(fc.tuple(fc.constantFrom("x", "y"), fc.integer({ min: 1, max: 3 })), { maxLength: 4 }),
    look: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(file, { maxLength: 20 }), (edits) => {
      const files = new Map<string, readonly StoredObject[]>();
      const again = new Map<StoredObject, () => StoredObject>();
      const declaring = new DeclaredFiles();
      const declarations = new Declarations(declaring, () => (lost) => again.get(lost)!());
      const make = (name: string, port: number, of: string): StoredObject => {
        const object = stored(of, name, port);
        again.set(object, () => stored(of, name, port));
        return object;
      };
      const held = new Map<string, unknown>();
      const look = (): void => {
        const { set, removed } = declarations.changes();
        for (const { ref, origin, object } of set) held.set(objectKey(ref), { origin, object });
        for (const key of removed) expect(held.delete(key)).toBe(true);
        declarations.letGo();
        const first = new Map<string, unknown>();
        for (const [, objects] of [...files].sort(([a], [b]) => (a < b ? -1 : 1)))
          for (const object of objects)
            if (!first.has(objectKey(object.ref)))
              first.set(objectKey(object.ref), { origin: object.origin, object: again.get(object)!().object });
        expect(held).toEqual(first);
        const others = [...files.values()].flat().length - first.size;
        expect(declarations.problems().length > 0).toBe(others > 0);
      };
      for (const { file: name, objects, look: looks } of edits) {
        const before = files.get(name) ?? [];
        const now = objects.map(([of, port]) => make(of, port, name));
        files.set(name, now);
        declaring.replace(declarations, before, now);
        if (looks) look();
      }
      look();
    }),
    { numRuns: 300 },
  );
});

describe("an object that no file declares any more", () => {
  const gone = (): Declarations => {
    const declaring = new DeclaredFiles();
    const declarations = new Declarations(declaring, () => () => null);
    const x = stored("a.yaml", "x", 1);
    declaring.replace(declarations, [], [x]);
    given(declarations);
    declaring.replace(declarations, [x], []);
    return declarations;
  };

  test.each([
    [6, []],
    [7, ["Service prod/x"]],
    [8, ["Service prod/x"]],
  ])("waits for new files that were announced before: the first is number %i of 7", (beforeFirstNew, removed) => {
    expect(gone().changes({ announced: 7, beforeFirstNew })).toEqual({ set: [], removed });
  });

  test("waits for no file that is announced later", () => {
    const declarations = gone();
    expect(declarations.changes({ announced: 7, beforeFirstNew: 6 }).removed).toEqual([]);
    expect(declarations.changes({ announced: 9, beforeFirstNew: 6 }).removed).toEqual([]);
    expect(declarations.changes({ announced: 9, beforeFirstNew: 7 }).removed).toEqual(["Service prod/x"]);
    expect(declarations.changes().removed).toEqual([]);
  });

  test.each([
    ["the same form", 1, ["x 1"]],
    ["another form", 2, ["x 2"]],
  ])("and is declared by one of them in %s, is never removed", (_, port, expected) => {
    const declaring = new DeclaredFiles();
    const declarations = new Declarations(declaring, () => () => null);
    const x = stored("a.yaml", "x", 1);
    declaring.replace(declarations, [], [x]);
    given(declarations);
    declaring.replace(declarations, [x], []);
    expect(declarations.changes({ announced: 1, beforeFirstNew: 0 })).toEqual({ set: [], removed: [] });
    declaring.replace(declarations, [], [stored("b.yaml", "x", port)]);
    expect(given(declarations)).toEqual(expected);
  });
});
