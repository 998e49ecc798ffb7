// Header edits of a Mapping, compiled once: the names that go, and the lines that come, as bytes.
import {
  fillTemplate,
  templateOf,
  type HeaderTemplate,
  type RequestValues,
} from "../../../routing/request/header-template.ts";
import type { HeaderEdits } from "../../../routing/model/mapping.ts";
import { isUntouchableHeader } from "../../../routing/text/untouchable-headers.ts";
import { isToken, isValue, lowered } from "../fields/characters.ts";

/** Name and value of a field that comes. */
type FieldText = readonly [name: string, value: string];

export interface CompiledEdits {
  /** Names in lower case: those removed, and those added instead of what is there. */
  readonly gone: readonly Buffer[];
  /** Whole field lines. */
  readonly lines: Buffer;
  /** Fields whose values depend on the request, still to be filled in by `fillEdits`; null: none. */
  readonly templates: readonly HeaderTemplate[] | null;
}

/** Fields that one request's answer gets besides its Mapping's edits. */
export interface ExtraFields {
  /** Names in lower case that are taken out before. */
  readonly instead: readonly string[];
  readonly fields: readonly FieldText[];
}

/**
 * Null: no edits. An edit that would break the message (a name that is no token, a value with CR, LF or NUL, a field of the connection) is
 * left out, and so is a value with a variable that is not known: an upstream must not take the variable's name for its value. The control
 * plane reports both.
 */
export function compileEdits(edits: HeaderEdits): CompiledEdits | null {
  if (edits.remove.length === 0 && edits.add.length === 0) return null;
  const fields: FieldText[] = [];
  const templates: HeaderTemplate[] = [];
  const names = edits.remove.filter(isEditable);
  for (const { name, value, append } of edits.add) {
    if (!isEditable(name) || !isFieldValue(value)) continue;
    const template = templateOf(name, value);
    if (template === null) continue;
    if (typeof template.pieces === "string") fields.push([name, template.pieces]);
    else templates.push(template);
    if (!append) names.push(name);
  }
  return Object.freeze({
    gone: Object.freeze([...new Set(names)].map((name) => Buffer.from(name.toLowerCase()))),
    lines: linesOf(fields),
    templates: templates.length === 0 ? null : Object.freeze(templates),
  });
}

function linesOf(fields: readonly FieldText[]): Buffer {
  return Buffer.from(fields.map(([name, value]) => `${name}: ${value}\r\n`).join(""));
}

/** The edits of one request: templates are filled in with what is known of it. */
export function fillEdits(edits: CompiledEdits, values: RequestValues): CompiledEdits {
  if (edits.templates === null) return edits;
  const filled = linesOf(edits.templates.map((template) => [template.name, fillTemplate(template, values)]));
  return { gone: edits.gone, lines: Buffer.concat([edits.lines, filled]), templates: null };
}

/** The edits of one answer: those of its Mapping and `extra`. */
export function withFields(edits: CompiledEdits | null, extra: ExtraFields): CompiledEdits {
  const gone = extra.instead.map((name) => Buffer.from(name));
  const lines = linesOf(extra.fields);
  if (edits === null) return { gone, lines, templates: null };
  return { gone: [...edits.gone, ...gone], lines: Buffer.concat([edits.lines, lines]), templates: edits.templates };
}

/** May `value` be a field's value on the wire? */
function isFieldValue(value: string): boolean {
  return Buffer.from(value).every((byte) => isValue[byte] === 1);
}

/** May a field of this name be changed by us? Not where it frames the message or belongs to the connection. */
export function isEditable(name: string): boolean {
  const bytes = Buffer.from(name);
  return bytes.length > 0 && bytes.every((byte) => isToken[byte] === 1) && !isUntouchableHeader(name);
}

/** Does the field named `bytes[start..end)` go? */
export function isGone(edits: CompiledEdits, bytes: Uint8Array, start: number, end: number): boolean {
  const { gone } = edits;
  for (let i = 0; i < gone.length; i++) {
    const name = gone[i]!;
    if (name.length !== end - start) continue;
    let at = 0;
    while (at < name.length && lowered[bytes[start + at]!] === name[at]) at++;
    if (at === name.length) return true;
  }
  return false;
}

/** Does a field that the gateway itself writes (name in lower case) go? */
export function isGoneName(edits: CompiledEdits | null, name: string): boolean {
  return edits !== null && edits.gone.some((gone) => gone.toString("latin1") === name);
}
