// PolicyEntry: one map of the policy file, read field by field. What is wrong is said with its place and what to write, and what nobody reads is
// wrong as well: a misspelt field of a policy would let in whom it was to keep out.

/** Longest text of a policy, characters. */
const mostText = 4096;
/** Longest list. */
const mostItems = 10_000;

export class PolicyEntry {
  /** `providers.corp`, for sentences. */
  readonly place: string;
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #wrong: string[];
  readonly #read = new Set<string>();

  /** `value`: anything; what is no map reads as an empty one, and is wrong. `wrong`: takes the sentences. */
  constructor(value: unknown, place: string, wrong: string[]) {
    this.place = place;
    this.#wrong = wrong;
    this.#fields = isMap(value) ? value : {};
    if (!isMap(value)) this.refuse("", "is no map: write names and values");
  }

  /** Says that a field (or, with "", the entry) is wrong. */
  refuse(name: string, sentence: string): void {
    this.#wrong.push(`${this.#at(name) || "the file"} ${sentence}`);
  }

  has(name: string): boolean {
    return (this.#fields[name] ?? null) !== null;
  }

  /** null: it is not written, or wrong. */
  text(name: string): string | null {
    const value = this.#take(name);
    if (value === null) return null;
    if (typeof value === "string" && value !== "" && value.length <= mostText && isPrintable(value)) return value;
    this.refuse(name, `is not a text of 1 to ${mostText} printable characters`);
    return null;
  }

  /** As `text`; that it is not written is wrong, too, and then "". `write`: what to write. */
  neededText(name: string, write: string): string {
    if (!this.has(name)) this.refuse(name, `is missing: write ${write}`);
    return this.text(name) ?? "";
  }

  /** One of these; the first where it is not written. */
  choice<T extends string>(name: string, choices: readonly [T, ...T[]]): T {
    const value = this.#take(name);
    const found = choices.find((choice) => choice === value);
    if (value !== null && found === undefined)
      this.refuse(name, `is none of ${choices.join(", ")}: write one of these`);
    return found ?? choices[0];
  }

  flag(name: string, byDefault: boolean): boolean {
    const value = this.#take(name);
    if (value !== null && typeof value !== "boolean")
      this.refuse(name, "is neither true nor false: write one of these");
    return typeof value === "boolean" ? value : byDefault;
  }

  integer(name: string, least: number, most: number, byDefault: number): number {
    const value = this.#take(name);
    if (value === null) return byDefault;
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
    this.refuse(name, `is no whole number from ${least} to ${most}: write one`);
    return byDefault;
  }

  /** Texts: a list, or one alone. [] where it is not written. */
  texts(name: string): readonly string[] {
    const value = this.#take(name);
    if (value === null) return [];
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    const texts = list.filter(
      (item) => typeof item === "string" && item !== "" && item.length <= mostText && isPrintable(item),
    ) as string[];
    if (texts.length < list.length || list.length > mostItems)
      this.refuse(name, `is no list of at most ${mostItems} texts: write texts`);
    return texts;
  }

  /** Names of all that is written, whatever it is; each is read by another call. */
  get names(): readonly string[] {
    return Object.keys(this.#fields);
  }

  /** Texts, numbers and booleans: a list, or one alone; [] where it is not written. */
  scalars(name: string): readonly (string | number | boolean)[] {
    const value = this.#take(name);
    if (value === null) return [];
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    const scalars = list.filter(
      (item) =>
        typeof item === "number" || typeof item === "boolean" || (typeof item === "string" && item.length <= mostText),
    ) as (string | number | boolean)[];
    if (scalars.length < list.length || list.length === 0 || list.length > mostItems)
      this.refuse(name, `is no value, and no list of 1 to ${mostItems} of them: write texts, numbers, true or false`);
    return scalars;
  }

  /** null: it is not written. */
  entry(name: string): PolicyEntry | null {
    const value = this.#take(name);
    return value === null ? null : new PolicyEntry(value, this.#at(name), this.#wrong);
  }

  /** The maps of a list; [] where it is not written. */
  list(name: string): readonly PolicyEntry[] {
    const value = this.#take(name);
    if (value === null) return [];
    if (!Array.isArray(value) || value.length > mostItems) {
      this.refuse(name, `is no list of at most ${mostItems}: write "- " before each`);
      return [];
    }
    return value.map((item, index) => new PolicyEntry(item, `${this.#at(name)}[${index}]`, this.#wrong));
  }

  /** All maps in it, by their names; what is read so is read. */
  *entries(): Iterable<readonly [name: string, entry: PolicyEntry]> {
    for (const name of Object.keys(this.#fields)) {
      this.#read.add(name);
      yield [name, new PolicyEntry(this.#fields[name], this.#at(name), this.#wrong)];
    }
  }

  /** Any value, for readers of their own. null: it is not written. */
  value(name: string): unknown {
    return this.#take(name);
  }

  /** Says what was never asked for. */
  done(): void {
    for (const name of Object.keys(this.#fields)) {
      if (!this.#read.has(name))
        this.refuse(name.slice(0, 60), `is not known here: write one of ${[...this.#read].join(", ")}, or remove it`);
    }
  }

  /** A name without a value is one that was forgotten, or the end of a file that is being written: nothing would follow from it but that more are let in. */
  #take(name: string): unknown {
    const value = this.#fields[name] ?? null;
    if (value === null && Object.hasOwn(this.#fields, name) && !this.#read.has(name))
      this.refuse(name, "is empty: write a value, or remove it");
    this.#read.add(name);
    return value;
  }

  #at(name: string): string {
    return [this.place, name].filter((part) => part !== "").join(".");
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPrintable(text: string): boolean {
  return /^[^\p{Cc}\p{Cs}]*$/u.test(text);
}
