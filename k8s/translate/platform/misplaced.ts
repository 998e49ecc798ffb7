// What of a Host, TLSContext, Module, AuthService or RateLimitService stands where nobody reads it: told, and whether the object can be understood without.
import { nearWord } from "../../../routing/text/near-word.ts";
import { misplacedSentence, type Misplaced } from "../fields/places.ts";
import { neverEmpty, platformPlaces } from "./shapes.ts";
import type { PlatformKind } from "./platform.ts";
import type { Report } from "../values/report.ts";
import { fieldOf, isRecord, quoted, scalarText, type UnknownRecord } from "../values/value.ts";

/** Levels and values of one object that are looked through for what it may have meant. */
const deepest = 6;
const mostValues = 20_000;
/** Hosts that are found so. */
const mostHosts = 500;

/** Reports it; true: something that decides is lost, so the object is not understood. `outcome`: what becomes of it, as words behind "so". */
export function reportPlatformMisplaced(
  kind: PlatformKind,
  object: UnknownRecord,
  field: string,
  outcome: string,
  report: Report,
): boolean {
  const place = (name: string): string => (field === "" ? name : `${field} ${name}`);
  const spec = fieldOf(object, "spec");
  const isFlat = !isRecord(spec);
  const misplaced = platformPlaces[kind][isFlat ? "flat" : "object"]
    .misplacedIn(object)
    .filter((one) => !isReportedBelow(kind, one, isFlat) && (one.field !== "spec" || !isFlat));
  for (const one of misplaced)
    report(
      one.decides ? "error" : "warning",
      one.place === "here" ? "misspelt-field" : "misplaced-field",
      place(one.field),
      misplacedSentence(isFlat && field === "" ? belowSpec(one) : one, outcome),
    );
  const empty = neverEmpty[kind].filter((path) => isNullAt(isFlat ? object : spec, path.split(".")));
  for (const path of empty)
    report(
      "error",
      "empty-field",
      field === "" ? `spec.${path}` : `${field} ${path}`,
      `it has no value, and without one Sluice would let more in, so ${outcome}; write its value, or remove it`,
    );
  const isEmpty = isFlat && Object.hasOwn(object, "spec");
  if (isEmpty)
    report(
      "error",
      "bad-document",
      place("spec"),
      `${quoted(spec)} is not a map, so ${outcome}; write the fields of the ${kind} below spec`,
    );
  return isEmpty || empty.length > 0 || misplaced.some(({ decides }) => decides);
}

/** An object of its own has its fields below spec, though it is read without. */
function belowSpec(one: Misplaced): Misplaced {
  return { ...one, write: one.write.replace(/^write (?=[a-zA-Z_.[\]]+$)/, "write spec.") };
}

function isNullAt(value: unknown, [key, ...more]: readonly string[]): boolean {
  if (!isRecord(value) || key === undefined || !Object.hasOwn(value, key)) return false;
  return more.length === 0 ? value[key] === null : isNullAt(value[key], more);
}

/** The readers of the fields say these themselves, and close what they decide. */
function isReportedBelow(kind: PlatformKind, { place, level, near, decides }: Misplaced, isFlat: boolean): boolean {
  const spec = isFlat ? "" : "spec";
  const at = (name: string): string => (isFlat ? name : `spec.${name}`);
  switch (kind) {
    case "Host":
      return (
        (level === spec && (!decides || (place === "here" && near?.startsWith("ambassador") !== true))) ||
        level === at("tls") ||
        (place === "value" && level.startsWith(spec))
      );
    case "TLSContext":
      return level === spec && !decides;
    case "Module":
      return (
        (level.startsWith(at("config")) && !decides) ||
        (level === at("config") && place === "here") ||
        (place === "value" && level.startsWith(spec))
      );
    case "AuthService":
    case "RateLimitService":
      return level === spec || (level.startsWith(spec) && place === "value");
  }
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
