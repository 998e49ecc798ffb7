// Fields of a document that no reader asked for: without effect here, not in Sluice, ignored beside or without another, and unknown.
import { nearWord } from "../../../routing/text/near-word.ts";
import { arrayOf, isRecord } from "../values/value.ts";
import type { Fields } from "./fields.ts";
import type { Shape } from "./shape.ts";

/** Keys that are told of one document, and inside its fields. */
const maxTold = 16;

/** After every field that counts was taken. */
export function checkUnread(fields: Fields): void {
  for (const [name, { use }] of Object.entries(fields.table.rows)) {
    const value = fields.take(name);
    if (value === undefined) continue;
    if (use.kind === "lost" && use.asks(value)) fields.report(use.level, "field-lost", name, use.sentence);
    if (use.kind === "idle")
      fields.report("info", "field-without-effect", name, `this changes nothing: ${use.because}; it may stay`);
  }
  checkInnerKeys(fields);
  checkDependent(fields);
  for (const name of fields.unknown().slice(0, fields.table.strict ? Infinity : maxTold)) checkUnknown(fields, name);
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

/** Conditions and questions about requests: maps of names that the writer chooses. */
const maps = [
  "headers",
  "regex_headers",
  "query_parameters",
  "regex_query_parameters",
  "auth_context_extensions",
  "labels",
];

function checkUnknown(fields: Fields, name: string): void {
  const { rows, word, outcome, strict } = fields.table;
  const near = nearWord(name, Object.keys(rows));
  const field = name.slice(0, 60);
  if (strict)
    return fields.refuse(
      "unknown-field",
      field,
      `this is not ${word}, and it may be a misspelt one that keeps requests out, so ${outcome}; ${near === null ? "remove it" : `write ${near}, or remove it`}`,
    );
  const write = near === null ? "correct its spelling or remove it" : `write ${near}, or remove it`;
  const emptied = near === null ? maps.find((map) => Object.hasOwn(rows, map) && fields.isEmptyMap(map)) : undefined;
  const decides = near === null ? "none" : rows[near]!.decides;
  if (emptied !== undefined)
    fields.refuse(
      "unknown-field",
      field,
      `this is not ${word}, and ${emptied} has nothing in it, so ${outcome}; indent this below ${emptied}, or remove one of the two`,
    );
  // Ignored, a misspelt condition or share would give the Mapping requests that were not meant for it; one that is there as well decides already.
  else if (decides === "none" || decides === "how" || (fields.has(near!) && !/headers|parameters/.test(near!)))
    fields.report(
      "warning",
      "unknown-field",
      field,
      `this is not ${word} and is ignored; ${near === null && nearWord(name, ["spec"]) !== null ? "write spec" : write}`,
    );
  else
    fields.refuse(
      "unknown-field",
      field,
      `this is not ${word}, and it seems to mean ${near}, which decides where requests go, so ${outcome}; ${write}`,
    );
}

/** Keys inside the fields that nobody reads. */
export function checkInnerKeys(fields: Fields): void {
  const told = { left: maxTold };
  for (const [name, { shape }] of Object.entries(fields.table.rows))
    if (shape !== "value" && fields.has(name)) check(fields, shape, fields.take(name), name, told);
}

function check(fields: Fields, shape: Shape, value: unknown, path: string, told: { left: number }): void {
  if (shape === "value") return;
  if ("each" in shape)
    return arrayOf(value).forEach((item, index) => check(fields, shape.each, item, `${path}[${index}]`, told));
  if (!isRecord(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    const at = `${path}.${key}`;
    if ("named" in shape) check(fields, shape.named, inner, at, told);
    else if (Object.hasOwn(shape.keys, key)) check(fields, shape.keys[key]!, inner, at, told);
    else if (told.left > 0) {
      told.left -= 1;
      const known = Object.keys(shape.keys).filter((name) => !name.startsWith("v2"));
      const near = nearWord(key, Object.keys(shape.keys));
      const map = path.replace(/\[\d+\]/g, "").slice(0, 60);
      if (fields.table.strict) fields.bad(at.slice(0, 120), inner, `nothing there: ${map} has ${known.join(", ")}`);
      else
        fields.report(
          "warning",
          "unknown-field",
          at.slice(0, 120),
          `this is not a field of ${map} and is ignored; ${near === null ? `write one of ${known.join(", ")}, or remove it` : `write ${near}`}`,
        );
    }
  }
}
