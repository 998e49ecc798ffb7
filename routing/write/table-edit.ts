// TableEdit: one change on its way into the arena: Routes and Upstreams portion by portion, so that what they were made of can be let go, then the
// spaces that hold Routes, names, the pages that name all of these, and a root.
import { unitWords, type Arena } from "../arena/arena.ts";
import { addDigest, digestOfKin } from "../collections/digest.ts";
import { sameValue } from "../text/diff.ts";
import { IndexEdit } from "./index-edit.ts";
import { NamesEdit } from "./names-edit.ts";
import type { NamespaceRoutes } from "../route/namespace-routes.ts";
import type { Mapping } from "../model/mapping.ts";
import { compareOrder, orderKey, type OrderKey } from "../model/order.ts";
import { compareText } from "../text/problem.ts";
import { recordBytes, recordWords, writeRecord, writtenBytes } from "../arena/record.ts";
import { indexes, slotWordsOf, type IndexName } from "../arena/root.ts";
import { membersAt, packMembers } from "../arena/route-record.ts";
import { slotKeyOf, type SlotKey } from "../arena/route-slot.ts";
import { digestOfUnready, digestOfUnreadyAmong, planRoute, routeKey, type RouteMember } from "../route/route.ts";
import type { MappingChange, TablePortion, TableSettings } from "../model/table-change.ts";
import { SpacesEdit } from "./spaces-edit.ts";
import { TableIndex } from "./table-index.ts";
import { knownRoute, upstreamsOf, type KnownRoute } from "./known.ts";
import { steady, type UpstreamState } from "../route/upstream-state.ts";
import { UpstreamsEdit } from "./upstreams-edit.ts";
import { WrittenRoutes } from "./written-routes.ts";

/** Moments of a write, for tests that end the writer there. */
export type WritePoint = "begun" | "portion written" | "routes written" | "pages written" | "root written";

/** A table that is written, and not published yet. */
export interface WrittenTable {
  readonly version: number;
  /** Unit of its root. */
  readonly root: number;
  readonly hash: string;
  readonly routeCount: number;
}

/** What changes at one Route. */
interface RouteChange {
  /** null: that of its record. */
  readonly key: string | null;
  /** Mappings that come or change, and null for those that leave. The last of an id counts. */
  readonly mappings: Map<string, RouteMember | null>;
}

/** Of a Route that is scanned. */
const noSlot: SlotKey = Object.freeze({ hash: 0, text: "", meta: 0 });

/** One change being written. */
export class TableEdit {
  readonly #arena: Arena;
  readonly #index: TableIndex;
  readonly #reached: (point: WritePoint) => void;
  readonly #edits: Readonly<Record<IndexName, IndexEdit>>;
  readonly #upstreams: UpstreamsEdit;
  /** By number of the Route; of the portion. */
  readonly #touched = new Map<number, RouteChange>();
  readonly #spaces: SpacesEdit;
  readonly #names: NamesEdit;
  /** First Mapping of each Route that the portion writes, by the unit of its record. */
  readonly #written = new Map<number, Mapping>();
  readonly #orders = new Map<number, OrderKey>();
  /** What was written before the portion. */
  #before: WrittenRoutes;
  /** A Route was written, or is gone. */
  #isChanged = false;

  constructor(arena: Arena, index: TableIndex, reached: (point: WritePoint) => void) {
    this.#arena = arena;
    this.#index = index;
    this.#reached = reached;
    const edit = (name: IndexName, compare: (a: number, b: number) => number): IndexEdit =>
      new IndexEdit(arena, index.blocks, slotWordsOf[name], compare);
    // Only Routes have an order.
    const any = (a: number, b: number): number => a - b;
    this.#edits = {
      routes: edit("routes", (a, b) => this.#compare(a, b)),
      spaces: edit("spaces", any),
      upstreams: edit("upstreams", any),
      names: edit("names", any),
    };
    this.#upstreams = new UpstreamsEdit(arena, index);
    this.#names = new NamesEdit(arena, index);
    this.#spaces = new SpacesEdit(arena, index, (one, other) => this.#compare(one, other) < 0);
    this.#before = new WrittenRoutes(index.routes);
  }

