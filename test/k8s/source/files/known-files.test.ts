import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ManifestFiles } from "../../../../k8s/source/files/files.ts";
import { KnownFiles, packFile, unpackFile, type KnownFile } from "../../../../k8s/source/files/known-files.ts";
import { kindNames } from "../../../../k8s/source/objects/kinds.ts";
import { PackedReader, PackedWriter } from "../../../../k8s/source/objects/packed-text.ts";
import { StoredObject } from "../../../../k8s/source/objects/stored-object.ts";
import { finish } from "../../../../k8s/source/objects/turns.ts";
import { objectKey, refOfKey } from "../../../../k8s/translate/model/object.ts";

const anyText = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: "binary", maxLength: 40 }));

test("what is packed is read as it was written, numbers and texts of any length", () => {
  const part = fc.oneof(
    fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    fc.nat({ max: 300 }),
    anyText,
    fc.tuple(fc.constantFrom("v1", "v2", "other")),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
      const to = new PackedWriter();
      for (const one of parts) {
        if (typeof one === "number") to.number(one);
        else if (typeof one === "string") to.text(one);
        else to.oneOf(["v1", "v2"], one[0]);
      }
      const from = new PackedReader(to.packed);
      for (const one of parts) {
        expect(from.isAtEnd).toBe(false);
        if (typeof one === "number") expect(from.number()).toBe(one);
        else if (typeof one === "string") expect(from.text()).toBe(one);
        else expect(from.oneOf(["v1", "v2"])).toBe(one[0]);
      }
      expect(from.isAtEnd).toBe(true);
    }),
  );
});

const namespaces = fc.constantFrom("prod", "dev", "a-namespace");
const objects = fc.record({
  kind: fc.constantFrom(...kindNames),
  namespace: namespaces,
  name: anyText,
  apiVersion: fc.oneof(fc.constantFrom("v1", "machinelearning.seldon.io/v1"), anyText),
  line: fc.nat(),
  items: fc.oneof(fc.constant(""), anyText),
  documentDigest: fc.oneof(fc.constant(""), fc.string({ minLength: 8, maxLength: 8 })),
  port: fc.nat(),
});
const contents = fc.record({
  stamp: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  digest: fc.oneof(fc.constant(""), fc.string({ minLength: 16, maxLength: 16 })),
  ending: fc.option(fc.record({ bytes: fc.nat(), tail: fc.integer() })),
  objects: fc.array(objects, { maxLength: 5 }),
  otherKinds: fc.nat(),
  withoutNamespace: fc.nat(),
});

function fileOf(
  name: string,
  { objects: declared, ...rest }: typeof contents extends fc.Arbitrary<infer T> ? T : never,
): KnownFile {
  return {
    ...rest,
    objects: declared.map((one) =>
      StoredObject.of(
        { kind: one.kind, namespace: one.namespace, name: one.name },
        one.apiVersion,
        { file: name, place: { line: one.line, items: one.items }, documentDigest: one.documentDigest, digestKey: "" },
        { spec: { port: one.port } },
      ),
    ),
  };
}

/** All that is kept of an object that was let go. */
function shown(file: KnownFile | undefined): unknown {
  if (file === undefined) return null;
  return {
    ...file,
    objects: file.objects.map((object) => ({
      ref: object.ref,
      apiVersion: object.apiVersion,
      origin: object.origin,
      file: object.file,
      documentDigest: object.documentDigest,
    })),
  };
}

test("a file that is unpacked is the one that was packed, its objects let go", () => {
  fc.assert(
    fc.property(contents, (content) => {
      const file = fileOf("a.yaml", content);
      const unpacked = unpackFile(packFile(file), "a.yaml");
      expect(shown(unpacked)).toEqual(shown(file));
      for (const [index, object] of unpacked.objects.entries()) {
        expect(object.hasObject).toBe(false);
        expect(object.isSame(file.objects[index]!)).toBe(true);
      }
      // Once more of what is packed only.
      expect(packFile(unpacked)).toBe(packFile(file));
    }),
    { numRuns: 300 },
  );
});

