// Schemas: what people may write in a file, as data. Reading, sentences about what is wrong, the JSON Schema for editors and the tables of the pages all
// follow from it. An empty value, an unknown name and a missing name are wrong: each would let in more callers than its writer meant.
import { nearWord } from "../../routing/text/near-word.ts";
import { visible } from "../../routing/text/visible.ts";

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Schema<T> {
  /** The same for editors. It accepts everything that `read` accepts. */
  readonly json: () => JsonSchema;
  /** undefined: the value is wrong, and the place has a sentence about it. */
  readonly read: (value: unknown, place: Place) => T | undefined;
}

/** A place in a file, which collects what is wrong there. */
export class Place {
  /** `providers.corp`; "": the file itself. */
  readonly path: string;
  readonly wrong: string[];

  constructor(path: string, wrong: string[]) {
    this.path = path;
    this.wrong = wrong;
  }

  at(name: string): Place {
    return new Place([this.path, visible(name.slice(0, 63))].filter((part) => part !== "").join("."), this.wrong);
  }

  /** `sentence` follows the path: what is wrong, and what to write. */
  refuse(sentence: string): undefined {
    this.wrong.push(`${this.path === "" ? "the file" : this.path} ${sentence}`);
  }
}

export type Decoded<T> =
  | { readonly kind: "value"; readonly value: T }
  /** One or more; each names a place in the file and says what to write there. */
  | { readonly kind: "wrong"; readonly sentences: readonly string[] };

/** Sentences of one file. */
const maxSentences = 20;

export function decodeValue<T>(schema: Schema<T>, document: unknown): Decoded<T> {
  const wrong: string[] = [];
  const value = schema.read(document, new Place("", wrong));
  if (value !== undefined && wrong.length === 0) return { kind: "value", value };
  const more = wrong.length - maxSentences;
  return { kind: "wrong", sentences: more > 0 ? [...wrong.slice(0, maxSentences), `and ${more} more`] : wrong };
}

/** What stands under one name of a map. */
export interface Field<T> {
  readonly schema: Schema<T>;
  /** What it means, in Markdown. */
  readonly about: string;
  /** What holds if the name is not written. `written`: as if this were written. */
  readonly absent:
    | { readonly kind: "wrong"; readonly sentence: string }
    | { readonly kind: "value"; readonly value: T }
    | { readonly kind: "written"; readonly value: unknown };
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
export type ValuesOf<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never;
};

/** It must be written. `missing` says so, after the path. */
export function needed<T>(schema: Schema<T>, missing: string, about: string): Field<T> {
  return { schema, about, absent: { kind: "wrong", sentence: missing } };
}

/** Absent means the same as this value, written. */
export function byDefault<T>(schema: Schema<T>, written: unknown, about: string): Field<T> {
  return { schema, about, absent: { kind: "written", value: written } };
}

/** Absent means this value, which nobody can write. */
export function optional<T, A>(schema: Schema<T>, absent: A, about: string): Field<T | A> {
  return { schema, about, absent: { kind: "value", value: absent } };
}

/** A map with these names and no others. `stray`: what to do with another name, where more is known than the names that are. */
export function object<F extends Fields>(fields: F, stray = ""): Schema<ValuesOf<F>> {
  const all = Object.entries(fields);
  return {
    json: () => ({
      type: "object",
      properties: Object.fromEntries(all.map(([name, field]) => [name, jsonOf(field)])),
      required: all.flatMap(([name, { absent }]) => (absent.kind === "wrong" ? [name] : [])),
      additionalProperties: false,
    }),
    read(value, place) {
      if (!isMap(value)) return place.refuse("is not a map: write names and values");
      const { length } = place.wrong;
      const values = Object.fromEntries(all.map(([name, field]) => [name, readField(field, value, name, place)]));
      for (const name of Object.keys(value)) {
        if (Object.hasOwn(fields, name)) continue;
        const near = nearWord(name, Object.keys(fields));
        const cure = near === null ? stray || `write one of ${Object.keys(fields).join(", ")}` : `write ${near}`;
        place.at(name).refuse(`is not known here: ${cure}, or remove it`);
      }
      return place.wrong.length > length ? undefined : (values as ValuesOf<F>);
    },
  };
}

