// Places: what stands in an object where nobody reads it, and seems to be something that is read elsewhere: one indentation out, in or beside, misspelt, or
// in a container that is. Ignored, a condition, a share or a guard would be lost with it.
import { nearAnnotation } from "./annotation-names.ts";
import type { FieldKind } from "./field-kinds.ts";
import { bare, nearWord } from "../../../routing/text/near-word.ts";
import type { Keys, Names, Shape } from "./shape.ts";
import { isRecord, type UnknownRecord } from "../values/value.ts";

export interface Misplaced {
  /** Where it stands. */
  readonly field: string;
  readonly key: string;
  /** The known word that it seems to be, or null. */
  readonly near: string | null;
  /** `here`: the word belongs into the same map. `elsewhere`: into another, or it is none. `value`: the key stands where it belongs, and what it holds has no such shape. */
  readonly place: "here" | "elsewhere" | "value";
  /** The map that it stands in, without numbers: `spec.predictors[]`; "" for the object itself. */
  readonly level: string;
  /** What to write, as words behind a semicolon. */
  readonly write: string;
  /** Ignored, it would change which requests come here, how many, or where they go: the object is not served in this form. */
  readonly decides: boolean;
}

interface Word {
  readonly word: string;
  readonly level: string;
  readonly kind: FieldKind | "none";
  readonly shape: Shape;
  /** A name in a map of names. */
  readonly named: boolean;
}

/** A deciding word that nobody reads, and where it stands below what was looked at. */
interface Lost {
  readonly below: string;
  readonly word: Word;
}

type Seen = Pick<Misplaced, "field" | "key" | "level">;

interface Frame {
  readonly record: UnknownRecord;
  readonly shape: Keys;
}

/** Keys that nobody knows of one object that are compared with known words. Nobody understands an object with more. */
const maxUnknown = 128;
/** Misplaced keys that are told of one object. */
const maxTold = 8;
/** Levels of a map that nobody knows that are looked into. */
const maxDepth = 3;

/**
 * Finds misplaced keys of objects of one shape. A kind makes one of these of its `objectShape`, asks `misplacedIn` before it decodes an object, reports each
 * (`misplacedSentence`), and where one `decides` it serves the last good form, or else closes what the object would have closed.
 */
export class Places {
  readonly #shape: Keys;
  /** By `bare`: all of a word's levels. */
  readonly #words = new Map<string, Word[]>();
  /** For each level: its own words, then those of others, deciding ones first. */
  readonly #orders = new Map<Keys | Names, readonly string[]>();
  readonly #all: Word[] = [];
  readonly #names = new Map<Names, ReadonlySet<string>>();
  readonly #others = new Map<Names, ReadonlySet<string>>();
  readonly #annotations: ReadonlySet<string>;