describe("files", () => {
  test("are what was set last, packed or not, and numbers of those that are gone are used again", () => {
    const step = fc.oneof(
      fc.record({ set: fc.constantFrom("a", "b", "c"), content: contents }),
      fc.record({ gone: fc.constantFrom("a", "b", "c") }),
      fc.constant("pack" as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const files = new KnownFiles();
        const known = new Map<string, KnownFile>();
        for (const one of steps) {
          if (one === "pack") files.pack();
          else if ("gone" in one) {
            files.delete(one.gone);
            known.delete(one.gone);
          } else {
            known.set(one.set, fileOf(one.set, one.content));
            files.set(one.set, known.get(one.set)!);
          }
          expect(Array.from(files.values(), shown)).toHaveLength(known.size);
          for (const name of ["a", "b", "c"]) {
            const file = known.get(name);
            expect(files.namespaceOf(name)).toBe(file?.objects[0]?.ref.namespace ?? null);
            if (file === undefined) continue;
            expect(files.numberOf(name)).toBeLessThan(3);
            expect(files.isStamped(name, file.stamp)).toBe(true);
            expect(files.isStamped(name, file.stamp + 1)).toBe(false);
            for (const { ref } of file.objects)
              expect(files.declaredIn(files.numberOf(name), objectKey(ref)).map(({ origin }) => origin)).toEqual(
                file.objects.filter((other) => objectKey(other.ref) === objectKey(ref)).map(({ origin }) => origin),
              );
          }
        }
        for (const name of ["a", "b", "c"]) expect(shown(files.get(name))).toEqual(shown(known.get(name)));
      }),
      { numRuns: 100 },
    );
  });
});

test("what files give out leads to the first declaration of each object, whatever they declare and however often they are packed", () => {
  const directory = mkdtempSync(join(tmpdir(), "sluice-known-files-"));
  const edit = fc.record({
    file: fc.constantFrom("a", "b", "c"),
    objects: fc.array(fc.tuple(fc.constantFrom("x", "y"), fc.integer({ min: 1, max: 3 })), { maxLength: 4 }),
    look: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 12 }), (edits) => {
      const files = new ManifestFiles("default");
      const declared = new Map<string, readonly (readonly [name: string, port: number])[]>();
      const held = new Map<string, number>();
      const look = (): void => {
        const { set, removed } = files.changes();
        for (const { ref, object } of set)
          held.set(ref.name, (object as { spec: { ports: { port: number }[] } }).spec.ports[0]!.port);
        for (const key of removed) expect(held.delete(refOfKey(key).name)).toBe(true);
        files.letGo();
        const first = new Map<string, number>();
        for (const [, objects] of [...declared].sort(([a], [b]) => (a < b ? -1 : 1)))
          for (const [name, port] of objects) if (!first.has(name)) first.set(name, port);
        expect(held).toEqual(first);
        expect(files.problems().some(({ code }) => code === "declared-twice")).toBe(
          [...declared.values()].flat().length > first.size,
        );
      };
      for (const [stamp, { file, objects, look: looks }] of edits.entries()) {
        const path = join(directory, `${file}.yaml`);
        const bytes = Buffer.from(
          objects
            .map(([name, port]) =>
              JSON.stringify({
                apiVersion: "v1",
                kind: "Service",
                metadata: { name, namespace: "prod" },
                spec: { ports: [{ port }] },
              }),
            )
            .join("\n---\n"),
        );
        writeFileSync(path, bytes);
        finish(files.readBytes(bytes, path, stamp));
        declared.set(file, objects);
        if (looks) look();
      }
      look();
      for (const file of declared.keys()) files.forget(join(directory, `${file}.yaml`));
      declared.clear();
      look();
    }),
    { numRuns: 100 },
  );
  rmSync(directory, { recursive: true });
});
