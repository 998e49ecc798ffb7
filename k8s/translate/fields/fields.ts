// Fields: reading one Ambassador document field by field. What was not read at the end is unknown, and every bad value makes one Problem.
import type { ProblemLevel, ProblemCode } from "../../../routing/text/problem.ts";
import { compileRegex } from "../../../routing/regex/regex.ts";
import { allowance } from "../values/allowance.ts";
import type { FieldTable } from "./field-table.ts";
import type { Report } from "../values/report.ts";
import {
  arrayOf,
  booleanOf,
  fieldOf,
  integerOf,
  isRecord,
  numberOf,
  quoted,
  scalarText,
  type UnknownRecord,
} from "../values/value.ts";

/** Regexes that the documents of one object may still compile: compiling is the dearest thing that a text can ask for. */
export interface RegexBudget {
  left: number;
}

export class Fields {
  readonly table: FieldTable;
  readonly #record: UnknownRecord;
  readonly #at: string;
  readonly #report: Report;
  readonly #budget: RegexBudget;
  readonly #read = new Set<string>();
  readonly #unreadable = new Set<string>();
  readonly #unusable = new Set<string>();
  /** Regexes taken so far. */
  regexes = 0;

  /** `at` comes before the names of fields in Problems: `spec.`. Without a budget no regex may be compiled. */
  constructor(table: FieldTable, record: UnknownRecord, at: string, report: Report, budget: RegexBudget = { left: 0 }) {
    this.table = table;
    this.#record = record;
    this.#at = at;
    this.#report = report;
    this.#budget = budget;
  }

  /** The value as written; undefined when it is absent or null. */
  take(name: string): unknown {
    if (!this.#read.has(name)) this.#noteEmpty(name);
    this.#read.add(name);
    return fieldOf(this.#record, name) ?? undefined;
  }

  /**
   * A deciding field with nothing behind it, as a lost value or a slip of the indentation leaves it. Null is absence: to YAML's readers, in a merge
   * patch, and to an API server, which takes nulls of fields that are not nullable out of what it stores.
   */
  #noteEmpty(name: string): void {
    const value = fieldOf(this.#record, name);
    if ((value !== null && value !== "") || this.table.strict) return;
    const { empty } = this.table.rows[name] ?? { empty: "absent" };
    if (!(empty === "text" || (empty === "told" && value === null)) || this.#defaults(name)) return;
    if ((name === "host" && this.says("hostname")) || (name === "hostname" && this.says("host"))) return;
    this.report(
      "warning",
      "empty-field",
      name,
      "it has no value, so Sluice serves the Mapping without it; write its value, or remove it",
    );
  }

  /** A value that cannot be read has a default. */
  #defaults(name: string): boolean {
    const decides = this.table.rows[name]?.decides ?? "none";
    return !this.table.strict && (decides === "how" || decides === "none");
  }

  has(name: string): boolean {
    return (fieldOf(this.#record, name) ?? undefined) !== undefined;
  }

  /** Written with a value that is not the default of its kind: neither empty nor false, of `case_sensitive` not true. */
  says(name: string): boolean {
    return (
      this.has(name) &&
      fieldOf(this.#record, name) !== "" &&
      booleanOf(fieldOf(this.#record, name)) !== (name === "case_sensitive")
    );
  }

  text(name: string): string | null {
    const value = this.take(name);
    if (value === undefined) return null;
    const text = scalarText(value);
    if (text === null) this.bad(name, value, "a text");
    return text;
  }

  boolean(name: string): boolean {
    const value = this.take(name);
    if (value === undefined) return false;
    const read = booleanOf(value);
    if (read === null) this.bad(name, value, "true or false");
    return read ?? false;
  }

  /** Within the bounds of its row. */
  integer(name: string): number | null {
    const value = this.take(name);
    if (value === undefined) return null;
    const { min, max } = this.table.rows[name]!;
    const number = integerOf(value);
    if (number !== null && number >= min && number <= max) return number;
    this.bad(name, value, `a whole number from ${min} to ${max}`);
    return null;
  }

  /** Of `key` in a map that the field holds, within the bounds of the field's row or these. */
  integerIn(
    name: string,
    map: UnknownRecord,
    key: string,
    { min, max }: { readonly min: number; readonly max: number } = this.table.rows[name]!,
  ): number | null {
    const value = fieldOf(map, key) ?? null;
    if (value === null) return null;
    const number = integerOf(value);
    if (number !== null && number >= min && number <= max) return number;
    this.bad(name, value, `${key} as a whole number from ${min} to ${max}`);
    return null;
  }

  /** 0 or more; a fraction is kept as written. */
  weight(name: string): number | null {
    const value = this.take(name);
    if (value === undefined) return null;
    const number = numberOf(value);
    if (number !== null && number >= 0) return number;
    this.bad(name, value, "a percentage from 0 to 100");
    return null;
  }

  /** A list of texts; one text counts as a list of one. */
  texts(name: string): readonly string[] {
    const value = this.take(name);
    if (value === undefined) return [];
    const list = Array.isArray(value) ? arrayOf(value) : [value];
    const texts = list.map(scalarText).filter((text) => text !== null);
    if (texts.length < list.length) this.bad(name, value, "a list of texts");
    return texts;
  }

  record(name: string): UnknownRecord | null {
    const value = this.take(name);
    if (value === undefined) return null;
    if (isRecord(value)) return value;
    this.bad(name, value, "a map");
    return null;
  }

  list(name: string): readonly unknown[] {
    const value = this.take(name);
    if (value === undefined) return [];
    if (Array.isArray(value)) return arrayOf(value);
    this.bad(name, value, "a list");
    return [];
  }

  /** Counts a regex and says whether it can be used. */
  regex(name: string, pattern: string): boolean {
    this.regexes += 1;
    this.#budget.left -= 1;
    if (this.#budget.left < 0) {
      this.refuse("bad-value", name, `the object has more than ${allowance.regexes} regexes; use fewer`);
      return false;
    }
    const result = pattern === "" ? ({ ok: false, reason: "has no text" } as const) : compileRegex(pattern);
    if (result.ok) return true;
    this.refuse("bad-value", name, `the regex ${quoted(pattern)} ${result.reason}; write one that RE2 takes`);
    return false;
  }

  /** A value that cannot be read: what it gets is what the kind of its field says. */
  bad(name: string, value: unknown, write: string): void {
    if (!this.#defaults(name))
      return this.refuse(
        "bad-value",
        name,
        `${quoted(value)} cannot be read, so ${this.table.outcome}; write ${write}`,
      );
    this.#unusable.add(name);
    this.report(
      "warning",
      "bad-value",
      name,
      `${quoted(value)} cannot be used and counts as not written; write ${write}`,
    );
  }

  /** An error that leaves the object without what the field decides. */
  refuse(code: ProblemCode, name: string, sentence: string): void {
    this.#unreadable.add(name);
    this.report("error", code, name, sentence);
  }

  /** Fields that could not be read and keep no default. */
  get unreadable(): ReadonlySet<string> {
    return this.#unreadable;
  }

  /** Something of the field could not be used. */
  isUnusable(name: string): boolean {
    return this.#unusable.has(name);
  }

  report(level: ProblemLevel, code: ProblemCode, name: string, sentence: string): void {
    this.#report(level, code, `${this.#at}${name}`, sentence);
  }
}
