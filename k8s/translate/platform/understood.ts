// Whether a Host, TLSContext, Module, AuthService or RateLimitService can be understood, and what one that cannot may have meant: that is closed.
import { nearWord } from "../../../routing/text/near-word.ts";
import { reportUnknown } from "../fields/unknown-keys.ts";
import { neverEmpty, platformKeys } from "./shapes.ts";
import type { PlatformKind } from "./platform.ts";
import type { Report } from "../values/report.ts";
import { fieldOf, isRecord, quoted, scalarText, type UnknownRecord } from "../values/value.ts";

/** Levels and values of one object that are looked through for what it may have meant. */
const deepest = 6;
const mostValues = 20_000;
/** Hosts that are found so. */
const mostHosts = 500;

/** Reports what is wrong; false: the object is not valid. `outcome`: what becomes of it then, as words behind "so". */
export function isUnderstood(
  kind: PlatformKind,
  object: UnknownRecord,
  field: string,
  outcome: string,
  report: Report,
): boolean {
  const at = field === "" ? "" : `${field} `;
  const spec = fieldOf(object, "spec");
  const isFlat = field !== "" && !isRecord(spec);
  const unknown = platformKeys[kind][isFlat ? "flat" : "object"].unknownIn(object);
  const isUnknown = reportUnknown(unknown, at, outcome, report);
  const empty = neverEmpty[kind].filter((path) => isNullAt(isRecord(spec) ? spec : object, path.split(".")));
  for (const path of empty)
    report(
      "error",
      "empty-field",
      `${field === "" ? "spec." : at}${path}`,
      `it has no value, and without one Sluice would let more in, so ${outcome}; write its value, or remove it`,
    );
  const isWrong = Object.hasOwn(object, "spec") && !isRecord(spec);
  if (isWrong)
    report(
      "error",
      "bad-document",
      `${at}spec`,
      `${quoted(spec)} is not a map, so ${outcome}; write the fields of the ${kind} below spec`,
    );
  return !isWrong && empty.length === 0 && !isUnknown;
}

function isNullAt(value: unknown, [key, ...more]: readonly string[]): boolean {
  if (!isRecord(value) || key === undefined || !Object.hasOwn(value, key)) return false;
  return more.length === 0 ? value[key] === null : isNullAt(value[key], more);
}

/** Names of hosts that an object may have meant, wherever they stand. */
export function hostsMeantIn(object: UnknownRecord): readonly string[] {
  const found = new Set<string>();
  walk(object, (key, value) => {
    if (key !== "host" && nearWord(key, ["hosts", "hostname"]) === null) return;
    for (const item of Array.isArray(value) ? (value as readonly unknown[]).flat(3) : [value]) {
      // As somebody writes one who thinks of a URL.
      const host = (scalarText(item) ?? "")
        .trim()
        .toLowerCase()
        .replace(/^https?:\/\//, "")
        .replace(/(?::\d+)?(?:\/.*)?$/, "");
      if (found.size < mostHosts && /^(?:\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)$/.test(host) && host.length <= 253)
        found.add(host);
    }
  });
  return [...found];
}

/** Those of `words` that an object says anywhere, be they misspelt. */
export function wordsMeantIn<W extends string>(object: UnknownRecord, words: readonly W[]): ReadonlySet<W> {
  const found = new Set<W>();
  walk(object, (key) => {
    const near = nearWord(key, words);
    if (near !== null) found.add(near as W);
  });
  return found;
}

function walk(object: UnknownRecord, seen: (key: string, value: unknown) => void): void {
  let left = mostValues;
  const into = (value: unknown, depth: number): void => {
    if (typeof value !== "object" || value === null || depth === 0) return;
    for (const [key, inner] of Object.entries(value)) {
      if (--left < 0) return;
      if (!Array.isArray(value)) seen(key, inner);
      into(inner, depth - 1);
    }
  };
  into(object, deepest);
}
