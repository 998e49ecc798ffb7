// RouteTable: all Routes, compiled and indexed, as a reader of an arena has them. It holds nothing but what it was asked for: a look-up walks the
// pages in memory, and the first hit on a Route makes its Decisions from its record, which are kept while the record is current.
//
// A table is read within one turn of a thread: `adopt` takes the next one, and what it was made from is not read again.
import { ArenaFault, unitBytes, unitWords, type Arena } from "./arena/arena.ts";
import { byteText, hashText, sameBytes } from "./request/bytes.ts";
import type { Route } from "./route/decision.ts";
import { printDigest, type Digest } from "./collections/digest.ts";
import { directoryPlace, firstSlot, longSlot, slotFlags, slotPlaces, textCut } from "./arena/index-page.ts";
import { endless, IndexReader } from "./arena/index-reader.ts";
import type { Mapping } from "./model/mapping.ts";
import {
  baseOf,
  emptyNamespaceRoutes,
  ownedBytes,
  ownedText,
  spaceSeed,
  unpackSpace,
  type NamespaceRoutes,
} from "./route/namespace-routes.ts";
import { isOfLength, isPlain, NamespaceView, viewOf } from "./arena/namespace-view.ts";
import { comparePrecedence } from "./model/match-precedence.ts";
import { compareText } from "./text/problem.ts";
import { contentOf, recordWords, textOfRecord, textOffset } from "./arena/record.ts";
import { directoryStart, indexes, rootWords, slotWordsOf, type IndexName } from "./arena/root.ts";
import { membersAt } from "./arena/route-record.ts";
import { routeOf, routeSlotOf, type RouteSlot } from "./arena/route-slot.ts";
import { buildRoute, type AttachedMapping, type RouteMember } from "./route/route.ts";
import { plainSettings, type TableSettings } from "./model/table-change.ts";
import { ChangedUpstreams } from "./arena/upstream-ring.ts";
import { upstreamAt, upstreamKeyAt, type KnownUpstream } from "./arena/upstream-record.ts";

const noMembers: readonly never[] = Object.freeze([]);

export class RouteTable<T> {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  /** Number of the table; 0 is the empty one. */
  version = 0;
  /** 16 hexadecimal digits: the same for the same content, whatever led to it. */
  hash = "";
  routeCount = 0;
  settings: TableSettings = plainSettings;
  shared: NamespaceView = viewOf(emptyNamespaceRoutes(null, 0), 0, 0);
  /** What the hashes of all indexes begin with. */
  hashSeed = 0;
  /** Hash of `/seldon/`. */
  ownedHash = 0;
  /** That of the only namespace, where the settings name one; null: it has no Routes. */
  single: NamespaceView | null = null;
  /** Pages of the index of Routes (routing/arena/index-reader.ts). */
  readonly routes: Int32Array;
  readonly #arena: Arena;
  readonly #indexes: Readonly<Record<IndexName, IndexReader>>;
  readonly #attach: (mapping: Mapping, slot: number) => T;
  readonly #changes: ChangedUpstreams;
  // By number of the record.
  readonly #madeRoutes: (RouteSlot<T> | undefined)[] = [];
  readonly #madeSpaces: (NamespaceView | undefined)[] = [];
  /** Of the records of `#madeSpaces`. */
  #spaceSerials = new Int32Array(64);
  /** Of the plain namespace that was found last. */
  readonly #plainSpace = new NamespaceView();
  /** The Mappings of `#madeRoutes`: those that do not change keep what is attached to them. */
  readonly #members: (readonly AttachedMapping<T>[] | undefined)[] = [];
  /** Calls of `rest`, modulo 256, before a Route was asked for last. */
  #asked = new Uint8Array(64);
  #round = 0;
  #sharedSerial = 0;
  #settingsSerial = 0;

