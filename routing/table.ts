// RouteTable: all Routes, compiled, frozen, indexed. A request reads the reference to one table once; a change makes the next table.
import { PersistentMapEdit, findIn, emptyMap, valuesOf } from './persistent-map.ts';
import type { PersistentMap } from './persistent-map.ts';
import { hashText } from './bytes.ts';
import type { Route } from './decision.ts';
import { DeclaredNamesEdit } from './declared-names.ts';
import type { DeclaredName } from './declared-names.ts';
import type { TableDelta, TableSettings } from './delta.ts';
import { addDigest, digestOf, noDigest, printDigest } from './digest.ts';
import type { Digest } from './digest.ts';
import type { Mapping } from './mapping.ts';
import { compareOrder } from './order.ts';
import { compareText } from './problem.ts';
import type { Problem } from './problem.ts';
import { buildRoute, routeKey } from './route.ts';
import type { AttachedMapping } from './route.ts';
import { internedMapping } from './intern.ts';
import { routeOf, routeSlotHash, routeSlotOf, indexedSlotOf } from './route-slot.ts';
import type { RouteSlot } from './route-slot.ts';
import { RouteIndexEdit, firstSlot, emptyRouteIndex, pageOf } from './route-index.ts';
import type { RouteIndex } from './route-index.ts';
import { baseOf, emptyNamespaceRoutes, spaceSeed, withRoute } from './namespace-routes.ts';
import type { NamespaceRoutes } from './namespace-routes.ts';
import { isEnding } from './upstream.ts';

export interface RouteTable<T> {
  /** Number of the last delta; 0 is the empty table. */
  readonly version: number;
  /** 16 hexadecimal digits: the same for the same content, whatever the order of the deltas. */
  readonly hash: string;
  readonly routeCount: number;
  readonly settings: TableSettings;
  /** What building the Routes found, by Route key. */
  readonly problems: ReadonlyMap<string, readonly Problem[]>;

  // The index, for lookup.
  /** By space and path; gRPC Routes by space and `seldon`. */
  readonly routeSlots: RouteIndex<RouteSlot<T>>;
  readonly shared: NamespaceRoutes<T>;
  /** By base. */
  readonly spaces: RouteIndex<NamespaceRoutes<T>>;
  /** What namespaces call their gRPC deployments. */
  readonly names: PersistentMap<DeclaredName>;

  // What the next delta needs.
  readonly records: PersistentMap<RouteRecord<T>>;
  /** Where each Mapping is. */
  readonly places: PersistentMap<Place<T>>;
  readonly upstreams: PersistentMap<UpstreamUse>;
  readonly sum: Digest;
  /** The greatest NamespaceRoutes id given so far. */
  readonly lastSpaceId: number;
}

/** A Route and what it was built from. */
interface RouteRecord<T> {
  readonly key: string;
  readonly hash: number;
  readonly route: Route<T>;
  readonly members: readonly AttachedMapping<T>[];
  readonly digest: Digest;
}

interface Place<T> {
  readonly id: string;
  readonly hash: number;
  readonly routeKey: string;
  readonly member: AttachedMapping<T>;
}

interface UpstreamUse {
  readonly key: string;
  readonly hash: number;
  readonly ready: boolean;
  /** Only until its last pods have ended. */
  readonly ending: boolean;
  /** Keys of the Routes that name it. */
  readonly routeKeys: readonly string[];
}

const emptyShared = emptyNamespaceRoutes<never>(null, 0);

const noSettings: TableSettings = Object.freeze({ singleNamespace: null });

const empty: RouteTable<never> = Object.freeze({
  version: 0,
  hash: hashOfContent(noDigest, noSettings),
  routeCount: 0,
  settings: noSettings,
  problems: new Map(),
  routeSlots: emptyRouteIndex,
  shared: emptyShared,
  spaces: emptyRouteIndex,
  names: emptyMap,
  records: emptyMap,
  places: emptyMap,
  upstreams: emptyMap,
  sum: noDigest,
  lastSpaceId: 0,
});

