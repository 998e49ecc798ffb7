// What the text of one option says. What cannot be read ends the decoding (`wrongValue`).
import { wrongValue, type Written } from "./options.ts";

/** Bounds of options that state a time. */
export const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;

/** null: nobody wrote it. */
export function textOf(options: ReadonlyMap<string, Written>, name: string): string | null {
  return options.get(name)?.values[0] ?? null;
}

/** The first choice is the default. */
export function choiceOf<const T extends string>(
  options: ReadonlyMap<string, Written>,
  name: string,
  choices: readonly [T, ...T[]],
): T {
  const written = options.get(name);
  if (written === undefined) return choices[0];
  const text = written.values[0]!;
  return (
    choices.find((choice) => choice === text) ??
    wrongValue(`${written.from} is "${text}": write ${choices.join(" or ")}`)
  );
}

/** A whole number in decimal digits. */
export function integerOf(
  options: ReadonlyMap<string, Written>,
  name: string,
  least: number,
  most: number,
  byDefault: number,
): number {
  const written = options.get(name);
  if (written === undefined) return byDefault;
  const text = written.values[0]!;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  return wrongValue(`${written.from} is "${text}": write a whole number from ${least} to ${most}`);
}

/** `HOST:PORT`, see `parseAddress`. */
export function addressOf(
  written: Written | undefined,
  byDefault: { host: string | null; port: number },
): { host: string | null; port: number } {
  if (written === undefined) return byDefault;
  const text = written.values[0]!;
  const address = parseAddress(text);
  return (
    address ??
    wrongValue(`${written.from} is "${text}": write HOST:PORT, for example 127.0.0.1:8080, [::1]:8080 or :8080`)
  );
}

/** `HOST:PORT`, `[IPv6]:PORT`, `:PORT` or `PORT`; null when it is none of them. */
export function parseAddress(text: string): { readonly host: string | null; readonly port: number } | null {
  const found = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]*)):)?(\d{1,5})$/.exec(text);
  if (found === null) return null;
  const port = Number(found[3]);
  const host = found[1] ?? found[2] ?? "";
  return port > 65_535 ? null : { host: host === "" ? null : host, port };
}
