// The manifest of the kubectl plugin for Krew has the form that Krew asks for (its API v1alpha2), and names what the package holds.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { Type } from "typebox";
import { Value } from "typebox/value";
import { expect, test } from "vitest";
import description from "../package.json" with { type: "json" };
import { root } from "./gateway/packed-form.ts";

const strict = { additionalProperties: false };
const text = Type.String({ minLength: 1 });
const labels = Type.Object(
  {
    matchLabels: Type.Optional(Type.Record(Type.String(), text)),
    matchExpressions: Type.Optional(
      Type.Array(
        Type.Object(
          {
            key: Type.Enum(["os", "arch"]),
            operator: Type.Enum(["In", "NotIn", "Exists", "DoesNotExist"]),
            values: Type.Optional(Type.Array(Type.Enum(["linux", "darwin", "windows", "amd64", "arm64"]))),
          },
          strict,
        ),
      ),
    ),
  },
  strict,
);
const plugin = Type.Object(
  {
    apiVersion: Type.Literal("krew.googlecontainertools.github.com/v1alpha2"),
    kind: Type.Literal("Plugin"),
    metadata: Type.Object({ name: Type.String({ pattern: "^[a-z0-9][a-z0-9-]*$" }) }, strict),
    spec: Type.Object(
      {
        version: Type.String({ pattern: "^v\\d+\\.\\d+\\.\\d+$" }),
        homepage: Type.String({ pattern: "^https://" }),
        shortDescription: Type.String({ minLength: 1, maxLength: 50 }),
        description: text,
        caveats: Type.Optional(text),
        platforms: Type.Array(
          Type.Object(
            {
              selector: labels,
              uri: Type.String({ pattern: "^https://.*\\.(tgz|tar\\.gz|zip)$" }),
              sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
              files: Type.Array(Type.Object({ from: text, to: text }, strict), { minItems: 1 }),
              bin: text,
            },
            strict,
          ),
          { minItems: 1 },
        ),
      },
      strict,
    ),
  },
  strict,
);

const manifest = load(readFileSync(join(root, "k8s/chart/krew/sluice.yaml"), "utf8")) as {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly version: string;
    readonly platforms: readonly { readonly uri: string; readonly bin: string }[];
  };
};

test("the manifest has Krew's form, and one with a field that Krew does not know is seen", () => {
  expect([...Value.Errors(plugin, manifest)]).toEqual([]);
  expect(Value.Check(plugin, { ...manifest, spec: { ...manifest.spec, shortDescripton: "x" } })).toBe(false);
});

test("it is of this version and of the program that kubectl looks for", () => {
  expect(manifest.spec.version).toBe(`v${description.version}`);
  expect(Object.keys(description.bin)).toContain(`kubectl-${manifest.metadata.name}`);
  for (const { uri } of manifest.spec.platforms) expect(uri).toContain(`/sluice-${description.version}.tgz`);
  for (const file of Object.values(description.bin)) expect(existsSync(join(root, file))).toBe(true);
});