  /** Writes what a portion of the change says of Routes and Upstreams. What comes later counts. Throws ArenaFull. */
  take(portion: TablePortion): void {
    for (const id of portion.removedMappings) this.#removeMapping(id);
    for (const one of portion.mappings) this.#setMapping(one);
    this.#upstreams.take(portion);
    for (const number of this.#upstreams.flipped) this.#changeOf(number, null);
    for (const [number, routeChange] of this.#touched) this.#rebuild(number, routeChange);
    this.#upstreams.write(this.#edits.upstreams);
    if (this.#touched.size > 0) this.#isChanged = true;
    this.#touched.clear();
    this.#written.clear();
    this.#before = new WrittenRoutes(this.#index.routes);
    this.#reached("portion written");
  }

  /** Writes the rest: the table as it is after all portions; the one before where nothing differs. Throws ArenaFull. */
  finish(settings: TableSettings): WrittenTable {
    const index = this.#index;
    this.#reached("routes written");
    const isSame = !this.#isChanged && !this.#upstreams.isChanged && !index.isOther(settings);
    if (isSame && index.written.version > 0) return index.written;
    this.#spaces.write(this.#edits.spaces);
    this.#names.write(this.#edits.names);
    this.#upstreams.tell();
    for (const name of indexes) this.#edits[name].write(index.directories[name], () => index.nextSerial());
    this.#reached("pages written");
    const written = index.writeRoot(settings);
    this.#reached("root written");
    return written;
  }

  #removeMapping(id: string): void {
    const { routes } = this.#index;
    const idHash = routes.hashOf(id);
    const number = this.#routeOf(id, idHash);
    if (number < 0) return;
    this.#changeOf(number, null).mappings.set(id, null);
    routes.removeMapping(idHash, number);
  }

  #setMapping({ mapping, slot }: MappingChange): void {
    const { routes } = this.#index;
    const { id } = mapping;
    const key = routeKey(mapping);
    const idHash = routes.hashOf(id);
    const before = this.#routeOf(id, idHash);
    const isStaying = before >= 0 && this.#keyOf(before) === key;
    if (isStaying && this.#isAsBefore(before, mapping, slot)) return;
    const number = isStaying ? before : this.#numberOf(key);
    if (!isStaying) {
      if (before >= 0) {
        this.#changeOf(before, null).mappings.set(id, null);
        routes.removeMapping(idHash, before);
      }
      routes.addMapping(idHash, number);
    }
    this.#changeOf(number, key).mappings.set(id, { mapping, since: this.#index.nextSerial(), slot, state: steady });
  }

  /** The number of the Route that has this Mapping now, −1: none has. */
  #routeOf(id: string, idHash: number): number {
    return this.#index.routes.withMapping(idHash, (number) => {
      const change = this.#touched.get(number)?.mappings.get(id);
      return change === undefined
        ? this.#isWritten(number) && this.#before.memberOf(number, id) !== undefined
        : change !== null;
    });
  }

  /** The number of the Route of this key, which may be a new one. */
  #numberOf(key: string): number {
    const { routes, numbers } = this.#index;
    const keyHash = routes.hashOf(key);
    const known = routes.withKey(keyHash, (number) => this.#keyOf(number) === key);
    if (known >= 0) return known;
    const number = numbers.routes.take();
    routes.addKey(keyHash, number);
    return number;
  }

  #keyOf(number: number): string {
    return this.#touched.get(number)?.key ?? this.#before.keyOf(number);
  }

  #isWritten(number: number): boolean {
    return this.#index.routes.unitOf(number) !== 0;
  }

  /** Digests may be forged, so nothing but the Mapping itself says that it is the same. */
  #isAsBefore(number: number, mapping: Mapping, slot: number): boolean {
    if (this.#touched.get(number)?.mappings.has(mapping.id) === true || !this.#isWritten(number)) return false;
    const known = this.#before.memberOf(number, mapping.id);
    return known !== undefined && known.slot === slot && sameValue(known.mapping, mapping);
  }

  #rebuild(number: number, { key: given, mappings }: RouteChange): void {
    const index = this.#index;
    const unitBefore = index.routes.unitOf(number);
    const key = given ?? this.#before.keyOf(number);
    const before = unitBefore === 0 ? [] : this.#before.membersOf(number);
    const members = this.#membersOf(before, mappings);
    if (mappings.size > 0) this.#moveUses(number, before, members);
    this.#sumUp(number, before, mappings);
    if (unitBefore !== 0) {
      index.sum = addDigest(index.sum, digestOfUnreadyAmong(before), -1);
      const bytes = recordBytes(this.#arena, unitBefore);
      index.countBytes(before, bytes, -1);
      index.blocks.leave(unitBefore, bytes);
    }
    if (members.length === 0) {
      index.routes.removeKey(index.routes.hashOf(key), number);
      index.numbers.routes.give(number);
      if (unitBefore !== 0) this.#drop(knownRoute(planRoute(key, before), before, unitBefore, number), before);
      return;
    }
    const serial = index.nextSerial();
    const plan = planRoute(key, members);
    index.sum = addDigest(index.sum, digestOfUnready(plan), 1);
    const first = members[0]!.mapping;
    const space = this.#spaces.of(first.space);
    const slot =
      plan.placing === "scanned"
        ? noSlot
        : slotKeyOf(first.match, plan.placing, plan.live.length > 0, space.name, index.hashSeed);
    const unit = writeRecord(
      this.#arena,
      index.blocks,
      { serial, owner: space.id, number, text: slot.text },
      packMembers(members),
    );
    this.#written.set(unit, first);
    const after = knownRoute(plan, members, unit, number);
    index.countBytes(members, writtenBytes(this.#arena, unit), 1);
    index.routes.place(number, unit);
    index.setProblems(key, plan.problems);
    // One key, one place.
    this.#place(unitBefore === 0 ? null : { ...after, unit: unitBefore }, after, space);
    if (plan.placing === "scanned") return;
    const entry = { hash: slot.hash, meta: slot.meta, unit, number };
    if (unitBefore === 0) this.#edits.routes.add(entry);
    else this.#edits.routes.replace(unitBefore, entry);
  }

  #membersOf(before: readonly RouteMember[], mappings: RouteChange["mappings"]): readonly RouteMember[] {
    const members = mappings.size === 0 ? [...before] : before.filter(({ mapping: { id } }) => !mappings.has(id));
    for (const member of mappings.values()) if (member !== null) members.push(member);
    const all = members.map((member): RouteMember => ({ ...member, state: this.#stateOf(member) }));
    return all.length === 1 ? all : all.sort((a, b) => compareText(a.mapping.id, b.mapping.id));
  }

  /** Digests of Mappings that stay are in the sum already. */
  #sumUp(number: number, before: readonly RouteMember[], mappings: RouteChange["mappings"]): void {
    let { sum } = this.#index;
    for (const [id, member] of mappings) {
      const known = before.length === 0 ? undefined : this.#before.memberOf(number, id);
      if (known !== undefined) sum = addDigest(sum, digestOfKin(known.mapping), -1);
      if (member !== null) sum = addDigest(sum, digestOfKin(member.mapping), 1);
    }
    this.#index.sum = sum;
  }

  #stateOf({ mapping: { target } }: RouteMember): UpstreamState {
    return target.kind === "redirect" ? steady : this.#upstreams.stateOf(target.upstream);
  }

  #drop(route: KnownRoute, members: readonly RouteMember[]): void {
    const { match, space: name } = members[0]!.mapping;
    const space = this.#spaces.of(name);
    this.#index.routes.place(route.number, 0);
    this.#index.setProblems(route.key, []);
    if (route.placing !== "scanned")
      this.#edits.routes.remove(slotKeyOf(match, route.placing, true, name, this.#index.hashSeed).hash, route.unit);
    this.#place(route, null, space);
  }

  /** Counts the Route in its space and by its name; both have one key. */
  #place(before: KnownRoute | null, after: KnownRoute | null, space: NamespaceRoutes): void {
    this.#spaces.place(before, after, space);
    this.#names.count(before?.name ?? null, -1);
    this.#names.count(after?.name ?? null, 1);
  }

  #moveUses(number: number, before: readonly RouteMember[], members: readonly RouteMember[]): void {
    const after = upstreamsOf(members);
    if (before.length === 0) for (const upstream of after) this.#upstreams.use(upstream, number);
    else {
      const [old, now] = [new Set(upstreamsOf(before)), new Set(after)];
      for (const upstream of old) if (!now.has(upstream)) this.#upstreams.unuse(upstream, number);
      for (const upstream of now) if (!old.has(upstream)) this.#upstreams.use(upstream, number);
    }
  }

  /** `key`: that of the Route; null: that of its record. */
  #changeOf(number: number, key: string | null): RouteChange {
    let change = this.#touched.get(number);
    if (change === undefined) this.#touched.set(number, (change = { key, mappings: new Map() }));
    return change;
  }

  /** Of one space: which is tried first. Others only meet by one hash, and any order of these will do. */
  #compare(a: number, b: number): number {
    const { words } = this.#arena;
    return (
      words[a * unitWords + recordWords.owner]! - words[b * unitWords + recordWords.owner]! ||
      compareOrder(this.#orderAt(a), this.#orderAt(b))
    );
  }

  #orderAt(unit: number): OrderKey {
    let order = this.#orders.get(unit);
    if (order === undefined) {
      const mapping =
        this.#written.get(unit) ??
        membersAt(this.#arena, unit, this.#arena.words[unit * unitWords + recordWords.number]!)[0]!.mapping;
      const { match, namespace, space, precedence, granted } = mapping;
      order = orderKey(match, namespace, precedence, granted && space === null, routeKey(mapping));
      this.#orders.set(unit, order);
    }
    return order;
  }
}
