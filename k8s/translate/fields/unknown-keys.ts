// Unknown keys: what stands in an object under a key that its map does not have. Ignored, a condition, a share or a guard may be lost with it; such an object
// is invalid, and keeps its last good form as a whole.
import { bare, nearWord } from "../../../routing/text/near-word.ts";
import type { Report } from "../values/report.ts";
import { isRecord, type UnknownRecord } from "../values/value.ts";
import {
  annotationKinds,
  configKey,
  isDecidingAnnotation,
  knownAnnotations,
  nearAnnotation,
} from "./annotation-names.ts";
import type { FieldKind } from "./field-kinds.ts";
import type { Keys, Names, Shape } from "./shape.ts";

export interface UnknownKey {
  readonly code: "unknown-field" | "unknown-annotation" | "annotation-misplaced";
  /** Where it stands. */
  readonly field: string;
  /** The known word that it seems to be, or null. */
  readonly near: string | null;
  /** With it the object is invalid. */
  readonly decides: boolean;
  /** What to write, as words behind a semicolon. */
  readonly write: string;
}

/** Unknown keys of one object that are compared with known words. Nobody understands an object with more. */
const maxUnknown = 128;
/** Unknown keys that are told of one object. */
const maxTold = 8;

/** The keys of objects of one shape. */
export class KnownKeys {
  readonly #shape: Keys;
  /** Words that decide, without letter case and separators, and where each stands. */
  readonly words = new Map<string, string>();
  readonly #orders = new Map<Keys, readonly string[]>();

  constructor(shape: Keys) {
    this.#shape = shape;
    this.#gather(shape, "", new Set());
  }

  /** Keys that decide come first. */
  unknownIn(object: UnknownRecord): readonly UnknownKey[] {
    const { found } = new Walk(this, object, this.#shape);
    return [...found.filter(({ decides }) => decides), ...found.filter(({ decides }) => !decides)].slice(0, maxTold);
  }

  /** The keys of a map, those that decide first: at one distance they are the nearest. */
  order(shape: Keys): readonly string[] {
    let order = this.#orders.get(shape);
    if (order === undefined) {
      const keys = Object.keys(shape.keys).filter((key) => !key.startsWith("v2"));
      order = [...keys.filter((key) => decidesIn(shape, key)), ...keys.filter((key) => !decidesIn(shape, key))];
      this.#orders.set(shape, order);
    }
    return order;
  }

  #gather(shape: Shape, path: string, seen: Set<Shape>): void {
    if (shape === "value" || seen.has(shape)) return;
    seen.add(shape);
    if ("each" in shape) return this.#gather(shape.each, `${path}[]`, seen);
    if ("named" in shape) return;
    for (const [key, below] of Object.entries(shape.keys)) {
      const at = path === "" ? key : `${path}.${key}`;
      if (decidesIn(shape, key) && !this.words.has(bare(key))) this.words.set(bare(key), at);
      this.#gather(below, at, seen);
    }
  }
}

class Walk {
  readonly found: UnknownKey[] = [];
  readonly #known: KnownKeys;
  #unknown = 0;

  constructor(known: KnownKeys, object: UnknownRecord, shape: Keys) {
    this.#known = known;
    this.#keys(object, shape, "");
  }

