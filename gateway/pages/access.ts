// The policy and Grants files: their tables in ACCESS.md and TENANTS.md, and the JSON Schemas by which editors complete and check them.
import { namespaceFields, policyFields, policySchema } from "../callers/policy-file.ts";
import { viewerFields } from "../callers/viewers.ts";
import { kinds } from "../callers/providers/kinds.ts";
import { grantFields, grantsSchema } from "../options/grants.ts";
import type { Fields, Schema } from "../schema/schema.ts";
import { table, type GeneratedFile, type GeneratedPart } from "./generated.ts";

function fieldsTable(fields: Fields): string {
  return table(
    ["field", "default", "meaning"],
    Object.entries(fields).map(([name, { about, absent }]) => [
      `\`${name}\``,
      absent.kind === "wrong" ? "needed" : absent.kind === "value" ? "none" : `\`${writtenText(absent.value)}\``,
      about,
    ]),
  );
}

function writtenText(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(", ")}]` : String(value);
}

function accessPart(name: string, text: () => string): GeneratedPart {
  return { page: "gateway/ACCESS.md", name, text };
}

export const accessParts: readonly GeneratedPart[] = [
  accessPart("policy", () => fieldsTable(policyFields)),
  accessPart("rules", () => fieldsTable(namespaceFields)),
  accessPart("viewers", () => fieldsTable(viewerFields)),
  accessPart("providers", () =>
    Object.entries(kinds)
      .map(([kind, { shows, fields }]) => `### \`${kind}\`: clients show ${shows}\n\n${fieldsTable(fields)}`)
      .join("\n\n"),
  ),
  { page: "gateway/TENANTS.md", name: "grants", text: () => fieldsTable(grantFields) },
];

function schemaFile(file: string, title: string, schema: Schema<unknown>): GeneratedFile {
  const head = { $schema: "http://json-schema.org/draft-07/schema#", title };
  return { file, text: () => `${JSON.stringify({ ...head, ...schema.json() }, null, 2)}\n` };
}

export const accessFiles: readonly GeneratedFile[] = [
  schemaFile("gateway/callers/policy.schema.json", "Policy of Sluice (--policy FILE)", policySchema),
  schemaFile("gateway/options/grants.schema.json", "Grants of Sluice (--grants FILE)", grantsSchema),
];