  /** The empty table. `attach` is called for each Mapping of a Route that is asked for, anew when the Mapping has changed. */
  constructor(arena: Arena, attach: (mapping: Mapping, slot: number) => T) {
    this.#arena = arena;
    this.words = arena.words;
    this.bytes = arena.bytes;
    const reader = (name: IndexName): IndexReader => new IndexReader(arena, slotWordsOf[name]);
    this.#indexes = {
      routes: reader("routes"),
      spaces: reader("spaces"),
      upstreams: reader("upstreams"),
      names: reader("names"),
    };
    this.routes = this.#indexes.routes.pages;
    this.#attach = attach;
    this.#changes = new ChangedUpstreams(arena);
  }

  /**
   * Takes the table whose root is at this unit, which comes after this one. Throws ArenaFault; the table must not be used then. Gives the keys' numbers of Upstreams that may have changed, or null: any may have.
   */
  adopt(root: number): readonly number[] | null {
    const { words } = this;
    const at = root * unitWords;
    const version = words[at + rootWords.version]!;
    if (version < this.version) throw new ArenaFault(`table ${version} comes after table ${this.version}`);
    const hashSeed = words[at + rootWords.hashSeed]!;
    if (this.version === 0) {
      this.hashSeed = hashSeed;
      this.ownedHash = hashText(ownedText, hashSeed);
    } else if (hashSeed !== this.hashSeed)
      throw new ArenaFault(`table ${version} has other hashes than table ${this.version}`);
    for (const index of indexes) this.#indexes[index].adopt(at + directoryStart(index));
    this.version = version;
    this.hash = printDigest(digestAt(words, at + rootWords.hashHigh));
    this.routeCount = words[at + rootWords.routeCount]!;
    const settingsSerial = words[at + rootWords.settingsSerial]!;
    if (settingsSerial !== this.#settingsSerial)
      this.settings = Object.freeze(contentOf(this.#arena, words[at + rootWords.settings]!) as TableSettings);
    this.#settingsSerial = settingsSerial;
    const sharedSerial = words[at + rootWords.sharedSerial]!;
    if (sharedSerial !== this.#sharedSerial) this.shared = this.#viewAt(words[at + rootWords.shared]!);
    this.#sharedSerial = sharedSerial;
    const { singleNamespace } = this.settings;
    this.single = singleNamespace === null ? null : this.spaceNamed(singleNamespace);
    return this.#changes.until(words[at + rootWords.changes]!);
  }

  /** The first forward of the Route whose record is at `unit`, or the Route; `serial` is the record's. */
  routeSlot(number: number, unit: number, serial: number): RouteSlot<T> {
    const made = this.#madeRoutes[number];
    if (made === undefined || made.serial !== serial) return this.#makeRoute(number, unit, serial);
    this.#asked[number] = this.#round;
    return made;
  }

  /** Called now and then: lets go of Routes without a request since the last call but one. */
  rest(): void {
    const last = (this.#round + 255) % 256;
    for (let number = 0; number < this.#madeRoutes.length; number++) {
      if (this.#madeRoutes[number] === undefined || this.#asked[number] === this.#round || this.#asked[number] === last)
        continue;
      this.#madeRoutes[number] = undefined;
      this.#members[number] = undefined;
    }
    this.#round = (this.#round + 1) % 256;
  }

  /** Routes that are kept. */
  get keptCount(): number {
    return this.#madeRoutes.reduce((count, made) => (made === undefined ? count : count + 1), 0);
  }

  /** The Routes of a space. */
  routesOf({ routes, unit }: NamespaceView): NamespaceRoutes {
    return routes ?? unpackSpace(contentOf(this.#arena, unit));
  }

  /** The space of a namespace, or null when it has no Routes. */
  spaceNamed(name: string): NamespaceView | null {
    const base = baseOf(name);
    const entry = this.#indexes.spaces.find(spaceSeed(name, this.hashSeed), base);
    return entry === null ? null : this.#space(entry.number, entry.unit, this.words[entry.unit * unitWords]!);
  }

  /** The space whose name is the bytes from `start` to `end`, until the next one is asked for; null where it has no Routes. `hash` is that of its base. */
  spaceAt(hash: number, bytes: Uint8Array, start: number, end: number): NamespaceView | null {
    const { words, bytes: texts } = this;
    const { pages } = this.#indexes.spaces;
    const place = directoryPlace(hash);
    const slots = pages[place]!;
    const mask = pages[place + 1]!;
    // Between `/seldon/` and `/`.
    const length = ownedBytes + end - start + 1;
    const cut = textCut(length);
    let slot = firstSlot(hash, mask);
    for (let left = mask; left >= 0; left--, slot = (slot + 1) & mask) {
      const at = slots + slot * longSlot;
      const meta = words[at + 1]!;
      if (meta < 0) return null;
      if (words[at] !== hash || !isOfLength(meta, length)) continue;
      const unit = words[at + 2]!;
      if (cut <= ownedBytes) {
        if (!sameBytes(bytes, start, texts, (at + slotPlaces.text) * 4 - cut + ownedBytes, end - start)) continue;
      } else if (!this.#isBase(unit, bytes, start, end)) continue;
      if (isPlain(meta)) return this.#plainSpace.fill(meta, words[at + slotPlaces.owner]!, hash, length, unit);
      return this.#space(words[at + 3]!, unit, words[at + slotPlaces.serial]!);
    }
    throw endless();
  }

  /** Does a gRPC Route of a namespace name this deployment? */
  isDeclared(name: string): boolean {
    const text = byteText(name);
    return this.#indexes.names.find(hashText(text, this.hashSeed), text) !== null;
  }

  /** What the table knows of an Upstream, and its number; null: nothing. */
  upstream(key: string): (KnownUpstream & { readonly number: number; readonly serial: number }) | null {
    const text = byteText(key);
    const entry = this.#indexes.upstreams.find(hashText(text, this.hashSeed), text);
    if (entry === null) return null;
    const { unit, number } = entry;
    return { ...upstreamAt(this.#arena, unit, key), number, serial: this.words[unit * unitWords]! };
  }

  /** The Routes of a space that the index has under this key, one after the other as they are asked for; not kept. */
  *routesUnder(key: number, { id }: NamespaceRoutes): Iterable<Route<T>> {
    for (const { number, unit } of this.#indexes.routes.under(key))
      if (this.words[unit * unitWords + recordWords.owner] === id) yield this.#routeOnce(number, unit);
  }

  /** Routes of a space that no key finds: by match precedence, one after the other as they are asked for; not kept. */
  *scannedOf({ scanned }: NamespaceRoutes): Iterable<Route<T>> {
    for (const { number, unit } of scanned) yield this.#routeOnce(number, unit);
  }

  /** Paths of the Routes of a space, as byte text, without those of regexes; in lower case where they are matched in any case. */
  *pathsOf({ id }: NamespaceRoutes): Iterable<string> {
    for (const { meta, unit } of this.#indexes.routes.entries())
      if ((meta & slotFlags.named) === 0 && this.words[unit * unitWords + recordWords.owner] === id)
        yield textOfRecord(this.#arena, unit);
  }

  /** Namespaces that have Routes. */
  *spaceNames(): Iterable<string> {
    for (const { unit } of this.#indexes.spaces.entries())
      yield Buffer.from(textOfRecord(this.#arena, unit).slice(ownedBytes, -1), "latin1").toString("utf8");
  }

  /** Every Route, in no order; those that are made here are not kept. */
  *#allRoutes(): Iterable<Route<T>> {
    for (const { number, unit } of this.#indexes.routes.entries()) yield this.#routeOnce(number, unit);
    for (const { number, unit } of this.routesOf(this.shared).scanned) yield this.#routeOnce(number, unit);
    for (const { unit } of this.#indexes.spaces.entries())
      for (const scanned of unpackSpace(contentOf(this.#arena, unit)).scanned)
        yield this.#routeOnce(scanned.number, scanned.unit);
  }

  /** All Routes in the order tried: spaces by name, shared space last; inside a space by match precedence. */
  routesInOrder(): readonly Route<T>[] {
    return [...this.#allRoutes()].sort(compareTried);
  }

  /** Keys of all Upstreams. */
  *upstreamKeys(): Iterable<string> {
    for (const { unit } of this.#indexes.upstreams.entries()) yield upstreamKeyAt(this.#arena, unit);
  }

  #makeRoute(number: number, unit: number, serial: number): RouteSlot<T> {
    if (this.words[unit * unitWords] !== serial) throw new ArenaFault(`the record at ${unit} is not that of its slot`);
    const before = this.#members[number] ?? noMembers;
    const members = membersAt(this.#arena, unit).map((member) => this.#attached(before, member));
    const slot = routeSlotOf(buildRoute(members, serial));
    // Lists without holes, whatever the first number that is asked for.
    while (this.#madeRoutes.length <= number) {
      this.#madeRoutes.push(undefined);
      this.#members.push(undefined);
    }
    this.#madeRoutes[number] = slot;
    this.#members[number] = members;
    if (number >= this.#asked.length) {
      const asked = new Uint8Array(Math.max(number + 1, this.#asked.length * 2));
      asked.set(this.#asked);
      this.#asked = asked;
    }
    this.#asked[number] = this.#round;
    return slot;
  }

  /** What was attached stays while the Mapping does. */
  #attached(before: readonly AttachedMapping<T>[], member: RouteMember): AttachedMapping<T> {
    const { mapping, since, slot } = member;
    const known = before.find((one) => one.since === since);
    if (known !== undefined) return { ...member, mapping: known.mapping, attached: known.attached };
    return { ...member, attached: this.#attach(mapping, slot) };
  }

  #routeOnce(number: number, unit: number): Route<T> {
    const made = this.#madeRoutes[number];
    const serial = this.words[unit * unitWords]!;
    if (made !== undefined && made.serial === serial) return routeOf(made);
    return buildRoute(
      membersAt(this.#arena, unit).map((member) => this.#attached(noMembers, member)),
      serial,
    );
  }

  /** Is the name between `start` and `end` that of the namespace whose record is at `unit`? */
  #isBase(unit: number, bytes: Uint8Array, start: number, end: number): boolean {
    const { words } = this;
    const name = unit * unitBytes + textOffset + ownedBytes;
    return (
      words[unit * unitWords + recordWords.textBytes] === ownedBytes + end - start + 1 &&
      sameBytes(bytes, start, this.bytes, name, end - start)
    );
  }

  #space(number: number, unit: number, serial: number): NamespaceView {
    if (this.#spaceSerials[number] === serial) {
      const made = this.#madeSpaces[number];
      if (made !== undefined) return made;
    }
    return this.#makeSpace(number, unit, serial);
  }

  #makeSpace(number: number, unit: number, serial: number): NamespaceView {
    const { words } = this;
    if (words[unit * unitWords] !== serial || words[unit * unitWords + recordWords.number] !== number)
      throw new ArenaFault(`the record at ${unit} is not that of its slot`);
    const space = this.#viewAt(unit);
    while (this.#madeSpaces.length <= number) this.#madeSpaces.push(undefined);
    if (number >= this.#spaceSerials.length) {
      const serials = new Int32Array(Math.max(number + 1, this.#spaceSerials.length * 2));
      serials.set(this.#spaceSerials);
      this.#spaceSerials = serials;
    }
    this.#madeSpaces[number] = space;
    this.#spaceSerials[number] = serial;
    return space;
  }

  #viewAt(unit: number): NamespaceView {
    return viewOf(unpackSpace(contentOf(this.#arena, unit)), unit, this.hashSeed);
  }
}

function digestAt(words: Int32Array, at: number): Digest {
  return { high: words[at]!, low: words[at + 1]! };
}

/** The order tried. */
export function compareTried(
  a: Pick<Route<unknown>, "space" | "matchPrecedence">,
  b: Pick<Route<unknown>, "space" | "matchPrecedence">,
): number {
  return compareSpaces(a.space, b.space) || comparePrecedence(a.matchPrecedence, b.matchPrecedence);
}

function compareSpaces(a: string | null, b: string | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return compareText(a, b);
}
