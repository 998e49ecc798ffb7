// A key that is written twice: which of the two counts is not known, so the whole text is refused, in YAML and in JSON.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { decodePolicyFile } from "../../../gateway/callers/policy-file.ts";
import { readGrants } from "../../../gateway/options/grants.ts";
import { parseYaml } from "../../../k8s/translate/values/yaml.ts";

/** Each is read without the line or entry that says `SECOND`, and refused with it. */
const policies = [
  "clientHeader: true\nSECOND clientHeader: false\n",
  'defaults: { auth: none }\nSECOND "defaults": { deny: 10.0.0.0/8 }\n',
  'namespaces:\n  prod:\n    auth: none\n    SECOND "a\\u0075th": none\n',
  '{ "providers": { "keys": { "kind": "api-keys", "file": "f" SECOND , "file": "g"\n } } }',
  '{ "namespaces": { "prod": { "auth": "none" } SECOND , "prod": { "mayOpen": true }\n } }',
  "providers:\n  corp: { kind: jwt, issuer: i, audiences: [a], file: f, claims: { role: ops } }\n  SECOND corp: { kind: api-keys, file: f }\n",
];
const grants = [
  "grants: [{ namespace: a }]\nSECOND grants: [{ namespace: b }]\n",
  '{ "grants": [{ "namespace": "a", "regex": false SECOND , "regex": true\n }] }',
  "grants:\n- namespace: a\n  hosts: [a.com]\n  SECOND hosts: ['*']\n",
];
const annotations = [
  "prefix: /a/\nSECOND prefix: /b/\n",
  '{ "labels": { "models": [] SECOND , "models": [1]\n } }',
  "headers:\n  x-team: a\n  SECOND x-team: b\n",
];

function once(text: string): string {
  return text.replace(/ *SECOND.*\n/, "\n");
}

function twice(text: string): string {
  return text.replace("SECOND ", "");
}

async function grantsOf(text: string): Promise<Awaited<ReturnType<typeof readGrants>>> {
  const folder = await mkdtemp(join(tmpdir(), "grants-"));
  try {
    await writeFile(join(folder, "grants.yaml"), text);
    return await readGrants(join(folder, "grants.yaml"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe("a key that is written twice", () => {
  test.each(policies)("in a policy: %j", (text) => {
    expect(decodePolicyFile(once(text)).kind).toBe("value");
    expect(decodePolicyFile(twice(text))).toMatchObject({
      kind: "wrong",
      sentences: [expect.stringMatching(/not YAML.*duplicated mapping key/)],
    });
  });

  test.each(grants)("in a Grants file: %j", async (text) => {
    expect((await grantsOf(once(text))).kind).toBe("grants");
    expect(await grantsOf(twice(text))).toMatchObject({
      kind: "failed",
      sentence: expect.stringMatching(/is not YAML: .*duplicated mapping key/) as string,
    });
  });

  test.each(annotations)("in an annotation: %j", (text) => {
    expect(parseYaml(once(text)).kind).toBe("documents");
    expect(parseYaml(twice(text))).toMatchObject({
      kind: "refused",
      reason: expect.stringMatching(/duplicated mapping key/) as string,
    });
  });
});
