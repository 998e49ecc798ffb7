// The bill of materials of the packed form, judged by the schema of CycloneDX and by the lock file.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv, type AnySchemaObject } from "ajv";
import { beforeAll, expect, test } from "vitest";
import { bomOf, bomOfChart } from "../gateway/packing/bom.ts";
import { packedForm, root } from "./gateway/packed-form.ts";

interface Bom {
  readonly metadata: { readonly component: { readonly version: string; readonly "bom-ref": string } };
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly purl: string;
    readonly hashes?: readonly unknown[];
  }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

let text: string;
let bom: Bom;
beforeAll(async () => {
  text = readFileSync(join(await packedForm(), "sluice.cdx.json"), "utf8");
  bom = JSON.parse(text) as Bom;
}, 60_000);

/** What is wrong with it by the schema; "": nothing. */
function judged(value: unknown): string {
  const schema = (name: string): AnySchemaObject =>
    JSON.parse(
      readFileSync(
        join(root, "node_modules/@cyclonedx/cyclonedx-library/res/schema", `${name}.SNAPSHOT.schema.json`),
        "utf8",
      ),
    ) as AnySchemaObject;
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const name of ["spdx", "jsf-0.82", "cryptography-defs"])
    ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  return ajv.validate(schema("bom-1.6"), value) ? "" : ajv.errorsText();
}

test("it is one by the schema, which would say otherwise", () => {
  expect(judged(bom)).toBe("");
  expect(judged({ ...bom, components: [{ ...bom.components[0], type: "packet" }] })).toContain(
    "must be equal to one of the allowed values",
  );
  expect(judged({ ...bom, components: [{ type: "library" }] })).toContain("must have required property 'name'");
});

test("that of the chart is one, too, and names the image", () => {
  const ofChart = JSON.parse(bomOfChart({ version: "1.2.3", commit: null })) as Bom;
  expect(judged(ofChart)).toBe("");
  expect(ofChart.components.map(({ name, version }) => [name, version])).toEqual([["sluice", "1.2.3"]]);
});

test("it names each package of NOTICES.txt, by the version and the digest of the lock file", () => {
  const notices = readFileSync(join(root, "packed/NOTICES.txt"), "utf8")
    .split(`\n${"-".repeat(80)}\n\n`)
    .map((notice) => /^(\S+ [\d.]+) \(/.exec(notice)![1]!);
  expect(bom.components.map(({ name, version }) => `${name} ${version}`)).toEqual(notices);
  expect(bom.components.filter(({ hashes }) => hashes === undefined)).toEqual([]);
  const names = new Set(bom.components.map(({ purl }) => purl));
  expect(names.size).toBe(bom.components.length);
  const [whole, ...each] = bom.dependencies;
  expect(whole).toEqual({ ref: bom.metadata.component["bom-ref"], dependsOn: [...names] });
  expect(each.map(({ ref }) => ref)).toEqual([...names]);
  // Those that one package needs are among them.
  expect(each.find(({ ref }) => ref.startsWith("pkg:npm/prom-client@"))!.dependsOn).toContainEqual(
    expect.stringMatching(/^pkg:npm\/tdigest@/),
  );
});

test("the same sources give the same file", async () => {
  const packages = bom.components.map(({ name, version }) => ({
    folder: join(root, "node_modules", name),
    name,
    version,
    license: "MIT",
  }));
  const stamp = { version: "1.2.3", commit: null };
  expect(await bomOf(root, stamp, packages)).toBe(await bomOf(root, stamp, packages));
});
