// TableEdit: one change on its way into the arena: Routes and Upstreams batch by batch, so that what they were made of can be let go, then the
// spaces that hold Routes, names, the pages that name all of these, and a root.
import { unitWords, type Arena } from "../arena/arena.ts";
import { addDigest, digestOf } from "../collections/digest.ts";
import { sameValue } from "../text/diff.ts";
import { IndexEdit } from "./index-edit.ts";
import { NamesEdit } from "./names-edit.ts";
import type { NamespaceRoutes } from "../route/namespace-routes.ts";
import type { Mapping } from "../model/mapping.ts";
import { comparePrecedence, matchPrecedence, type MatchPrecedence } from "../model/match-precedence.ts";
import { compareText } from "../text/problem.ts";
import { recordBytes, recordWords, writeRecord } from "../arena/record.ts";
import { indexes, slotWordsOf, type IndexName } from "../arena/root.ts";
import { membersAt, packMembers } from "../arena/route-record.ts";
import { slotKeyOf, type SlotKey } from "../arena/route-slot.ts";
import { digestOfUnready, digestOfUnreadyAmong, planRoute, routeKey, type RouteMember } from "../route/route.ts";
import type { MappingChange, TableBatch, TableSettings } from "../model/table-change.ts";
import { SpacesEdit } from "./spaces-edit.ts";
import { TableIndex } from "./table-index.ts";
import { placedEntry, upstreamsOf, type PlacedEntry, type RouteEntry } from "./known.ts";
import { steady, type UpstreamState } from "../route/upstream-state.ts";
import { UpstreamsEdit } from "./upstreams-edit.ts";

/** Moments of a write, for tests that end the writer there. */
export type WritePoint = "begun" | "batch written" | "routes written" | "pages written" | "root written";

/** A table that is written, and not published yet. */
export interface WrittenTable {
  readonly version: number;
  /** Unit of its root. */
  readonly root: number;
  readonly hash: string;
  readonly routeCount: number;
}

/** A Route that a batch may change. */
interface RouteDraft {
  readonly route: RouteEntry;
  /** Members before the batch, by id of the Mapping. */
  readonly before: ReadonlyMap<string, RouteMember>;
  /** Mappings that come or change, and null for those that leave. The last of an id counts. */
  readonly mappings: Map<string, RouteMember | null>;
  /** An Upstream that it names is ready or not, as it was not before. */
  isFlipped: boolean;
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
  /** Of the batch. */
  readonly #drafts = new Map<RouteEntry, RouteDraft>();
  readonly #spaces: SpacesEdit;
  readonly #names: NamesEdit;
  /** First Mapping of each Route that the batch writes, by the unit of its record. */
  readonly #written = new Map<number, Mapping>();
  readonly #precedences = new Map<number, MatchPrecedence>();
  /** A Route was written, or is gone. */
  #isChanged = false;

  constructor(arena: Arena, index: TableIndex, reached: (point: WritePoint) => void) {
    this.#arena = arena;
    this.#index = index;
    this.#reached = reached;
    const edit = (name: IndexName, compare: (a: number, b: number) => number): IndexEdit =>
      new IndexEdit(arena, index.blocks, slotWordsOf[name], compare);
    // Only Routes have a match precedence.
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
  }

  /** Writes what a batch of the change says of Routes and Upstreams. What comes later counts. Throws ArenaFull. */
  take(batch: TableBatch): void {
    for (const id of batch.removedMappings) this.#removeMapping(id);
    for (const one of batch.mappings) this.#setMapping(one);
    this.#upstreams.take(batch);
    for (const route of this.#upstreams.flipped) this.#draftOf(route).isFlipped = true;
    for (const draft of this.#drafts.values()) if (draft.isFlipped || draft.mappings.size > 0) this.#rebuild(draft);
    this.#upstreams.write(this.#edits.upstreams);
    this.#drafts.clear();
    this.#written.clear();
    this.#reached("batch written");
  }

  /** Writes the rest: the table as it is after all batches; the one before where nothing differs. Throws ArenaFull. */
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
    const { routeOf } = this.#index;
    const route = routeOf.get(id);
    if (route === undefined) return;
    this.#draftOf(route).mappings.set(id, null);
    routeOf.delete(id);
  }

  #setMapping({ mapping, slot }: MappingChange): void {
    const { routeOf } = this.#index;
    const { id } = mapping;
    const key = routeKey(mapping);
    const before = routeOf.get(id);
    if (before?.key === key && this.#isAsBefore(before, mapping, slot)) return;
    const route = before?.key === key ? before : this.#routeWith(key);
    if (before !== undefined && before !== route) this.#draftOf(before).mappings.set(id, null);
    routeOf.set(id, route);
    this.#draftOf(route).mappings.set(id, { mapping, since: this.#index.nextSerial(), slot, state: steady });
  }

  /** The Route of this key, which may be a new one. */
  #routeWith(key: string): RouteEntry {
    const { routes, numbers } = this.#index;
    let route = routes.get(key);
    if (route === undefined) routes.set(key, (route = { key, number: numbers.routes.take(), unit: 0 }));
    return route;
  }

