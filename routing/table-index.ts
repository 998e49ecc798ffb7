// TableIndex: what the writer of an arena knows beside it. Everything in it follows from the newest root, from which another writer reads it again.
import { emptyPage, unitWords } from './arena.ts';
import type { Arena } from './arena.ts';
import { Blocks } from './blocks.ts';
import type { Block } from './blocks.ts';
import { byteText } from './bytes.ts';
import { addDigest, digestOf, noDigest, printDigest } from './digest.ts';
import type { Digest } from './digest.ts';
import { sameValue } from './diff.ts';
import { directoryWords, entriesOf, pageBytes, verifyPage } from './index-page.ts';
import type { IndexEntry } from './index-page.ts';
import { baseOf, deploymentName, emptyNamespaceRoutes, packSpace, unpackSpace } from './namespace-routes.ts';
import type { NamespaceRoutes } from './namespace-routes.ts';
import { Numbers } from './numbers.ts';
import { pathText } from './order.ts';
import type { Problem } from './problem.ts';
import { contentOf, recordBytes, recordWords, textOfRecord, writeRecord, writtenBytes } from './record.ts';
import { directoryStart, indexes, rootBytes, rootWords, sealRoot, verifyRoot } from './root.ts';
import type { IndexName } from './root.ts';
import { membersAt } from './route-record.ts';
import { digestOfRoute, planRoute, routeKey, stateOfEndpoints } from './route.ts';
import type { RouteMember, RoutePlan } from './route.ts';
import { upstreamAt, upstreamKeyAt } from './upstream-record.ts';
import { plainSettings } from './table-change.ts';
import type { TableSettings } from './table-change.ts';
import { unknownUse, recordOverhead } from './known.ts';
import type { KnownRoute, DigestedMember, KnownSpace, KnownUse, KnownName } from './known.ts';

export class TableIndex {
  readonly blocks: Blocks;
  readonly directories: Readonly<Record<IndexName, Int32Array>> = { routes: noPages(), spaces: noPages(), upstreams: noPages(), names: noPages() };
  /** By key. */
  readonly routes = new Map<string, KnownRoute>();
  /** By id of the Mapping. */
  readonly routeKeyOf = new Map<string, string>();
  readonly spaces = new Map<string | null, KnownSpace>();
  readonly upstreams = new Map<string, KnownUse>();
  readonly names = new Map<string, KnownName>();
  readonly problems = new Map<string, readonly Problem[]>();
  readonly numbers = { routes: new Numbers(), spaces: new Numbers(), upstreams: new Numbers(), names: new Numbers() } satisfies Record<IndexName, Numbers>;
  /** Of the digests of all Routes. */
  sum: Digest = noDigest;
  /** By namespace. */
  readonly #bytes = new Map<string, number>();
  readonly #arena: Arena;
  #settings = plainSettings;
  #settingsUnit = 0;
  #serial = 0;
  #changes = 0;
  #spaceId = 0;
  #version = 0;
  #root = 0;
  #hash = printDigest(hashOf(noDigest, plainSettings));

  /** Reads the table whose root is at this unit; 0: there is none. Throws ArenaFault. */
  constructor(arena: Arena, root: number) {
    this.#arena = arena;
    this.blocks = new Blocks(arena.bytes.length);
    if (root !== 0) this.#read(root);
  }

