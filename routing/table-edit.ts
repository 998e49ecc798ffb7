// TableEdit: one change on its way into the arena: Routes, the spaces that hold them, names and Upstreams, then the pages that name all of these, and a root.
import { unitWords } from './arena.ts';
import type { Arena } from './arena.ts';
import { hashText } from './bytes.ts';
import { addDigest, digestOf } from './digest.ts';
import { IndexEdit } from './index-edit.ts';
import { metaOf } from './index-page.ts';
import { emptyNamespaceRoutes, withRoute } from './namespace-routes.ts';
import type { NamespaceRoutes } from './namespace-routes.ts';
import type { Mapping } from './mapping.ts';
import { compareOrder, orderKey } from './order.ts';
import type { OrderKey } from './order.ts';
import { compareText } from './problem.ts';
import { recordBytes, recordWords, writeRecord, writtenBytes } from './record.ts';
import { indexes } from './root.ts';
import type { IndexName } from './root.ts';
import { membersAt, packMembers } from './route-record.ts';
import { slotKeyOf } from './route-slot.ts';
import type { SlotKey } from './route-slot.ts';
import { planRoute, routeKey, steady } from './route.ts';
import type { RouteMember, UpstreamState } from './route.ts';
import type { MappingChange, TableChange } from './table-change.ts';
import { TableIndex, upstreamsOf } from './table-index.ts';
import type { DigestedMember, KnownRoute } from './known.ts';
import { UpstreamsEdit } from './upstreams-edit.ts';
import { WrittenMappings } from './written-mappings.ts';

/** Moments of a write, for tests that end the writer there. */
export type WritePoint = 'begun' | 'routes written' | 'pages written' | 'root written';

/** A table that is written, and not published yet. */
export interface WrittenTable {
  readonly version: number;
  /** Unit of its root. */
  readonly root: number;
  readonly hash: string;
  readonly routeCount: number;
}

/** What changes at one Route: Mappings that come or change, and null for those that leave. The last of an id counts. */
type RouteChange = Map<string, DigestedMember | null>;

/** Of a Route that is scanned. */
const noSlot: SlotKey = Object.freeze({ hash: 0, text: '', meta: 0 });

/** One change being written. */
export class TableEdit {
  readonly #arena: Arena;
  readonly #index: TableIndex;
  readonly #reached: (point: WritePoint) => void;
  readonly #edits: Readonly<Record<IndexName, IndexEdit>>;
  readonly #upstreams: UpstreamsEdit;
  readonly #touched = new Map<string, RouteChange>();
  /** Spaces as they become. */
  readonly #spaces = new Map<string | null, NamespaceRoutes>();
  /** Names of deployments, and how many more Routes have each. */
  readonly #names = new Map<string, number>();
  /** First Mapping of each Route that is written, by the unit of its record. */
  readonly #written = new Map<number, Mapping>();
  readonly #orders = new Map<number, OrderKey>();
  readonly #before: WrittenMappings;

  constructor(arena: Arena, index: TableIndex, reached: (point: WritePoint) => void) {
    this.#arena = arena;
    this.#index = index;
    this.#reached = reached;
    const edit = (compare: (a: number, b: number) => number): IndexEdit => new IndexEdit(arena, index.blocks, compare);
    // Only Routes have an order.
    const any = (a: number, b: number): number => a - b;
    this.#edits = { routes: edit((a, b) => this.#compare(a, b)), spaces: edit(any), upstreams: edit(any), names: edit(any) };
    this.#upstreams = new UpstreamsEdit(arena, index);
    this.#before = new WrittenMappings(arena);
  }