/** The table before the first delta. */
export function emptyTable<T>(): RouteTable<T> {
  return empty;
}

/**
 * The next table. Builds only the Routes that the delta touches; every other Route stays the same object.
 * A delta with base 0 starts from the empty table; for any other the caller has checked that `delta.base` is `table.version`.
 * `attach` is called once for each new or changed Mapping; `slot` is −1 for a Mapping without a counter slot.
 */
export function applyDelta<T>(table: RouteTable<T>, delta: TableDelta, attach: (mapping: Mapping, slot: number) => T): RouteTable<T> {
  return new TableEdit(delta.base === 0 ? emptyTable<T>() : table, delta.mappings.length, attach).apply(delta);
}

/** All Routes in the order tried: spaces by name, shared space last; inside a space by Order. */
export function routesInOrder<T>(table: RouteTable<T>): readonly Route<T>[] {
  const routes = Array.from(valuesOf(table.records), (record) => record.route);
  return routes.sort(compareRoutes);
}

function hashOfContent(routes: Digest, settings: TableSettings): string {
  return printDigest(addDigest(routes, digestOf(settings), 1));
}

function compareRoutes<T>(a: Route<T>, b: Route<T>): number {
  return compareSpaces(a.space, b.space) || compareOrder(a.order, b.order);
}

function compareSpaces(a: string | null, b: string | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return compareText(a, b);
}

/** The space of a namespace, or null when it has no Routes. */
export function spaceNamed<T>(table: RouteTable<T>, name: string): NamespaceRoutes<T> | null {
  const seed = spaceSeed(name);
  const { values, mask } = pageOf(table.spaces, seed);
  for (let slot = firstSlot(seed, mask); ; slot = (slot + 1) & mask) {
    const space = values[slot]!;
    if (space === null || space.name === name) return space;
  }
}

/** What changes at one Route: Mappings that come or change, and `null` for those that leave. The last of an id counts. */
type RouteChange<T> = { readonly id: string; readonly member: AttachedMapping<T> | null }[];

/** What becomes of an UpstreamUse. */
interface UpstreamChange {
  ready: boolean;
  ending: boolean;
  routeKeys: readonly string[];
  /** The keys once they are edited, unless the only edit is the first key: most Upstreams have one. */
  edited: Set<string> | null;
}

const noKeys: readonly string[] = Object.freeze([]);

function editedKeys(change: UpstreamChange): Set<string> {
  return (change.edited ??= new Set(change.routeKeys));
}

function addKey(change: UpstreamChange, key: string): void {
  if (change.edited === null && change.routeKeys.length === 0) change.routeKeys = Object.freeze([key]);
  else editedKeys(change).add(key);
}

/** One delta being applied. */
class TableEdit<T> {
  readonly #from: RouteTable<T>;
  readonly #attach: (mapping: Mapping, slot: number) => T;
  readonly #records: PersistentMapEdit<RouteRecord<T>>;
  readonly #places: PersistentMapEdit<Place<T>>;
  readonly #touched = new Map<string, RouteChange<T>>();
  /** Spaces and Upstreams that changed, written back once at the end. */
  readonly #spaces = new Map<string | null, NamespaceRoutes<T>>();
  readonly #uses = new Map<string, UpstreamChange>();
  readonly #routeSlots: RouteIndexEdit<RouteSlot<T>>;
  readonly #names: DeclaredNamesEdit;
  #problems: Map<string, readonly Problem[]> | null = null;
  #sum: Digest;
  #lastSpaceId: number;

  constructor(from: RouteTable<T>, expected: number, attach: (mapping: Mapping, slot: number) => T) {
    this.#from = from;
    this.#attach = attach;
    this.#records = new PersistentMapEdit(from.records, expected, hashOf, (a, b) => compareText(a.key, b.key));
    this.#places = new PersistentMapEdit(from.places, expected, hashOf, (a, b) => compareText(a.id, b.id));
    this.#routeSlots = new RouteIndexEdit(from.routeSlots, (a, b) => compareRoutes(routeOf(a), routeOf(b)));
    this.#names = new DeclaredNamesEdit(from.names, expected);
    this.#sum = from.sum;
    this.#lastSpaceId = from.lastSpaceId;
  }

