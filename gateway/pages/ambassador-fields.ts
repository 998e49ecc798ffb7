// The fields of Ambassador's kinds, for MANIFESTS.md.
import type { FieldRow, FieldRows } from "../../k8s/translate/fields/field-table.ts";
import { mappingTable } from "../../k8s/translate/fields/mapping-fields.ts";
import { moduleTable } from "../../k8s/translate/fields/module-fields.ts";
import { authServiceTable, rateLimitServiceTable } from "../../k8s/translate/fields/service-fields.ts";
import { contextRows, hostRows } from "../../k8s/translate/fields/tls-fields.ts";
import { table, type GeneratedPart } from "./generated.ts";

const kinds: Readonly<Record<string, FieldRows>> = {
  mapping: mappingTable.rows,
  module: moduleTable.rows,
  host: hostRows,
  tlscontext: contextRows,
  authservice: authServiceTable.rows,
  ratelimitservice: rateLimitServiceTable.rows,
};

export const ambassadorParts: readonly GeneratedPart[] = Object.entries(kinds).map(([kind, rows]) => ({
  page: "k8s/MANIFESTS.md",
  name: `${kind}-fields`,
  text: () => fieldsText(rows),
}));

function fieldsText(rows: FieldRows): string {
  const entries = Object.entries(rows);
  const served = entries.filter(([, { use, meaning }]) => use.kind === "served" && meaning !== "");
  const sayings = new Map<string, string[]>();
  for (const [name, row] of entries) {
    const saying = withoutEffect(row);
    if (saying !== null) sayings.set(saying, [...(sayings.get(saying) ?? []), `\`${name}\``]);
  }
  return [
    table(
      ["field", "example", "decides", "meaning"],
      served.map(([name, { example, decides, meaning }]) => [
        `\`${name}\``,
        example === "" ? "" : `\`${name}: ${example}\``,
        decides,
        meaning,
      ]),
    ),
    ...(sayings.size === 0
      ? []
      : [
          table(
            ["other field", "what Sluice says of it"],
            [...sayings].map(([saying, names]) => [names.join(", "), saying]),
          ),
        ]),
  ].join("\n\n");
}

/** null: it is served, or another reader takes it. */
function withoutEffect({ use }: FieldRow): string | null {
  switch (use.kind) {
    case "idle":
      return `\`field-without-effect\`: ${use.because}`;
    case "lost":
      return `\`field-lost\` (${use.level}): ${use.sentence}`;
    case "served":
    case "elsewhere":
      return null;
  }
}
