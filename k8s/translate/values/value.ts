// Reading values of unknown shape: the readers that every decoder here uses. None throws, none follows a prototype.
import { visible } from "../../../routing/text/visible.ts";

export type UnknownRecord = Readonly<Record<string, unknown>>;

const none: UnknownRecord = Object.freeze({});
const noTexts: Readonly<Record<string, string>> = Object.freeze(Object.create(null) as Record<string, string>);

export function isRecord(value: unknown): value is UnknownRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The record, or an empty one. */
export function recordOf(value: unknown): UnknownRecord {
  return isRecord(value) ? value : none;
}

/** The array, or an empty one. */
export function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** An own property: names such as `constructor` or `__proto__` find nothing that the writer did not write. */
export function fieldOf(record: UnknownRecord, name: string): unknown {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** The text, or "" for anything else. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A text, or a number or boolean as YAML would write it (folders hold unquoted values); null for anything else. */
export function scalarText(value: unknown): string | null {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : null;
}

/** A finite number, also one written as text (old CRs hold `traffic: "75"`); null for anything else. */
export function numberOf(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "string" || !/^\s*[+-]?\d{1,15}(?:\.\d{1,15})?\s*$/.test(value)) return null;
  return Number(value);
}

/** A whole number; null for anything else. */
export function integerOf(value: unknown): number | null {
  const number = numberOf(value);
  return number !== null && Number.isSafeInteger(number) ? number : null;
}

const truths: ReadonlySet<string> = new Set(["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"]);
const untruths: ReadonlySet<string> = new Set([
  "false",
  "False",
  "FALSE",
  "no",
  "No",
  "NO",
  "off",
  "Off",
  "OFF",
  "n",
  "N",
]);

/**
 * A boolean, also one written as Ambassador's and Kubernetes' parsers read it (the words of YAML 1.1: the parser here knows those of 1.2 and
 * gives the others as texts); null for anything else.
 */
export function booleanOf(value: unknown): boolean | null {
  if (typeof value === "boolean") return value;
  if (typeof value !== "string") return null;
  return truths.has(value) ? true : untruths.has(value) ? false : null;
}

/** Texts by name; values that are not scalars are left out. */
export function textRecordOf(value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value)) return noTexts;
  const texts: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, item] of Object.entries(value)) {
    const text = scalarText(item);
    if (text !== null) texts[name] = text;
  }
  return texts;
}

/** Stands for the value of an annotation that is no text: no reader of texts takes it, and nobody can write it into a manifest. */
export const notText = "\0";

/** Annotations by name. Numbers and booleans count as their text (folders hold unquoted values); everything else, null too, is `notText`. */
export function annotationsOf(value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value)) return noTexts;
  const texts: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, item] of Object.entries(value)) texts[name] = scalarText(item) ?? notText;
  return texts;
}

/** What a sentence quotes of somebody's input: short, on one line, without characters that a terminal obeys; maps and lists as JSON. */
export function quoted(value: unknown): string {
  if (value === notText) return "a value that is not a text";
  if (typeof value === "object" && value !== null) return shortened(JSON.stringify(value));
  return `"${shortened(typeof value === "string" || typeof value === "number" || typeof value === "boolean" || value === null ? String(value) : typeof value)}"`;
}

function shortened(text: string): string {
  const clean = visible(text.slice(0, 200));
  return clean.length > 60 || text.length > 200 ? `${clean.slice(0, 57)}...` : clean;
}

/** `1.5s`, `250ms`, `2m`; null for anything else. */
export function durationMs(value: unknown): number | null {
  const [, number, unit] = /^\s*(\d{1,9}(?:\.\d{1,9})?)\s*(ms|s|m|h)?\s*$/.exec(scalarText(value) ?? "") ?? [];
  if (number === undefined) return null;
  const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit ?? "s"]!;
  return Math.round(Number(number) * unitMs);
}
