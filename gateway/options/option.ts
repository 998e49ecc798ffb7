// What an option is: one declaration, from which its value, its environment variable, the help, the pages, the schema of the chart and shell completion follow.
import { isIP } from "node:net";

/** Where an option stands, and its texts. */
export interface Written {
  /** `--listen` or `SLUICE_LISTEN`. */
  readonly from: string;
  readonly texts: readonly string[];
}

export interface Option<T = unknown> {
  /** `list`: it may be given several times; in the environment its values are separated by commas. */
  readonly kind: "text" | "flag" | "list";
  /** Form of the value: `HOST:PORT`; DIR and FILE are paths; "" for a flag. Of a number the unit in the name says it. */
  readonly placeholder: string;
  readonly help: string;
  readonly byDefault: T;
  /** The default in words; "": there is nothing to say. */
  readonly shownDefault: string;
  /** JSON Schema of one value. */
  readonly schema: Schema;
  /** The value. Throws `wrongValue`. */
  readonly read: (written: Written) => T;
  /** Its letter after one dash; "": none. */
  readonly short: string;
  /** Variable of Ambassador that also sets it, after its own; "": none. */
  readonly variable: string;
}

export interface Schema {
  readonly type: "string" | "boolean" | "integer";
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

/** By field: `tlsListen` is `--tls-listen`. In the order of the help. */
export type Options = Readonly<Record<string, Option>>;
export type Values<T extends Options> = { readonly [F in keyof T]: T[F] extends Option<infer V> ? V : never };

/** Bounds of options that state a time. */
export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

export interface Address {
  /** null: every address. */
  readonly host: string | null;
  readonly port: number;
}

/** Thrown by decoders of values inside `decoding`, never further. */
class WrongValue extends Error {}

/** Ends the decoding of an option with one line for the user. */
export function wrongValue(sentence: string): never {
  throw new WrongValue(sentence);
}

/** Runs a decoder: its value, or the sentence of the first wrong one. */
export function decoding<T>(
  decode: () => T,
): { readonly kind: "decoded"; readonly value: T } | { readonly kind: "wrong"; readonly sentence: string } {
  try {
    return { kind: "decoded", value: decode() };
  } catch (error) {
    if (error instanceof WrongValue) return { kind: "wrong", sentence: error.message };
    throw error;
  }
}

const plain = { placeholder: "", shownDefault: "", short: "", variable: "", schema: { type: "string" } } as const;

export function flag(help: string, shownDefault = ""): Option<boolean> {
  return {
    ...plain,
    kind: "flag",
    help,
    shownDefault,
    byDefault: false,
    schema: { type: "boolean" },
    read: () => true,
  };
}

/** `read`: one text, and where it stands, to its value. */
export function text<T = string>(
  placeholder: string,
  help: string,
  shownDefault = "",
  read: (text: string, from: string) => T = (written) => written as T,
): Option<T | null> {
  return { ...plain, kind: "text", placeholder, help, shownDefault, byDefault: null, read: one(read) };
}

export function list(
  placeholder: string,
  help: string,
  shownDefault = "",
  read: (text: string, from: string) => string | readonly string[] = (written) => written,
): Option<readonly string[]> {
  return {
    ...plain,
    kind: "list",
    placeholder,
    help,
    shownDefault,
    byDefault: [],
    read: ({ texts, from }) => texts.flatMap((written) => read(written, from)),
  };
}

/** The first choice is the default. */
export function choice<const T extends string>(
  choices: readonly [T, ...T[]],
  help: string,
  shownDefault: string = choices[0],
): Option<T> {
  const read = one(
    (written, from) =>
      choices.find((known) => known === written) ??
      wrongValue(`${from} is "${written}": write ${choices.join(" or ")}`),
  );
  return {
    ...plain,
    kind: "text",
    placeholder: choices.join("|"),
    help,
    shownDefault,
    byDefault: choices[0],
    schema: { type: "string", enum: choices },
    read,
  };
}

/** A whole number in decimal digits. `byDefault`: null where another place may say it. `orZero`: 0 is good, too. */
export function integer<D extends number | null>(
  bounds: {
    readonly byDefault: D;
    readonly min: number;
    readonly max: number;
    readonly orZero?: true;
    readonly shownDefault?: string;
  },
  help: string,
): Option<number | D> {
  const { byDefault, min, max, orZero, shownDefault = `${byDefault}` } = bounds;
  const read = one((written, from) => {
    const value = /^\d{1,15}$/.test(written) ? Number(written) : Number.NaN;
    if ((value >= min && value <= max) || (orZero && value === 0)) return value;
    return wrongValue(`${from} is "${written}": write ${orZero ? "0 or " : ""}a whole number from ${min} to ${max}`);
  });
  const schema = { type: "integer", minimum: orZero ? 0 : min, maximum: max } as const;
  return { ...plain, kind: "text", help, shownDefault, byDefault, schema, read };
}

/** `HOST:PORT`, see `readAddress`. */
export function address(byDefault: Address, help: string): Option<Address>;
export function address(byDefault: null, help: string, shownDefault?: string): Option<Address | null>;
export function address(byDefault: Address | null, help: string, shownDefault = ""): Option<Address | null> {
  return {
    ...text("HOST:PORT", help, byDefault === null ? shownDefault : `:${byDefault.port}`, readAddress),
    byDefault,
  };
}

/** `HOST:PORT`, `[IPv6]:PORT`, `:PORT` or `PORT`. */
export function readAddress(written: string, from: string): Address {
  const [found, inBrackets, name, digits] =
    /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]*)):)?(\d{1,5})$/.exec(written) ?? [];
  const [host = "", port] = [inBrackets ?? name, Number(digits)];
  if (found === undefined || port > 65_535)
    return wrongValue(`${from} is "${written}": write HOST:PORT, for example 127.0.0.1:8080, [::1]:8080 or :8080`);
  return { host: host === "" ? null : host, port };
}

export function isNamespace(name: string): boolean {
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name);
}

/** Name of a namespace. */
export function readNamespace(written: string, from: string): string {
  return isNamespace(written)
    ? written
    : wrongValue(
        `${from} is "${written}", which is not a namespace: write lower-case letters, digits and -, at most 63`,
      );
}

function one<T>(read: (text: string, from: string) => T): (written: Written) => T {
  return ({ texts, from }) => read(texts[0]!, from);
}

/** `--tls-listen` of `tlsListen`, without the dashes. */
export function nameOf(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

export function variableOf(name: string): string {
  return `SLUICE_${name.toUpperCase().replaceAll("-", "_")}`;
}

/** As `placeholder` says; of a number the unit that its name ends in. */
export function placeholderOf(field: string, { placeholder, schema }: Option): string {
  if (schema.type !== "integer") return placeholder;
  return field.endsWith("Ms") ? "MS" : field.endsWith("Bytes") ? "BYTES" : "N";
}

/** Some options of a table, or some values, in the order of `fields`. */
export function pick<T, F extends keyof T>(table: T, fields: readonly F[]): Pick<T, F> {
  return Object.fromEntries(fields.map((field) => [field, table[field]])) as Pick<T, F>;
}

/** What was written, decoded, and the defaults of the rest. Throws `wrongValue`. */
export function valuesOf<T extends Options>(table: T, written: ReadonlyMap<string, Written>): Values<T> {
  return Object.fromEntries(
    Object.entries(table).map(([field, option]) => {
      const found = written.get(field);
      return [field, found === undefined ? option.byDefault : option.read(found)];
    }),
  ) as Values<T>;
}

/** `host` as bound. */
export function isLoopback(host: string): boolean {
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}