  apply(delta: TableDelta): RouteTable<T> {
    for (const id of delta.removedMappings) this.#removeMapping(id);
    const slots = new Map(delta.slots);
    for (const mapping of delta.mappings) this.#setMapping(mapping, slots.get(mapping.id) ?? null);
    for (const key of delta.removedUpstreams) this.#setReady(key, false, false);
    for (const endpoints of delta.endpoints) this.#setReady(endpoints.key, endpoints.ready, isEnding(endpoints));
    for (const [key, change] of this.#touched) this.#rebuild(key, change);
    const records = this.#records.done();
    const shared = this.#spaces.get(null) ?? this.#from.shared;
    return Object.freeze({
      version: delta.version,
      hash: hashOfContent(this.#sum, delta.settings),
      routeCount: records.count,
      settings: delta.settings,
      problems: this.#problems ?? this.#from.problems,
      routeSlots: this.#routeSlots.done(),
      shared,
      spaces: this.#doneSpaces(),
      names: this.#names.done(),
      records,
      places: this.#places.done(),
      upstreams: this.#doneUpstreams(),
      sum: this.#sum,
      lastSpaceId: this.#lastSpaceId,
    });
  }

  #removeMapping(id: string): void {
    const place = this.#placeOf(id);
    if (place === null) return;
    this.#changeOf(place.routeKey).push({ id, member: null });
    this.#places.remove(place);
  }

  #setMapping(given: Mapping, givenSlot: number | null): void {
    const mapping = internedMapping(given);
    const before = this.#placeOf(mapping.id);
    const slot = givenSlot ?? before?.member.slot ?? -1;
    const key = routeKey(mapping);
    if (before !== null && before.routeKey !== key) this.#changeOf(before.routeKey).push({ id: mapping.id, member: null });
    const member = { mapping, slot, attached: this.#attach(mapping, slot) };
    this.#changeOf(key).push({ id: mapping.id, member });
    this.#places.set({ id: mapping.id, hash: hashText(mapping.id), routeKey: key, member });
  }

  #setReady(key: string, ready: boolean, ending: boolean): void {
    const use = this.#useOf(key);
    if (use.ready === ready && use.ending === ending) return;
    use.ready = ready;
    use.ending = ending;
    for (const routeKey of use.edited ?? use.routeKeys) this.#changeOf(routeKey);
  }

  #rebuild(key: string, change: RouteChange<T>): void {
    const hash = hashText(key);
    const before = this.#records.find(hash, (record) => record.key === key);
    const members = changedMembers(before?.members ?? [], change);
    if (change.length > 0) this.#moveUses(key, before?.members ?? [], members);
    if (before !== null) this.#sum = addDigest(this.#sum, before.digest, -1);
    if (members.length === 0) {
      if (before !== null) this.#drop(before);
      return;
    }
    const space = this.#spaceOf(members[0]!.mapping.space);
    const { route, digest, problems } = buildRoute(key, members, space.name, (upstream) => this.#useOf(upstream));
    this.#records.set({ key, hash, route, members, digest });
    this.#sum = addDigest(this.#sum, digest, 1);
    this.#setProblems(key, problems);
    this.#place(before?.route ?? null, route, space);
  }