function readField({ schema, absent }: Field<unknown>, map: Map, name: string, place: Place): unknown {
  const here = place.at(name);
  if (Object.hasOwn(map, name)) return readValue(schema, map[name], here);
  if (absent.kind === "wrong") return here.refuse(absent.sentence);
  return absent.kind === "value" ? absent.value : schema.read(absent.value, here);
}

/** A name without a value is one that was forgotten, or the end of a file that is being written. */
function readValue<T>(schema: Schema<T>, value: unknown, place: Place): T | undefined {
  return value === null || value === undefined
    ? place.refuse("is empty: write a value, or remove it")
    : schema.read(value, place);
}

function jsonOf({ schema, about, absent }: Field<unknown>): JsonSchema {
  return { description: about, ...schema.json(), ...(absent.kind === "written" ? { default: absent.value } : {}) };
}

/** Names that people choose. */
export interface Names {
  readonly pattern: RegExp;
  /** What they are, and what to write: `the name of a namespace: write …`. */
  readonly words: string;
}

export const namespaceNames: Names = {
  pattern: /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/,
  words: 'the name of a namespace: write lower-case letters, digits and "-", at most 63',
};

/** A map from names that people choose, at most `max` of them. `names` null: any. */
export function entries<T>(
  names: Names | null,
  schema: Schema<T>,
  max: number,
): Schema<readonly (readonly [name: string, value: T])[]> {
  return {
    json: () => ({
      type: "object",
      ...(names === null ? {} : { propertyNames: { pattern: names.pattern.source } }),
      additionalProperties: schema.json(),
      maxProperties: max,
    }),
    read(value, place) {
      if (!isMap(value)) return place.refuse("is not a map: write names and values");
      const all = Object.entries(value);
      if (all.length > max) return place.refuse(`has more than ${max} names: write fewer`);
      const { length } = place.wrong;
      const read = all.map(([name, one]) => {
        const here = place.at(name);
        if (names !== null && !names.pattern.test(name)) here.refuse(`is not ${names.words}`);
        return [name, readValue(schema, one, here)] as const;
      });
      return place.wrong.length > length ? undefined : (read as (readonly [string, T])[]);
    },
  };
}

