// TableIndex: what the writer of an arena knows beside it. Everything in it follows from the newest root, from which another writer reads it again.
import { emptyPage, unitWords, type Arena } from "../arena/arena.ts";
import { Blocks, type Block } from "../arena/blocks.ts";
import { addDigest, digestOf, noDigest, printDigest, type Digest } from "../collections/digest.ts";
import { sameValue } from "../text/diff.ts";
import { checkPage, directoryWords, entriesOf, pageBytes, type IndexEntry } from "../arena/index-page.ts";
import {
  baseOf,
  emptyNamespaceRoutes,
  packSpace,
  unpackSpace,
  type NamespaceRoutes,
  type RoutePlace,
} from "../route/namespace-routes.ts";
import { Numbers } from "../collections/numbers.ts";
import type { Problem } from "../text/problem.ts";
import { contentOf, recordBytes, recordWords, textOfRecord, writeRecord } from "../arena/record.ts";
import { directoryStart, indexes, rootBytes, rootWords, type IndexName } from "../arena/root.ts";
import { membersAt } from "../arena/route-record.ts";
import { planRoute, routeKey } from "../route/route.ts";
import { upstreamAt, upstreamKeyAt } from "../arena/upstream-record.ts";
import { printEndpoint } from "../model/upstream.ts";
import type { Series } from "../model/mapping.ts";
import { plainSettings, type TableSettings } from "../model/table-change.ts";
import { namedBy, upstreamsOf, type KnownSpace, type NameEntry, type RouteEntry, type UpstreamEntry } from "./known.ts";

/** Slots in a table that was read, and whose they are. */
export interface FoundSlots {
  /** Of counters. */
  readonly series: Map<number, Series>;
  /** Of breakers, with the keys of Upstreams. */
  readonly breakers: Map<number, string>;
  /** Of Endpoints: keys of their Upstreams, and `ip:port`. */
  readonly endpoints: Map<number, { readonly upstream: string; readonly address: string }>;
}

export function noSlots(): FoundSlots {
  return { series: new Map(), breakers: new Map(), endpoints: new Map() };
}

export class TableIndex {
  readonly blocks: Blocks;
  readonly directories: Readonly<Record<IndexName, Int32Array>> = {
    routes: noPages(),
    spaces: noPages(),
    upstreams: noPages(),
    names: noPages(),
  };
  /** By key. */
  readonly routes = new Map<string, RouteEntry>();
  /** By id of a Mapping. */
  readonly routeOf = new Map<string, RouteEntry>();
  readonly spaces = new Map<string | null, KnownSpace>();
  /** By key. */
  readonly upstreams = new Map<string, UpstreamEntry>();
  /** Names of deployments that gRPC Routes of namespaces have, as byte text. */
  readonly names = new Map<string, NameEntry>();
  /** What the hashes of all four indexes begin with. */
  hashSeed: number;
  readonly problems = new Map<string, readonly Problem[]>();
  readonly numbers = {
    routes: new Numbers(),
    spaces: new Numbers(),
    upstreams: new Numbers(),
    names: new Numbers(),
  } satisfies Record<IndexName, Numbers>;
  /** Of the digests of all Mappings and of what is not ready. */
  sum: Digest = noDigest;
  readonly #arena: Arena;
  #settings = plainSettings;
  #settingsUnit = 0;
  #serial = 0;
  #changes = 0;
  #spaceId = 0;
  #version = 0;
  #root = 0;
  #hash = printDigest(hashOf(noDigest, plainSettings));

  /** Reads the table whose root is at this unit; 0: there is none. `hashSeed`: what the hashes of a first table begin with. `found` gets the slots that are in it. Throws ArenaFault. */
  constructor(arena: Arena, root: number, hashSeed: number, found: FoundSlots) {
    this.#arena = arena;
    this.hashSeed = hashSeed;
    this.blocks = new Blocks(arena.bytes.length, arena.tableBytes);
    if (root !== 0) this.#read(root, found);
  }