  #keys(record: UnknownRecord, shape: Keys, path: string): void {
    for (const [key, value] of Object.entries(record)) {
      const field = path === "" ? key.slice(0, 120) : `${path}.${key.slice(0, 120)}`;
      if (Object.hasOwn(shape.keys, key)) this.#below(value, shape.keys[key]!, field, record, shape);
      else if (!(shape.isOpen && key.startsWith("x-"))) this.#unknownKey(key, value, field, record, shape);
    }
  }

  #below(value: unknown, shape: Shape, field: string, around: UnknownRecord, outer: Keys): void {
    if (shape === "value" || typeof value !== "object" || value === null) return;
    if ("each" in shape) {
      if (Array.isArray(value))
        for (const [index, item] of value.entries()) this.#below(item, shape.each, `${field}[${index}]`, around, outer);
    } else if (isRecord(value)) {
      if ("keys" in shape) this.#keys(value, shape, field);
      else this.#names(value, shape, field, around, outer);
    }
  }

  #names(record: UnknownRecord, shape: Names, path: string, around: UnknownRecord, outer: Keys): void {
    for (const [key, value] of Object.entries(record)) {
      const field = `${path}["${key.slice(0, 120)}"]`;
      if (Object.hasOwn(shape.words, key)) continue;
      if (shape.never?.includes(key)) this.#tell("unknown-field", field, key, true, `write ${key} where it belongs`);
      else if (shape.of !== "annotations" && isOfObjects(key)) this.#misplaced(key, field);
      else if (this.#isIndented(key, value, shape, around, outer))
        this.#tell("unknown-field", field, key, true, `write ${key} beside the map that it stands in`);
      else if (shape.of === "annotations") this.#annotation(key, value, shape, field);
      this.#below(value, shape.named, field, around, outer);
    }
  }

  /** A field that is indented too deep: it is missing in the map around. The name of a text is such a field where the value is none, or with a capital as fields have. */
  #isIndented(key: string, value: unknown, shape: Names, around: UnknownRecord, outer: Keys): boolean {
    if (shape.of === "conditions" || (isRecord(value) && shape.of === "annotations")) return false;
    if (shape.of !== "fields" && /^[a-z]+[A-Z]/.test(key) && this.#known.words.has(bare(key))) return true;
    return (shape.of === "fields" || typeof value !== "string") && decidesIn(outer, key) && !Object.hasOwn(around, key);
  }

  #annotation(key: string, value: unknown, shape: Names, field: string): void {
    if (typeof value === "object" && value !== null)
      return this.#tell(
        "unknown-annotation",
        field,
        null,
        true,
        "write a text, and no indentation below annotations that is one too deep",
      );
    if (Object.hasOwn(annotationKinds, key)) return this.#misplaced(key, field);
    // `seldon.io/ambassador-header:"location: london"` is a name that ends at the second colon.
    if (!/^[\w./-]+$/.test(key))
      return this.#tell(
        "unknown-annotation",
        field,
        null,
        true,
        "write a name of letters, digits and ./_- alone, as Kubernetes asks for, and a space behind its colon",
      );
    const near = nearAnnotation(key, Object.keys(shape.words)) ?? nearAnnotation(key, knownAnnotations);
    const isOurs = key.startsWith("sluice.io/");
    if (near === null && !isOurs && !key.startsWith("seldon.io/ambassador-")) return;
    const decides = isOurs || isDeciding(near === null ? undefined : (shape.words[near] ?? annotationKinds[near]));
    this.#tell("unknown-annotation", field, near, decides, writeFor(near));
  }

  #misplaced(key: string, field: string): void {
    const decides = !Object.hasOwn(annotationKinds, key) || isDecidingAnnotation(key);
    this.#tell("annotation-misplaced", field, key, decides, "write it in metadata.annotations of the object");
  }

  #unknownKey(key: string, value: unknown, field: string, around: UnknownRecord, shape: Keys): void {
    if (++this.#unknown > maxUnknown) {
      if (this.#unknown === maxUnknown + 1)
        this.#tell("unknown-field", field, null, true, `remove it: the object has more than ${maxUnknown} such keys`);
      return;
    }
    if (Object.hasOwn(annotationKinds, key) || key.startsWith("sluice.io/") || key === configKey)
      return this.#tell("annotation-misplaced", field, key, true, "write it in metadata.annotations of the object");
    const near = nearWord(key, this.#known.order(shape));
    const isNear = near !== null && isDeciding(shape.kinds[near]) && isLost(around, shape, near);
    const place = isNear || shape.never?.includes(key) ? undefined : this.#known.words.get(bare(key));
    const decides =
      shape.isStrict || isNear || place !== undefined || shape.never?.includes(key) === true || this.#holdsWord(value);
    const write =
      place !== undefined
        ? writeFor(near === null || near === place ? place : `${near} here or ${place}`)
        : near === null
          ? emptied(around, shape)
          : writeFor(near);
    this.#tell("unknown-field", field, near, decides || write.startsWith("indent"), write);
  }

  /** A word that decides stands in what nobody reads. */
  #holdsWord(value: unknown): boolean {
    return (
      isRecord(value) &&
      Object.keys(value)
        .slice(0, maxUnknown)
        .some((key) => this.#known.words.has(bare(key)) || isOfObjects(key))
    );
  }

  #tell(code: UnknownKey["code"], field: string, near: string | null, decides: boolean, write: string): void {
    if (decides || this.found.length < maxTold) this.found.push({ code, field, near, decides, write });
  }
}

/** An annotation that stands in the annotations of an object, and nowhere else. Seldon's others may be there for what runs in a pod. */
export function isOfObjects(key: string): boolean {
  return key.startsWith("sluice.io/") || isDecidingAnnotation(key) || key === configKey;
}

/** A word that is written as well decides already, but for a map of conditions, to which the misspelt one may add. */
function isLost(record: UnknownRecord, shape: Keys, key: string): boolean {
  const below = shape.keys[key]!;
  return !Object.hasOwn(record, key) || (below !== "value" && "named" in below);
}

function writeFor(near: string | null): string {
  if (near === "spec") return "write spec";
  return near === null ? "correct its spelling or remove it" : `write ${near}, or remove it`;
}

/** The cure for a key of no other: beside a condition that has nothing in it, it may be what belongs there. */
function emptied(record: UnknownRecord, shape: Keys): string {
  const map = Object.keys(record).find((key) => {
    const below = Object.hasOwn(shape.keys, key) ? shape.keys[key]! : "value";
    const value = record[key];
    const isEmpty = value === null || (isRecord(value) && Object.keys(value).length === 0);
    return isEmpty && below !== "value" && "named" in below && isDeciding(shape.kinds[key]);
  });
  return map === undefined ? writeFor(null) : `indent it below ${map}, or remove one of the two`;
}

const deciding = new WeakMap<object, boolean>();

/** Something that this holds decides. */
function holdsDeciding(shape: Shape): boolean {
  if (shape === "value") return false;
  const known = deciding.get(shape);
  if (known !== undefined) return known;
  deciding.set(shape, false);
  const holds =
    "each" in shape
      ? holdsDeciding(shape.each)
      : "named" in shape
        ? Object.values(shape.words).some(isDeciding)
        : Object.keys(shape.keys).some((key) => decidesIn(shape, key));
  deciding.set(shape, holds);
  return holds;
}

/** Does this key of a map decide, or hold something that does? */
function decidesIn(shape: Keys, key: string): boolean {
  return Object.hasOwn(shape.keys, key) && (isDeciding(shape.kinds[key]) || holdsDeciding(shape.keys[key]!));
}

function isDeciding(kind: FieldKind | undefined): boolean {
  return kind !== undefined && kind !== "how";
}

/** Reports them; true: the object is invalid. `at` comes before the fields; `outcome`: what becomes of the object, as words behind "so". */
export function reportUnknown(found: readonly UnknownKey[], at: string, outcome: string, report: Report): boolean {
  for (const { code, field, decides, write } of found)
    report(
      decides ? "error" : "warning",
      code,
      `${at}${field}`,
      decides
        ? `Sluice does not read this here, and it may decide who gets which requests, so ${outcome}; ${write}`
        : `Sluice does not read this here and ignores it; ${write}`,
    );
  return found.some(({ decides }) => decides);
}