/** A map whose name `tag` says which of these it is. */
export function variants<T>(tag: string, schemas: Readonly<Record<string, Schema<T>>>): Schema<T> {
  const names = Object.keys(schemas);
  const words = `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
  return {
    json: () => ({ oneOf: names.map((name) => schemas[name]!.json()) }),
    read(value, place) {
      if (!isMap(value)) return place.refuse("is not a map: write names and values");
      const here = place.at(tag);
      if (!Object.hasOwn(value, tag)) return here.refuse(`is missing: write ${words}`);
      const name = readValue(text, value[tag], here);
      if (name === undefined) return undefined;
      if (Object.hasOwn(schemas, name)) return schemas[name]!.read(value, place);
      return here.refuse(`is ${quoted(name)}, which is not known: write ${nearWord(name, names) ?? words}`);
    },
  };
}

/** What another schema reads, made into what it means. `convert`: undefined where it refuses. */
export function converted<A, B>(
  schema: Schema<A>,
  convert: (value: A, place: Place) => B | undefined,
  more: JsonSchema = {},
): Schema<B> {
  return {
    json: () => ({ ...schema.json(), ...more }),
    read(value, place) {
      const read = schema.read(value, place);
      return read === undefined ? undefined : convert(read, place);
    },
  };
}

const maxTextLength = 4096;

export const text: Schema<string> = {
  json: () => ({ type: "string", minLength: 1, maxLength: maxTextLength }),
  read: (value, place) =>
    typeof value === "string" && value !== "" && value.length <= maxTextLength && isPrintable(value)
      ? value
      : place.refuse(`is not a text of 1 to ${maxTextLength} printable characters: write one`),
};

/** A text, as `parse` reads it. `parse`: undefined where it is not one of `words`, which say what to write. */
export function word<T>(parse: (text: string) => T | undefined, words: string, pattern: RegExp): Schema<T> {
  return converted(text, (value, place) => parse(value) ?? place.refuse(`is ${quoted(value)}, which is not ${words}`), {
    pattern: pattern.source,
  });
}

export function nameOf({ pattern, words }: Names): Schema<string> {
  return word((value) => (pattern.test(value) ? value : undefined), words, pattern);
}

/** The only text that may stand here. */
export function only<T extends string>(value: T): Schema<T> {
  return {
    json: () => ({ const: value }),
    read: (read, place) => (read === value ? value : place.refuse(`must be ${value}: write that`)),
  };
}

/** One of these texts. */
export function choice<T extends string>(choices: readonly T[]): Schema<T> {
  return {
    json: () => ({ enum: choices }),
    read: (value, place) =>
      choices.find((one) => one === value) ?? place.refuse(`is none of ${choices.join(", ")}: write one of these`),
  };
}

export const flag: Schema<boolean> = {
  json: () => ({ type: "boolean" }),
  read: (value, place) =>
    typeof value === "boolean" ? value : place.refuse("is neither true nor false: write one of these"),
};

/** A text, a number, true or false. */
export const scalar: Schema<string | number | boolean> = {
  json: () => ({ type: ["string", "number", "boolean"], maxLength: maxTextLength }),
  read: (value, place) =>
    typeof value === "number" ||
    typeof value === "boolean" ||
    (typeof value === "string" && value.length <= maxTextLength)
      ? value
      : place.refuse("is not a value: write a text, a number, true or false"),
};

export function integer(minimum: number, maximum: number): Schema<number> {
  return {
    json: () => ({ type: "integer", minimum, maximum }),
    read: (value, place) =>
      Number.isInteger(value) && Number(value) >= minimum && Number(value) <= maximum
        ? Number(value)
        : place.refuse(`is not a whole number from ${minimum} to ${maximum}: write one`),
  };
}

/** How many items a list may have. `fault` says that there are more or fewer. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly fault: string;
}

const anyNumber: Bounds = { min: 0, max: 10_000, fault: "has more than 10000 items: write fewer" };

/** What is wrong with a list of none. */
export function notEmpty(fault: string): Bounds {
  return { ...anyNumber, min: 1, fault };
}

export function list<T>(schema: Schema<T>, { min, max, fault }: Bounds = anyNumber): Schema<readonly T[]> {
  return {
    json: () => ({ type: "array", items: schema.json(), minItems: min, maxItems: max }),
    read(value, place) {
      if (!Array.isArray(value)) return place.refuse('is not a list: write "- " before each item');
      if (value.length < min || value.length > max) return place.refuse(fault);
      const { length } = place.wrong;
      const read = value.map((item, at) => schema.read(item, new Place(`${place.path}[${at}]`, place.wrong)));
      return place.wrong.length > length ? undefined : (read as T[]);
    },
  };
}

/** A list, or one value alone. */
export function oneOrMany<T>(schema: Schema<T>, bounds: Bounds = anyNumber): Schema<readonly T[]> {
  const many = list(schema, bounds);
  return {
    json: () => ({ anyOf: [schema.json(), many.json()] }),
    read(value, place) {
      if (Array.isArray(value)) return many.read(value, place);
      const one = schema.read(value, place);
      return one === undefined ? undefined : [one];
    },
  };
}

type Map = Readonly<Record<string, unknown>>;

function isMap(value: unknown): value is Map {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPrintable(value: string): boolean {
  return /^[^\p{Cc}\p{Cs}]*$/u.test(value);
}

/** A text that somebody wrote, for one line of a terminal. */
export function quoted(value: string): string {
  return JSON.stringify(visible(value.slice(0, 80)));
}