  /** Digests may be forged, so nothing but the Mapping itself says that it is the same. */
  #isAsBefore(route: RouteEntry, mapping: Mapping, slot: number): boolean {
    const { mappings, before } = this.#draftOf(route);
    if (mappings.has(mapping.id)) return false;
    const known = before.get(mapping.id);
    return known !== undefined && known.slot === slot && sameValue(known.mapping, mapping);
  }

  #rebuild({ route, before, mappings }: RouteDraft): void {
    const index = this.#index;
    const { key, number, unit: unitBefore } = route;
    const membersBefore = [...before.values()];
    const members = this.#membersOf(membersBefore, mappings);
    this.#isChanged = true;
    if (mappings.size > 0) this.#moveUses(route, membersBefore, members);
    this.#sumUp(before, mappings);
    if (unitBefore !== 0) {
      index.sum = addDigest(index.sum, digestOfUnreadyAmong(membersBefore), -1);
      index.blocks.leave(unitBefore, recordBytes(this.#arena, unitBefore));
    }
    if (members.length === 0) {
      index.routes.delete(key);
      index.numbers.routes.give(number);
      if (unitBefore !== 0)
        this.#drop(placedEntry(planRoute(key, membersBefore), membersBefore, unitBefore, number), membersBefore);
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
    const after = placedEntry(plan, members, unit, number);
    route.unit = unit;
    index.setProblems(key, plan.problems);
    // One key, one place.
    this.#place(unitBefore === 0 ? null : { ...after, unit: unitBefore }, after, space);
    if (plan.placing === "scanned") return;
    const entry = { hash: slot.hash, meta: slot.meta, unit, number };
    if (unitBefore === 0) this.#edits.routes.add(entry);
    else this.#edits.routes.replace(unitBefore, entry);
  }

  #membersOf(before: readonly RouteMember[], mappings: RouteDraft["mappings"]): readonly RouteMember[] {
    const members = mappings.size === 0 ? [...before] : before.filter(({ mapping: { id } }) => !mappings.has(id));
    for (const member of mappings.values()) if (member !== null) members.push(member);
    const all = members.map((member): RouteMember => ({ ...member, state: this.#stateOf(member) }));
    return all.length === 1 ? all : all.sort((a, b) => compareText(a.mapping.id, b.mapping.id));
  }

  /** Digests of Mappings that stay are in the sum already. */
  #sumUp(before: RouteDraft["before"], mappings: RouteDraft["mappings"]): void {
    let { sum } = this.#index;
    for (const [id, member] of mappings) {
      const known = before.get(id);
      if (known !== undefined) sum = addDigest(sum, digestOf(known.mapping), -1);
      if (member !== null) sum = addDigest(sum, digestOf(member.mapping), 1);
    }
    this.#index.sum = sum;
  }

  #stateOf({ mapping: { target } }: RouteMember): UpstreamState {
    return target.kind === "redirect" ? steady : this.#upstreams.stateOf(target.upstream);
  }

  #drop(route: PlacedEntry, members: readonly RouteMember[]): void {
    const { match, space: name } = members[0]!.mapping;
    const space = this.#spaces.of(name);
    this.#index.setProblems(route.key, []);
    if (route.placing !== "scanned")
      this.#edits.routes.remove(slotKeyOf(match, route.placing, true, name, this.#index.hashSeed).hash, route.unit);
    this.#place(route, null, space);
  }

  /** Counts the Route in its space and by its name; both have one key. */
  #place(before: PlacedEntry | null, after: PlacedEntry | null, space: NamespaceRoutes): void {
    this.#spaces.place(before, after, space);
    this.#names.count(before?.name ?? null, -1);
    this.#names.count(after?.name ?? null, 1);
  }

  #moveUses(route: RouteEntry, before: readonly RouteMember[], members: readonly RouteMember[]): void {
    const [old, now] = [new Set(upstreamsOf(before)), new Set(upstreamsOf(members))];
    for (const upstream of old) if (!now.has(upstream)) this.#upstreams.unuse(upstream, route);
    for (const upstream of now) if (!old.has(upstream)) this.#upstreams.use(upstream, route);
  }

  #draftOf(route: RouteEntry): RouteDraft {
    let draft = this.#drafts.get(route);
    if (draft === undefined) {
      const members = route.unit === 0 ? [] : membersAt(this.#arena, route.unit);
      const before = new Map(members.map((member) => [member.mapping.id, member]));
      this.#drafts.set(route, (draft = { route, before, mappings: new Map(), isFlipped: false }));
    }
    return draft;
  }

  /** Of one space: which is tried first. Others only meet by one hash, and any order of these will do. */
  #compare(a: number, b: number): number {
    const { words } = this.#arena;
    return (
      words[a * unitWords + recordWords.owner]! - words[b * unitWords + recordWords.owner]! ||
      comparePrecedence(this.#precedenceAt(a), this.#precedenceAt(b))
    );
  }

  #precedenceAt(unit: number): MatchPrecedence {
    let known = this.#precedences.get(unit);
    if (known === undefined) {
      const mapping = this.#written.get(unit) ?? membersAt(this.#arena, unit)[0]!.mapping;
      const { match, namespace, space, precedence, granted } = mapping;
      known = matchPrecedence(match, namespace, precedence, granted && space === null, routeKey(mapping));
      this.#precedences.set(unit, known);
    }
    return known;
  }
}
