// Fields of a document that says who is asked about requests. Unlike a Mapping's, none of them has a default for what cannot be read: the whole
// is not valid then, and whoever it guards is closed.
import type { Report } from "../values/report.ts";
import { nearWord } from "../values/near-word.ts";
import {
  arrayOf,
  booleanOf,
  fieldOf,
  integerOf,
  isRecord,
  quoted,
  scalarText,
  type UnknownRecord,
} from "../values/value.ts";

/** Read elsewhere, or notes of Ambassador's conversion between its versions. */
const elsewhere = [
  "apiVersion",
  "kind",
  "name",
  "namespace",
  "generation",
  "ambassador_id",
  "ambassadorId",
  "metadata_labels",
  "v2ExplicitTLS",
  "v3CircuitBreakers",
  "v3StatsName",
  "stats_name",
];
/** Known to Ambassador, of how it asks, and lost here. */
const lost: Readonly<Record<string, string>> = {
  circuit_breakers: "Sluice does not have this and ignores it; remove it",
};

export class ServiceFields {
  readonly #record: UnknownRecord;
  readonly #field: string;
  readonly #report: Report;
  readonly #read = new Set<string>();
  /** Nothing was found that cannot be read. */
  valid = true;

  /** `field`: where the document is, for Problems; "" for an object of its own. */
  constructor(record: UnknownRecord, field: string, report: Report) {
    this.#record = record;
    this.#field = field;
    this.#report = report;
  }

  /** undefined: absent or null. */
  take(name: string): unknown {
    this.#read.add(name);
    return fieldOf(this.#record, name) ?? undefined;
  }

  bad(name: string, value: unknown, write: string): void {
    this.valid = false;
    this.#say("error", "bad-value", name, `${quoted(value)} cannot be read; write ${write}`);
  }

  text(name: string, fallback: string): string {
    const value = this.take(name);
    const text = value === undefined ? fallback : scalarText(value);
    if (text === null) this.bad(name, value, "a text");
    return text ?? fallback;
  }

  boolean(name: string): boolean {
    const value = this.take(name);
    const read = value === undefined ? false : booleanOf(value);
    if (read === null) this.bad(name, value, "true or false");
    return read ?? false;
  }

  /** `inside`: of the record that the field `name` holds. */
  integer(name: string, fallback: number, least: number, most: number, written = this.take(name)): number {
    if (written === undefined) return fallback;
    const number = integerOf(written);
    if (number !== null && number >= least && number <= most) return number;
    this.bad(name, written, `a whole number from ${least} to ${most}`);
    return fallback;
  }

  /** null: absent, or not a map, which was reported. */
  record(name: string, keys: readonly string[] | null): UnknownRecord | null {
    const value = this.take(name);
    if (value === undefined) return null;
    if (!isRecord(value)) {
      this.bad(name, value, "a map");
      return null;
    }
    const unknown = keys === null ? undefined : Object.keys(value).find((key) => !keys.includes(key));
    if (unknown !== undefined)
      this.bad(`${name}.${unknown}`.slice(0, 120), value[unknown], `nothing there: ${name} has ${keys!.join(", ")}`);
    return value;
  }

  /** Names of fields of messages, in lower case. */
  names(name: string): readonly string[] {
    const value = this.take(name);
    if (value === undefined) return [];
    const list = (Array.isArray(value) ? arrayOf(value) : [value]).map((one) => scalarText(one)?.toLowerCase() ?? "");
    if (list.length <= mostNames && list.every(isName)) return list;
    this.bad(name, value, `at most ${mostNames} names of headers`);
    return [];
  }

  /** After every field that counts was taken: one that is not known may be a misspelt one. `alsoLost`: of this kind alone, with the sentence for each. */
  checkUnread(alsoLost: Readonly<Record<string, string>> = {}): void {
    for (const [name, sentence] of Object.entries({ ...lost, ...alsoLost }))
      if (this.take(name) !== undefined) this.#say("warning", "field-lost", name, sentence);
    const known = [...this.#read, ...elsewhere];
    for (const key of Object.keys(this.#record)) {
      if (known.includes(key)) continue;
      const near = nearWord(key, known);
      this.valid = false;
      this.#say(
        "error",
        "unknown-field",
        key.slice(0, 80),
        `nobody knows this field, and what it should say may be what closes; ${near === null ? "remove it" : `write ${near}, or remove it`}`,
      );
    }
  }

  #say(level: "error" | "warning", code: string, name: string, sentence: string): void {
    this.#report(level, code, this.#field === "" ? `spec.${name}` : `${this.#field} ${name}`, sentence);
  }
}

const mostNames = 64;

export function isName(name: string): boolean {
  return /^[a-z0-9!#$%&'*+.^_`|~-]{1,256}$/.test(name);
}