  get written(): {
    readonly version: number;
    readonly root: number;
    readonly hash: string;
    readonly routeCount: number;
  } {
    return { version: this.#version, root: this.#root, hash: this.#hash, routeCount: this.routes.size };
  }

  isOther(settings: TableSettings): boolean {
    return !sameValue(settings, this.#settings);
  }

  /** Never 0, which is that of nothing. */
  nextSerial(): number {
    this.#serial = after(this.#serial);
    return this.#serial;
  }

  /** Upstreams that were told before these. */
  addChanges(count: number): number {
    const before = this.#changes;
    this.#changes = (before + count) | 0;
    return before;
  }

  /** Never 0, which is that of shared space. */
  nextSpaceId(): number {
    this.#spaceId = after(this.#spaceId);
    return this.#spaceId;
  }

  setProblems(key: string, problems: readonly Problem[]): void {
    if (problems.length > 0) this.problems.set(key, problems);
    else if (this.problems.size > 0) this.problems.delete(key);
  }

  /** Writes the record of a space; `number`: that of its record before, or null. */
  writeSpace(routes: NamespaceRoutes, number: number | null): KnownSpace {
    const text = routes.name === null ? "" : baseOf(routes.name);
    const place = number ?? this.numbers.spaces.take();
    const unit = writeRecord(
      this.#arena,
      this.blocks,
      { serial: this.nextSerial(), owner: routes.id, number: place, text },
      packSpace(routes),
    );
    const known = { routes, text, unit, number: place };
    this.spaces.set(routes.name, known);
    return known;
  }

  /** Writes the root of the next table over what the directories say now. Throws ArenaFull. */
  writeRoot(settings: TableSettings): TableIndex["written"] {
    const arena = this.#arena;
    const { words } = arena;
    if (!this.spaces.has(null)) this.writeSpace(emptyNamespaceRoutes(null, 0), null);
    if (this.#settingsUnit === 0 || this.isOther(settings)) {
      if (this.#settingsUnit !== 0) this.blocks.leave(this.#settingsUnit, recordBytes(arena, this.#settingsUnit));
      this.#settingsUnit = writeRecord(
        arena,
        this.blocks,
        { serial: this.nextSerial(), owner: 0, number: 0, text: "" },
        JSON.stringify(settings),
      );
      this.#settings = settings;
    }
    const root = this.blocks.take(rootBytes);
    const at = root * unitWords;
    const version = this.#version + 1;
    const hash = hashOf(this.sum, settings);
    words.fill(0, at, at + rootBytes / 4);
    words[at + rootWords.version] = version;
    words[at + rootWords.serial] = this.#serial;
    words[at + rootWords.routeCount] = this.routes.size;
    words[at + rootWords.hashHigh] = hash.high;
    words[at + rootWords.hashLow] = hash.low;
    words[at + rootWords.settings] = this.#settingsUnit;
    words[at + rootWords.settingsSerial] = words[this.#settingsUnit * unitWords + recordWords.serial]!;
    words[at + rootWords.changes] = this.#changes;
    words[at + rootWords.spaceId] = this.#spaceId;
    const { unit: shared } = this.spaces.get(null)!;
    words[at + rootWords.shared] = shared;
    words[at + rootWords.sharedSerial] = words[shared * unitWords + recordWords.serial]!;
    words[at + rootWords.top] = this.blocks.top;
    words[at + rootWords.hashSeed] = this.hashSeed;
    for (const index of indexes) words.set(this.directories[index], at + directoryStart(index));
    if (this.#root !== 0) this.blocks.leave(this.#root, rootBytes);
    this.blocks.checkSize();
    this.blocks.published(version);
    this.#root = root;
    this.#version = version;
    this.#hash = printDigest(hash);
    return this.written;
  }

  #read(root: number, found: FoundSlots): void {
    const arena = this.#arena;
    const at = root * unitWords;
    const word = (name: keyof typeof rootWords): number => arena.words[at + rootWords[name]]!;
    const used: Block[] = [{ unit: root, bytes: rootBytes }];
    const numbers = {
      routes: new Set<number>(),
      spaces: new Set<number>(),
      upstreams: new Set<number>(),
      names: new Set<number>(),
    };
    const take = (index: IndexName, { unit, number }: { readonly unit: number; readonly number: number }): void => {
      used.push({ unit, bytes: recordBytes(arena, unit) });
      numbers[index].add(number);
    };
    for (const index of indexes)
      this.directories[index].set(
        arena.words.subarray(at + directoryStart(index), at + directoryStart(index) + directoryWords),
      );
    const entries = (index: IndexName): IndexEntry[] => this.#entriesOf(index, used);
    for (const entry of entries("upstreams")) {
      take("upstreams", entry);
      const key = upstreamKeyAt(arena, entry.unit);
      const { breakerSlot, endpoints, endpointSlots } = upstreamAt(arena, entry.unit, key);
      if (breakerSlot >= 0) found.breakers.set(breakerSlot, key);
      for (const [at, slot] of endpointSlots.entries()) {
        const { ip, port } = endpoints!.endpoints[at]!;
        if (slot >= 0) found.endpoints.set(slot, { upstream: key, address: printEndpoint(ip, port) });
      }
      this.upstreams.set(key, { number: entry.number, unit: entry.unit, routes: [] });
    }
    const shared = { unit: word("shared"), number: arena.words[word("shared") * unitWords + recordWords.number]! };
    for (const entry of [shared, ...entries("spaces")]) {
      take("spaces", entry);
      const routes = unpackSpace(contentOf(arena, entry.unit));
      this.spaces.set(routes.name, {
        routes,
        text: textOfRecord(arena, entry.unit),
        unit: entry.unit,
        number: entry.number,
      });
    }
    const scanned = [...this.spaces.values()].flatMap(({ routes }) => routes.scanned);
    const bare = new Map<string, RouteEntry[]>();
    const named = new Map<string, number>();
    for (const entry of [...entries("routes"), ...scanned]) {
      take("routes", entry);
      const name = this.#readRoute(entry, bare, found);
      if (name !== null) named.set(name, (named.get(name) ?? 0) + 1);
    }
    for (const entry of entries("names")) {
      take("names", entry);
      const name = textOfRecord(arena, entry.unit);
      this.names.set(name, { number: entry.number, unit: entry.unit, count: named.get(name) ?? 0 });
    }
    this.hashSeed = word("hashSeed");
    this.#settingsUnit = word("settings");
    this.#settings = contentOf(arena, this.#settingsUnit) as TableSettings;
    used.push({ unit: this.#settingsUnit, bytes: recordBytes(arena, this.#settingsUnit) });
    this.blocks.occupy(used, word("top"), word("version"));
    for (const index of indexes) this.numbers[index].occupy(numbers[index]);
    // Of their exact length: a list that grows has room for 16 more.
    for (const one of this.upstreams.values()) one.routes = one.routes.slice();
    for (const [key, routes] of bare)
      this.upstreams.set(key, { number: this.numbers.upstreams.take(), unit: 0, routes });
    this.sum = addDigest({ high: word("hashHigh"), low: word("hashLow") }, digestOf(this.#settings), -1);
    this.#serial = word("serial");
    this.#changes = word("changes");
    this.#spaceId = word("spaceId");
    this.#version = word("version");
    this.#root = root;
    this.#hash = printDigest(hashOf(this.sum, this.#settings));
  }

  #entriesOf(index: IndexName, used: Block[]): IndexEntry[] {
    const directory = this.directories[index];
    const all: IndexEntry[] = [];
    for (let place = 0; place < directoryWords; place += 2) {
      const unit = directory[place]!;
      if (unit === emptyPage) continue;
      checkPage(this.#arena, unit, directory[place + 1]!);
      used.push({ unit, bytes: pageBytes(this.#arena, unit) });
      all.push(...entriesOf(this.#arena, unit));
    }
    return all;
  }

  /** The deployment that it names, if any. `bare`: Upstreams without a record, and the Routes that name them. */
  #readRoute({ unit, number }: RoutePlace, bare: Map<string, RouteEntry[]>, found: FoundSlots): string | null {
    const members = membersAt(this.#arena, unit);
    const key = routeKey(members[0]!.mapping);
    const plan = planRoute(key, members);
    const route: RouteEntry = { key, number, unit };
    this.routes.set(key, route);
    for (const { mapping, slot } of members) {
      this.routeOf.set(mapping.id, route);
      if (slot >= 0) found.series.set(slot, mapping.series);
    }
    this.setProblems(key, plan.problems);
    for (const upstream of upstreamsOf(members)) {
      const known = this.upstreams.get(upstream);
      if (known !== undefined) known.routes.push(route);
      else if (bare.get(upstream)?.push(route) === undefined) bare.set(upstream, [route]);
    }
    return namedBy(plan, members);
  }
}

/** The number after this one, of 32 bits and not 0: a busy table has given all of them in some days, and then they begin anew. */
function after(number: number): number {
  return (number + 1) | 0 || 1;
}

/** The digest of a table. */
function hashOf(routes: Digest, settings: TableSettings): Digest {
  return addDigest(routes, digestOf(settings), 1);
}

function noPages(): Int32Array {
  const directory = new Int32Array(directoryWords);
  for (let place = 0; place < directoryWords; place += 2) directory[place] = emptyPage;
  return directory;
}