  get written(): { readonly version: number; readonly root: number; readonly hash: string; readonly routeCount: number } {
    return { version: this.#version, root: this.#root, hash: this.#hash, routeCount: this.routes.size };
  }

  isOther(settings: TableSettings): boolean {
    return !sameValue(settings, this.#settings);
  }

  nextSerial(): number {
    this.#serial = (this.#serial + 1) | 0;
    return this.#serial;
  }

  /** Upstreams that were told before these. */
  addChanges(count: number): number {
    const before = this.#changes;
    this.#changes = (before + count) | 0;
    return before;
  }

  nextSpaceId(): number {
    this.#spaceId += 1;
    return this.#spaceId;
  }

  /** What the Routes of a namespace take, and what comes with them, bytes. */
  bytesOf(namespace: string): number {
    return this.#bytes.get(namespace) ?? 0;
  }

  /** A Route's record, of so many bytes, came (`by` 1) or goes (−1). */
  countBytes({ key, members }: KnownRoute, ownBytes: number, by: 1 | -1): void {
    // Names of namespaces have no spaces.
    const namespace = key.slice(0, key.indexOf(' '));
    const bytes = this.bytesOf(namespace) + by * (ownBytes + members.length * recordOverhead);
    if (bytes === 0) this.#bytes.delete(namespace);
    else this.#bytes.set(namespace, bytes);
  }

  setProblems(key: string, problems: readonly Problem[]): void {
    if (problems.length > 0) this.problems.set(key, problems);
    else if (this.problems.size > 0) this.problems.delete(key);
  }

  known(plan: RoutePlan<DigestedMember>, members: readonly DigestedMember[], { unit, number, hash }: { readonly unit: number; readonly number: number; readonly hash: number }): KnownRoute {
    const { key, placing } = plan;
    const { space, match } = members[0]!.mapping;
    return {
      key,
      space,
      unit,
      number,
      hash,
      placing,
      pathLength: match.path.kind === 'prefix' || match.path.kind === 'exact' ? byteText(pathText(match.path)).length : 0,
      digest: digestOfRoute(plan, members.map(({ digest }) => digest)),
      name: placing === 'named' && space !== null ? deploymentName(match) : null,
      upstreams: upstreamsOf(members),
      members: members.map(({ mapping: { id }, digest, slot }) => ({ id, digest, slot })),
    };
  }

  /** Writes the record of a space; `number`: that of its record before, or null. */
  writeSpace(routes: NamespaceRoutes, number: number | null): KnownSpace {
    const text = routes.name === null ? '' : baseOf(routes.name);
    const place = number ?? this.numbers.spaces.take();
    const unit = writeRecord(this.#arena, this.blocks, { serial: this.nextSerial(), owner: 0, number: place, text }, packSpace(routes));
    const known = { routes, text, unit, number: place };
    this.spaces.set(routes.name, known);
    return known;
  }

  /** Writes the root of the next table over what the directories say now. */
  writeRoot(settings: TableSettings): TableIndex['written'] {
    const arena = this.#arena;
    const { words } = arena;
    if (!this.spaces.has(null)) this.writeSpace(emptyNamespaceRoutes(null, 0), null);
    if (this.#settingsUnit === 0 || this.isOther(settings)) {
      if (this.#settingsUnit !== 0) this.blocks.leave(this.#settingsUnit, recordBytes(arena, this.#settingsUnit));
      this.#settingsUnit = writeRecord(arena, this.blocks, { serial: this.nextSerial(), owner: 0, number: 0, text: '' }, JSON.stringify(settings));
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
    for (const index of indexes) words.set(this.directories[index], at + directoryStart(index));
    sealRoot(arena, root);
    if (this.#root !== 0) this.blocks.leave(this.#root, rootBytes);
    this.blocks.published(version);
    this.#root = root;
    this.#version = version;
    this.#hash = printDigest(hash);
    return this.written;
  }

  #read(root: number): void {
    const arena = this.#arena;
    verifyRoot(arena, root);
    const at = root * unitWords;
    const word = (name: keyof typeof rootWords): number => arena.words[at + rootWords[name]]!;
    const used: Block[] = [{ unit: root, bytes: rootBytes }];
    const numbers = { routes: new Set<number>(), spaces: new Set<number>(), upstreams: new Set<number>(), names: new Set<number>() };
    const take = (index: IndexName, { unit, number }: { readonly unit: number; readonly number: number }): void => {
      used.push({ unit, bytes: recordBytes(arena, unit) });
      numbers[index].add(number);
    };
    for (const index of indexes) this.directories[index].set(arena.words.subarray(at + directoryStart(index), at + directoryStart(index) + directoryWords));
    const entries = (index: IndexName): IndexEntry[] => this.#entriesOf(index, used);
    for (const entry of entries('upstreams')) {
      take('upstreams', entry);
      this.#readUpstream(entry);
    }
    const shared = { unit: word('shared'), number: arena.words[word('shared') * unitWords + recordWords.number]! };
    for (const entry of [shared, ...entries('spaces')]) {
      take('spaces', entry);
      const routes = unpackSpace(contentOf(arena, entry.unit));
      this.spaces.set(routes.name, { routes, text: textOfRecord(arena, entry.unit), unit: entry.unit, number: entry.number });
    }
    const scanned = [...this.spaces.values()].flatMap(({ routes }) => routes.scanned.map((place) => ({ ...place, hash: 0 })));
    const uses = new Map<string, string[]>();
    for (const entry of [...entries('routes'), ...scanned]) {
      take('routes', entry);
      const { key, upstreams } = this.#readRoute(entry);
      for (const upstream of upstreams) {
        const routeKeys = uses.get(upstream);
        if (routeKeys === undefined) uses.set(upstream, [key]);
        else routeKeys.push(key);
      }
    }
    for (const [key, routeKeys] of uses) this.upstreams.set(key, { ...(this.upstreams.get(key) ?? unknownUse), routeKeys });
    const named = new Map<string, number>();
    for (const { name } of this.routes.values()) if (name !== null) named.set(name, (named.get(name) ?? 0) + 1);
    for (const entry of entries('names')) {
      take('names', entry);
      const name = textOfRecord(arena, entry.unit);
      this.names.set(name, { unit: entry.unit, number: entry.number, count: named.get(name) ?? 0 });
    }
    this.#settingsUnit = word('settings');
    this.#settings = contentOf(arena, this.#settingsUnit) as TableSettings;
    used.push({ unit: this.#settingsUnit, bytes: recordBytes(arena, this.#settingsUnit) });
    this.blocks.occupy(used, word('top'), word('version'));
    for (const index of indexes) this.numbers[index].occupy(numbers[index]);
    this.#serial = word('serial');
    this.#changes = word('changes');
    this.#spaceId = word('spaceId');
    this.#version = word('version');
    this.#root = root;
    this.#hash = printDigest(hashOf(this.sum, this.#settings));
  }

  #entriesOf(index: IndexName, used: Block[]): IndexEntry[] {
    const directory = this.directories[index];
    const all: IndexEntry[] = [];
    for (let place = 0; place < directoryWords; place += 2) {
      const unit = directory[place]!;
      if (unit === emptyPage) continue;
      verifyPage(this.#arena, unit, directory[place + 1]!);
      used.push({ unit, bytes: pageBytes(this.#arena, unit) });
      all.push(...entriesOf(this.#arena, unit));
    }
    return all;
  }

  #readUpstream({ unit, number }: IndexEntry): void {
    const key = upstreamKeyAt(this.#arena, unit);
    this.upstreams.set(key, { unit, number, state: stateOfEndpoints(upstreamAt(this.#arena, unit, key).endpoints), routeKeys: [] });
  }

  #readRoute({ unit, number, hash }: { readonly unit: number; readonly number: number; readonly hash: number }): KnownRoute {
    const members = membersAt(this.#arena, unit, number).map((member): DigestedMember => ({ ...member, digest: digestOf(member.mapping) }));
    const key = routeKey(members[0]!.mapping);
    const plan = planRoute(key, members);
    const known = this.known(plan, members, { unit, number, hash });
    this.routes.set(key, known);
    this.countBytes(known, writtenBytes(this.#arena, unit), 1);
    this.sum = addDigest(this.sum, known.digest, 1);
    this.setProblems(key, plan.problems);
    for (const { id } of known.members) this.routeKeyOf.set(id, key);
    return known;
  }
}

/** Keys of the Upstreams that Mappings name, each once. */
export function upstreamsOf(members: readonly RouteMember[]): readonly string[] {
  const keys = members.flatMap(({ mapping: { target } }) => (target.kind === 'forward' ? [target.upstream] : []));
  return keys.length <= 1 ? keys : [...new Set(keys)];
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