  /** `outside`: words that belong into a map outside these objects, which `outsideLevel` names. */
  constructor(shape: Keys, outside: Names["words"] = {}, outsideLevel = "") {
    this.#shape = shape;
    this.#gather(shape, "", new Set());
    for (const [word, kind] of Object.entries(outside))
      this.#all.push({ word, level: outsideLevel, kind, shape: "value", named: true });
    this.#annotations = new Set(this.#all.filter(({ named }) => named).map(({ word }) => word));
    for (const word of this.#all) this.#words.set(bare(word.word), [...(this.#words.get(bare(word.word)) ?? []), word]);
  }

  /** Deciding ones first. */
  misplacedIn(object: UnknownRecord): readonly Misplaced[] {
    const walk = new Walk(this);
    walk.keys(object, this.#shape, "", "");
    const decides = walk.found.filter((one) => one.decides);
    return [...decides, ...walk.found.filter((one) => !one.decides)].slice(0, maxTold);
  }

  /** The word that a key in this map seems to be: spelt the same but for letter case and separators, else near; at one distance one of the same map. */
  wordsNear(key: string, level: string, shape: Keys | Names): readonly Word[] {
    const same =
      this.#words.get(bare(key)) ?? this.#words.get(bare(nearWord(key, this.#order(level, shape)) ?? "")) ?? [];
    const here = same.filter((word) => word.level === level);
    return here.length > 0
      ? here
      : same.toSorted((a, b) => Number(b.level.startsWith(level)) - Number(a.level.startsWith(level)));
  }

  /** A word that is written so but for letter case and separators, at each of its levels. */
  wordsAs(key: string): readonly Word[] {
    return this.#words.get(bare(key)) ?? [];
  }

  /** The annotation that a key of annotations seems to be: one of the same map first. */
  annotationNear(key: string, shape: Names): Word | null {
    const near =
      nearAnnotation(key, this.namesOf(shape)) ??
      (this.#annotations.has(key) ? key : nearAnnotation(key, this.#othersThan(shape)));
    return near === null ? null : (this.#all.find((word) => word.named && word.word === near) ?? null);
  }

  namesOf(shape: Names): ReadonlySet<string> {
    let names = this.#names.get(shape);
    if (names === undefined) this.#names.set(shape, (names = new Set(Object.keys(shape.words))));
    return names;
  }

  /** Annotations of other maps alone: tenants write thousands of keys, and each is compared with all of these. */
  #othersThan(shape: Names): ReadonlySet<string> {
    let others = this.#others.get(shape);
    if (others === undefined) this.#others.set(shape, (others = this.#annotations.difference(this.namesOf(shape))));
    return others;
  }

  #order(level: string, shape: Keys | Names): readonly string[] {
    let order = this.#orders.get(shape);
    if (order === undefined) {
      const rank = (word: Word): number =>
        word.level === level ? 0 : word.kind === "none" || word.kind === "how" ? 2 : 1;
      order = [...new Set([...this.#all].sort((a, b) => rank(a) - rank(b)).map(({ word }) => word))];
      this.#orders.set(shape, order);
    }
    return order;
  }

  #gather(shape: Shape, level: string, seen: Set<Shape>): void {
    if (shape === "value" || seen.has(shape)) return;
    seen.add(shape);
    if ("each" in shape) return this.#gather(shape.each, `${level}[]`, seen);
    if ("named" in shape) {
      for (const [word, kind] of Object.entries(shape.words))
        this.#all.push({ word, level, kind, shape: "value", named: true });
      return this.#gather(shape.named, `${level}.*`, seen);
    }
    for (const [word, below] of Object.entries(shape.keys)) {
      this.#all.push({ word, level, kind: shape.kinds[word] ?? "none", shape: below, named: false });
      this.#gather(below, at(level, word), seen);
    }
  }
}

class Walk {
  readonly found: Misplaced[] = [];
  readonly #places: Places;
  readonly #frames: Frame[] = [];
  #unknown = 0;

  constructor(places: Places) {
    this.#places = places;
  }

  keys(record: UnknownRecord, shape: Keys, path: string, level: string): void {
    this.#frames.push({ record, shape });
    for (const [key, value] of Object.entries(record)) {
      if (Object.hasOwn(shape.keys, key))
        this.#below(value, shape.keys[key]!, at(path, key), at(level, key), key, shape);
      else this.#unknownKey(key, value, shape, path, level);
    }
    this.#frames.pop();
  }

  #below(value: unknown, shape: Shape, path: string, level: string, key: string, parent: Keys | null): void {
    if (shape === "value" || value === null || value === undefined) return;
    if ("each" in shape) {
      if (Array.isArray(value))
        for (const [index, item] of (value as readonly unknown[]).entries())
          this.#below(item, shape.each, `${path}[${index}]`, `${level}[]`, key, null);
      else this.#wrongShape(shape, path, level, key, parent, "a list");
    } else if (!isRecord(value)) {
      this.#wrongShape(shape, path, level, key, parent, "a map");
    } else if ("keys" in shape) {
      this.keys(value, shape, path, level);
    } else {
      this.#names(value, shape, path, level);
    }
  }

  #wrongShape(shape: Shape, field: string, level: string, key: string, parent: Keys | null, write: string): void {
    if (parent !== null && (isDeciding(parent.kinds[key]) || holdsDeciding(shape)))
      this.#tell({ field, key, level }, key, "value", `write ${write}`);
  }

  #names(record: UnknownRecord, shape: Names, path: string, level: string): void {
    const isAnnotations = Object.keys(shape.words).length > 0;
    for (const [key, value] of Object.entries(record)) {
      const seen = { field: `${path}["${key.slice(0, 120)}"]`, key, level };
      // Readers of what decides say it themselves.
      if (isAnnotations && typeof value === "object" && value !== null && !isDeciding(shape.words[key])) {
        this.#tell(seen, null, "value", "write a text, and no indentation below annotations that is one too deep");
        continue;
      }
      if (Object.hasOwn(shape.words, key)) continue;
      const mayBeAnnotation = isAnnotations && (isLabel(key) || this.#places.wordsAs(key).some(({ named }) => named));
      // What is no text is no annotation: a number below `traffic` slipped in from a predictor.
      if (!mayBeAnnotation || (!this.#annotation(seen, shape) && typeof value !== "string"))
        this.#name(seen, value, shape);
      this.#below(value, shape.named, seen.field, `${level}.*`, key, null);
    }
  }

  /** Gives whether it seems to be an annotation. */
  #annotation(seen: Seen, shape: Names): boolean {
    const word = this.#places.annotationNear(seen.key, shape);
    if (word === null) return false;
    if (!isDeciding(word.kind) || this.#isWritten(word.word)) return true;
    if (Object.hasOwn(shape.words, word.word)) this.#tell(seen, word.word, "here", `write ${word.word}, or remove it`);
    else this.#tell(seen, word.word, "elsewhere", written(word));
    return true;
  }

  /** Of a map of texts only names that nobody else has are ours, or what is no text. Another letter case (`Host`) is another name. */
  #name(seen: Seen, value: unknown, shape: Names): void {
    const { key } = seen;
    if (shape.of === "texts" && this.#tellBelow(seen, value)) return;
    const word = this.#places.wordsAs(key).find(({ word: known, kind }) => known === key && isDeciding(kind));
    const isText = shape.of === "texts" && typeof value === "string" && isLabel(key);
    if (word !== undefined && (word.named || !isText) && !this.#isWritten(word.word))
      this.#tell(seen, word.word, "elsewhere", written(word));
  }

  #unknownKey(key: string, value: unknown, shape: Keys, path: string, level: string): void {
    const seen = { field: at(path, key.slice(0, 120)), key, level };
    if (++this.#unknown > maxUnknown) {
      if (this.#unknown === maxUnknown + 1)
        this.#tell(seen, null, "elsewhere", `remove it: the object has more than ${maxUnknown} unknown keys`);
      return;
    }
    const words = this.#places.wordsNear(key, level, shape);
    const [word] = words;
    for (const one of words) {
      const lost = this.#lostAs(value, one);
      if (lost === null) continue;
      const place = one.level === level ? "here" : "elsewhere";
      return this.#tell({ ...seen, field: `${seen.field}${lost.below}` }, one.word, place, written(lost.word));
    }
    if (word === undefined) {
      if (!this.#tellBelow(seen, value))
        this.#tell(seen, null, "elsewhere", "correct its indentation or remove it", false);
    } else if (word.level === level) this.#tell(seen, word.word, "here", `write ${word.word}, or remove it`, false);
    else this.#tell(seen, word.word, "elsewhere", written(word), false);
  }

  /** Tells what a map that nobody knows holds of deciding words; false: none. */
  #tellBelow(seen: Seen, value: unknown): boolean {
    const lost = this.#inUnknown(value, maxDepth);
    if (lost !== null)
      this.#tell({ ...seen, field: `${seen.field}${lost.below}` }, null, "elsewhere", written(lost.word));
    return lost !== null;
  }

  /** What is lost with a value that stands elsewhere than this word does; null: nothing that decides. */
  #lostAs(value: unknown, word: Word): Lost | null {
    if (!isDeciding(word.kind)) return this.#inContainer(value, word);
    return this.#isWritten(word.word) && !(typeof value === "object" && value !== null) ? null : { below: "", word };
  }

  #inContainer(value: unknown, container: Word): Lost | null {
    const { shape } = container;
    if (shape === "value" || value === null || value === undefined || !holdsDeciding(shape)) return null;
    if ("each" in shape ? !Array.isArray(value) : !isRecord(value)) return { below: "", word: container };
    const level = at(container.level, container.word);
    for (const [key, inner] of Object.entries(value)) {
      const below = "each" in shape ? `[${key}]` : innerField(key);
      const words = "each" in shape ? [{ ...container, shape: shape.each, level }] : this.#wordsIn(key, level, shape);
      for (const word of words) {
        const lost = "each" in shape ? this.#inContainer(inner, word) : this.#lostAs(inner, word);
        if (lost !== null) return { ...lost, below: `${below}${lost.below}` };
      }
    }
    return "each" in shape ? null : this.#inUnknown(value, maxDepth);
  }

  #wordsIn(key: string, level: string, shape: Keys | Names): readonly Word[] {
    if ("keys" in shape)
      return ++this.#unknown > maxUnknown ? this.#places.wordsAs(key) : this.#places.wordsNear(key, level, shape);
    const word = Object.hasOwn(shape.words, key) ? key : nearAnnotation(key, this.#places.namesOf(shape));
    return word === null ? [] : [{ word, level, kind: shape.words[word]!, shape: "value", named: true }];
  }

  /** A deciding word as it is written, in a map that nobody knows. */
  #inUnknown(value: unknown, depth: number): Lost | null {
    if (depth === 0 || typeof value !== "object" || value === null) return null;
    for (const [key, inner] of Object.entries(value)) {
      const below = Array.isArray(value) ? `[${key}]` : innerField(key);
      const word = Array.isArray(value) ? undefined : this.#places.wordsAs(key).find(({ kind }) => isDeciding(kind));
      if (word !== undefined && !this.#isWritten(word.word)) return { below, word };
      const lost = this.#inUnknown(inner, depth - 1);
      if (lost !== null) return { ...lost, below: `${below}${lost.below}` };
    }
    return null;
  }

  /** Does the word stand where it belongs, in what encloses this, or beside it? */
  #isWritten(word: string): boolean {
    return this.#frames.some(({ record, shape }) => isWrittenIn(record, shape, word, maxDepth));
  }

  #tell(seen: Seen, near: string | null, place: Misplaced["place"], write: string, decides = true): void {
    if (decides || this.found.length < maxTold) this.found.push({ ...seen, near, place, write, decides });
  }
}

function isWrittenIn(record: UnknownRecord, shape: Keys, word: string, depth: number): boolean {
  if (Object.hasOwn(shape.keys, word) && isDeciding(shape.kinds[word]) && (record[word] ?? null) !== null) return true;
  return (
    depth > 0 &&
    Object.entries(shape.keys).some(([key, below]) => {
      const value = Object.hasOwn(record, key) ? record[key] : undefined;
      if (below === "value" || !isRecord(value)) return false;
      if ("keys" in below) return isWrittenIn(value, below, word, depth - 1);
      return "named" in below && Object.hasOwn(below.words, word) && Object.hasOwn(value, word);
    })
  );
}

const deciding = new WeakMap<object, boolean>();

/** Something below it decides. */
function holdsDeciding(shape: Shape): boolean {
  if (shape === "value") return false;
  const known = deciding.get(shape);
  if (known !== undefined) return known;
  deciding.set(shape, false);
  const holds =
    "each" in shape
      ? holdsDeciding(shape.each)
      : "named" in shape
        ? Object.values(shape.words).some(isDeciding) || holdsDeciding(shape.named)
        : Object.values(shape.kinds).some(isDeciding) || Object.values(shape.keys).some(holdsDeciding);
  deciding.set(shape, holds);
  return holds;
}

function isDeciding(kind: FieldKind | "none" | undefined): boolean {
  return kind !== undefined && kind !== "how" && kind !== "none";
}

function at(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** A name that somebody may give to a text: words of ours with capitals or underscores in them are not. */
function isLabel(key: string): boolean {
  return !/^[a-z]+(?:[A-Z]|_)\w*$/.test(key);
}

function innerField(key: string): string {
  return /[/.]/.test(key) ? `["${key.slice(0, 120)}"]` : `.${key.slice(0, 120)}`;
}

function written({ word, level, named }: Word): string {
  return named ? `write it in ${level}` : `write ${at(level, word)}`;
}

/** The sentence for one; `outcome`: what becomes of the object where it decides. */
export function misplacedSentence({ write, decides, place }: Misplaced, outcome: string): string {
  if (place === "value") return `Sluice cannot read this, and a condition may be lost with it, so ${outcome}; ${write}`;
  return decides
    ? `Sluice does not read this here, and it seems to decide which requests come here, so ${outcome}; ${write}`
    : `Sluice does not read this here and ignores it; ${write}`;
}
