// Fields of a document that no reader asked for: without effect here, not in Sluice, and ignored beside or without another.
import type { Fields } from "./fields.ts";

/** After every field that counts was taken. */
export function checkUnread(fields: Fields): void {
  for (const [name, { use }] of Object.entries(fields.table.rows)) {
    const value = fields.take(name);
    if (value === undefined) continue;
    if (use.kind === "lost" && use.asks(value)) fields.report(use.level, "field-lost", name, use.sentence);
    if (use.kind === "idle")
      fields.report("info", "field-without-effect", name, `this changes nothing: ${use.because}; it may stay`);
  }
  checkDependent(fields);
}

function checkDependent(fields: Fields): void {
  const { rows } = fields.table;
  for (const [name, { without, beside }] of Object.entries(rows)) {
    if (!fields.says(name)) continue;
    const ignored = (depends: string, other: string, write: string): void =>
      fields.report("warning", "field-ignored", name, `this says nothing ${depends} ${other} and is ignored; ${write}`);
    if (without !== null && !fields.says(without))
      ignored("without", without, `write ${without} as well, or remove it`);
    // A Module has most fields of Mappings, and not all of those that they depend on.
    for (const other of beside)
      if (Object.hasOwn(rows, other) && fields.says(other)) ignored("beside", other, "remove one of the two");
  }
}