  #drop(record: RouteRecord<T>): void {
    this.#records.remove(record);
    this.#setProblems(record.key, []);
    this.#place(record.route, null, this.#spaceOf(record.route.space));
  }

  /** Puts a Route where lookup finds it, in place of `before`. Both have one key, so they belong at the same place. */
  #place(before: Route<T> | null, after: Route<T> | null, space: NamespaceRoutes<T>): void {
    if (before !== null && before.placing !== 'scanned') this.#routeSlots.remove(routeSlotHash(before, space.seed), routeSlotOf(before));
    if (after !== null && after.placing !== 'scanned') this.#routeSlots.add(indexedSlotOf(after, space));
    this.#spaces.set(space.name, withRoute(space, before, after));
    if (before !== null) this.#names.count(before, -1);
    if (after !== null) this.#names.count(after, 1);
  }

  #setProblems(key: string, problems: readonly Problem[]): void {
    if (problems.length === 0 && !(this.#problems ?? this.#from.problems).has(key)) return;
    this.#problems ??= new Map(this.#from.problems);
    if (problems.length === 0) this.#problems.delete(key);
    else this.#problems.set(key, problems);
  }

  #moveUses(key: string, before: readonly AttachedMapping<T>[], after: readonly AttachedMapping<T>[]): void {
    for (const { mapping } of before) if (mapping.target.kind === 'forward') editedKeys(this.#useOf(mapping.target.upstream)).delete(key);
    for (const { mapping } of after) if (mapping.target.kind === 'forward') addKey(this.#useOf(mapping.target.upstream), key);
  }

  #changeOf(key: string): RouteChange<T> {
    let change = this.#touched.get(key);
    if (change === undefined) this.#touched.set(key, (change = []));
    return change;
  }

  #placeOf(id: string): Place<T> | null {
    return this.#places.find(hashText(id), (place) => place.id === id);
  }

  #spaceOf(name: string | null): NamespaceRoutes<T> {
    const known = this.#spaces.get(name) ?? (name === null ? this.#from.shared : spaceNamed(this.#from, name));
    if (known !== null) return known;
    const space = emptyNamespaceRoutes<T>(name, ++this.#lastSpaceId);
    this.#spaces.set(name, space);
    return space;
  }

  #useOf(key: string): UpstreamChange {
    let use = this.#uses.get(key);
    if (use === undefined) {
      const before = findIn(this.#from.upstreams, hashText(key), (known) => known.key === key);
      use = { ready: before?.ready ?? false, ending: before?.ending ?? false, routeKeys: before?.routeKeys ?? noKeys, edited: null };
      this.#uses.set(key, use);
    }
    return use;
  }

  #doneSpaces(): RouteIndex<NamespaceRoutes<T>> {
    const edit = new RouteIndexEdit<NamespaceRoutes<T>>(this.#from.spaces, (a, b) => compareSpaces(a.name, b.name));
    for (const space of this.#spaces.values()) {
      if (space.name === null) continue;
      const before = spaceNamed(this.#from, space.name);
      if (before !== null) edit.remove(space.seed, before);
      if (space.routeCount > 0) edit.add({ hash: space.seed, text: baseOf(space.name), flags: 0, owner: 0, value: space });
    }
    return edit.done();
  }

  #doneUpstreams(): PersistentMap<UpstreamUse> {
    const edit = new PersistentMapEdit<UpstreamUse>(this.#from.upstreams, this.#uses.size, hashOf, (a, b) => compareText(a.key, b.key));
    for (const [key, change] of this.#uses) {
      const { ready, ending } = change;
      const routeKeys = change.edited === null ? change.routeKeys : Object.freeze([...change.edited]);
      const use = Object.freeze({ key, hash: hashText(key), ready, ending, routeKeys });
      if (ready || routeKeys.length > 0) edit.set(use);
      else edit.remove(use);
    }
    return edit.done();
  }
}

function changedMembers<T>(before: readonly AttachedMapping<T>[], change: RouteChange<T>): readonly AttachedMapping<T>[] {
  if (change.length === 0) return before;
  if (before.length === 0 && change.length === 1 && change[0]!.member !== null) return [change[0]!.member];
  const members = new Map(before.map((member) => [member.mapping.id, member]));
  for (const { id, member } of change) {
    if (member === null) members.delete(id);
    else members.set(id, member);
  }
  return [...members.values()];
}

function hashOf(value: { readonly hash: number }): number {
  return value.hash;
}
