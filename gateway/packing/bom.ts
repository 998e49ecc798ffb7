// The software bill of materials: which packages are in an artefact, in the form of CycloneDX 1.6. It names no time and draws no number, so that the same sources give
// the same file.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Stamp } from "./commit.ts";
import type { Bundled } from "./notices.ts";

/** What of a lock file says where a package is from. By path below the root: `node_modules/fastify`. */
type Locked = Readonly<
  Record<string, { readonly integrity?: string; readonly dependencies?: Readonly<Record<string, string>> }>
>;

/** The bill of the packed form, as JSON. `root`: of the checkout, whose lock file has the digests. */
export async function bomOf(root: string, stamp: Stamp, packages: readonly Bundled[]): Promise<string> {
  const { packages: locked = {} } = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as {
    readonly packages?: Locked;
  };
  const paths = new Map(packages.map((one) => [relative(root, one.folder).replaceAll("\\", "/"), one]));
  const product = { name: "sluice", version: stamp.version };
  const content = {
    metadata: {
      lifecycles: [{ phase: "build" }],
      component: {
        type: "application",
        "bom-ref": purlOf(product),
        ...product,
        purl: purlOf(product),
        description: "A standalone ingress gateway for Seldon Core",
        ...licensesOf("Apache-2.0"),
        properties: [{ name: "sluice:commit", value: stamp.commit ?? "unknown" }],
      },
    },
    components: [...paths].map(([path, one]) => ({
      type: "library",
      "bom-ref": purlOf(one),
      name: one.name,
      version: one.version,
      purl: purlOf(one),
      ...licensesOf(one.license),
      ...hashesOf(locked[path]?.integrity),
    })),
    dependencies: [
      { ref: purlOf(product), dependsOn: packages.map(purlOf) },
      ...[...paths].map(([path, one]) => ({ ref: purlOf(one), dependsOn: neededBy(path, locked, paths) })),
    ],
  };
  return printed(content);
}

/** The bill of the Helm chart, as JSON: templates alone, and the image that they name. */
export function bomOfChart(stamp: Stamp): string {
  const purl = `pkg:helm/sluice@${stamp.version}`;
  const image = `pkg:oci/sluice?tag=${stamp.version}`;
  const described = { version: stamp.version, ...licensesOf("Apache-2.0") };
  return printed({
    metadata: {
      lifecycles: [{ phase: "build" }],
      component: { type: "application", "bom-ref": purl, name: "sluice-chart", purl, ...described },
    },
    components: [{ type: "container", "bom-ref": image, name: "sluice", purl: image, scope: "required", ...described }],
    dependencies: [
      { ref: purl, dependsOn: [image] },
      { ref: image, dependsOn: [] },
    ],
  });
}

function printed(content: object): string {
  const digest = createHash("sha256").update(JSON.stringify(content)).digest("hex");
  const serial = digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
  const bom = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${serial}`,
    version: 1,
    ...content,
  };
  return `${JSON.stringify(bom, null, 1)}\n`;
}

function purlOf({ name, version }: Pick<Bundled, "name" | "version">): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function licensesOf(expression: string): object {
  return { licenses: [expression.includes(" ") ? { expression } : { license: { id: expression } }] };
}

/** `integrity` is as npm writes it: `sha512-` and base64. */
function hashesOf(integrity: string | undefined): object {
  const [, base64] = /^sha512-(\S+)$/.exec(integrity ?? "") ?? [];
  return base64 === undefined
    ? {}
    : { hashes: [{ alg: "SHA-512", content: Buffer.from(base64, "base64").toString("hex") }] };
}

/** Packages of the artefact that the one at `path` asks for: those that Node finds from there. */
function neededBy(path: string, locked: Locked, paths: ReadonlyMap<string, Bundled>): readonly string[] {
  return Object.keys(locked[path]?.dependencies ?? {}).flatMap((name) => {
    for (let from = path; ; from = from.slice(0, Math.max(from.lastIndexOf("/node_modules/"), 0))) {
      const found = paths.get(`${from === "" ? "" : `${from}/`}node_modules/${name}`);
      if (found !== undefined) return [purlOf(found)];
      if (from === "") return [];
    }
  });
}