  write(change: TableChange): WrittenTable {
    const index = this.#index;
    for (const id of change.removedMappings) this.#removeMapping(id);
    for (const one of change.mappings) this.#setMapping(one);
    this.#upstreams.take(change);
    for (const key of this.#upstreams.flipped) this.#changeOf(key);
    for (const [key, routeChange] of this.#touched) this.#rebuild(key, routeChange);
    this.#reached('routes written');
    const isSame = this.#touched.size === 0 && !this.#upstreams.isChanged && !index.isOther(change.settings);
    if (isSame && index.written.version > 0) return index.written;
    this.#writeSpaces();
    this.#writeNames();
    this.#upstreams.write(this.#edits.upstreams);
    for (const name of indexes) this.#edits[name].write(index.directories[name], () => index.nextSerial());
    this.#reached('pages written');
    const written = index.writeRoot(change.settings);
    this.#reached('root written');
    return written;
  }

  #removeMapping(id: string): void {
    const key = this.#index.routeKeyOf.get(id);
    if (key === undefined) return;
    this.#changeOf(key).set(id, null);
    this.#index.routeKeyOf.delete(id);
  }

  #setMapping({ mapping, slot }: MappingChange): void {
    const { id } = mapping;
    const key = routeKey(mapping);
    const digest = digestOf(mapping);
    const before = this.#index.routeKeyOf.get(id);
    if (before === key) {
      const route = this.#index.routes.get(key);
      const known = this.#touched.get(key)?.has(id) === true ? undefined : route?.members.find((one) => one.id === id);
      if (route !== undefined && known?.digest.high === digest.high && known.digest.low === digest.low && known.slot === slot && this.#before.has(route, mapping)) return;
    } else if (before !== undefined) this.#changeOf(before).set(id, null);
    this.#changeOf(key).set(id, { mapping, digest, since: this.#index.nextSerial(), slot, state: steady });
    this.#index.routeKeyOf.set(id, key);
  }

  #rebuild(key: string, change: RouteChange): void {
    const index = this.#index;
    const before = index.routes.get(key) ?? null;
    const members = this.#membersOf(before, change);
    if (change.size > 0) this.#moveUses(key, before, members);
    if (before !== null) {
      index.sum = addDigest(index.sum, before.digest, -1);
      const bytes = recordBytes(this.#arena, before.unit);
      index.countBytes(before, bytes, -1);
      index.blocks.leave(before.unit, bytes);
    }
    if (members.length === 0) {
      if (before !== null) this.#drop(before);
      return;
    }
    const serial = index.nextSerial();
    const plan = planRoute(key, members);
    const first = members[0]!.mapping;
    const space = this.#spaceOf(first.space);
    const slot = plan.placing === 'scanned' ? noSlot : slotKeyOf(first.match, plan.placing, plan.live.length > 0, space);
    const number = before?.number ?? index.numbers.routes.take();
    const unit = writeRecord(this.#arena, index.blocks, { serial, owner: space.id, number, text: slot.text }, packMembers(members));
    this.#written.set(unit, first);
    const after = index.known(plan, members, { unit, number, hash: slot.hash });
    index.countBytes(after, writtenBytes(this.#arena, unit), 1);
    index.routes.set(key, after);
    index.sum = addDigest(index.sum, after.digest, 1);
    index.setProblems(key, plan.problems);
    this.#place(before, after, space);
    if (plan.placing === 'scanned') return;
    const entry = { hash: slot.hash, meta: slot.meta, unit, number };
    if (before === null) this.#edits.routes.add(entry);
    else this.#edits.routes.replace(before.unit, entry);
  }

  #membersOf(before: KnownRoute | null, change: RouteChange): readonly DigestedMember[] {
    const members: DigestedMember[] = [];
    if (before !== null) {
      for (const [index, { mapping, since, slot, state }] of membersAt(this.#arena, before.unit, before.number).entries()) {
        if (!change.has(mapping.id)) members.push({ mapping, digest: before.members[index]!.digest, since, slot, state });
      }
    }
    for (const member of change.values()) if (member !== null) members.push(member);
    const all = members.map((member): DigestedMember => ({ ...member, state: this.#stateOf(member) }));
    return all.length === 1 ? all : all.sort((a, b) => compareText(a.mapping.id, b.mapping.id));
  }

  #stateOf({ mapping: { target } }: RouteMember): UpstreamState {
    return target.kind === 'redirect' ? steady : this.#upstreams.stateOf(target.upstream);
  }

  #drop(before: KnownRoute): void {
    this.#index.routes.delete(before.key);
    this.#index.numbers.routes.give(before.number);
    this.#index.setProblems(before.key, []);
    if (before.placing !== 'scanned') this.#edits.routes.remove(before.hash, before.unit);
    this.#place(before, null, this.#spaceOf(before.space));
  }

  /** Counts the Route in its space; both have one key, so they belong to the same. */
  #place(before: KnownRoute | null, after: KnownRoute | null, space: NamespaceRoutes): void {
    const next = withRoute(space, before, after, (one, other) => this.#compare(one, other) < 0);
    if (next !== space) this.#spaces.set(space.name, next);
    if (before !== null) this.#countName(before, -1);
    if (after !== null) this.#countName(after, 1);
  }

  #countName({ name }: KnownRoute, by: 1 | -1): void {
    if (name !== null) this.#names.set(name, (this.#names.get(name) ?? 0) + by);
  }

  #moveUses(key: string, before: KnownRoute | null, members: readonly RouteMember[]): void {
    const after = upstreamsOf(members);
    if (before === null) for (const upstream of after) this.#upstreams.use(upstream, key);
    else {
      const [old, now] = [new Set(before.upstreams), new Set(after)];
      for (const upstream of old) if (!now.has(upstream)) this.#upstreams.unuse(upstream, key);
      for (const upstream of now) if (!old.has(upstream)) this.#upstreams.use(upstream, key);
    }
  }

  #writeSpaces(): void {
    for (const [name, space] of this.#spaces) {
      const before = this.#index.spaces.get(name) ?? null;
      if (before !== null) this.#index.blocks.leave(before.unit, recordBytes(this.#arena, before.unit));
      if (name !== null && space.routeCount === 0) {
        this.#index.spaces.delete(name);
        if (before === null) continue;
        this.#index.numbers.spaces.give(before.number);
        this.#edits.spaces.remove(space.seed, before.unit);
        continue;
      }
      const after = this.#index.writeSpace(space, before?.number ?? null);
      if (name === null) continue;
      const entry = { hash: space.seed, meta: metaOf(after.text), unit: after.unit, number: after.number };
      if (before === null) this.#edits.spaces.add(entry);
      else this.#edits.spaces.replace(before.unit, entry);
    }
  }

  #writeNames(): void {
    const { names, numbers, blocks } = this.#index;
    for (const [name, by] of this.#names) {
      const before = names.get(name);
      const count = (before?.count ?? 0) + by;
      if (by === 0) continue;
      if (before !== undefined && count > 0) names.set(name, { ...before, count });
      else if (before !== undefined) {
        this.#edits.names.remove(hashText(name), before.unit);
        blocks.leave(before.unit, recordBytes(this.#arena, before.unit));
        numbers.names.give(before.number);
        names.delete(name);
      } else {
        const number = numbers.names.take();
        const unit = writeRecord(this.#arena, blocks, { serial: this.#index.nextSerial(), owner: 0, number, text: name }, '');
        names.set(name, { unit, number, count });
        this.#edits.names.add({ hash: hashText(name), meta: metaOf(name), unit, number });
      }
    }
  }

  #changeOf(key: string): RouteChange {
    let change = this.#touched.get(key);
    if (change === undefined) this.#touched.set(key, (change = new Map()));
    return change;
  }

  #spaceOf(name: string | null): NamespaceRoutes {
    const known = this.#spaces.get(name) ?? this.#index.spaces.get(name)?.routes;
    if (known !== undefined) return known;
    const space = emptyNamespaceRoutes(name, this.#index.nextSpaceId());
    this.#spaces.set(name, space);
    return space;
  }

  /** Of one space: which is tried first. Others only meet by one hash, and any order of these will do. */
  #compare(a: number, b: number): number {
    const { words } = this.#arena;
    return words[a * unitWords + recordWords.owner]! - words[b * unitWords + recordWords.owner]! || compareOrder(this.#orderAt(a), this.#orderAt(b));
  }

  #orderAt(unit: number): OrderKey {
    let order = this.#orders.get(unit);
    if (order === undefined) {
      const mapping = this.#written.get(unit) ?? membersAt(this.#arena, unit, this.#arena.words[unit * unitWords + recordWords.number]!)[0]!.mapping;
      const { match, namespace, space, precedence, granted } = mapping;
      order = orderKey(match, namespace, precedence, granted && space === null, routeKey(mapping));
      this.#orders.set(unit, order);
    }
    return order;
  }
}
