// UpstreamsEdit: what a change says of Upstreams, on its way into their records. A Route reads one thing of an Upstream, whether it is ready and
// whether it is ending; all else is for the pools of the data plane.
import type { Arena } from "../arena/arena.ts";
import { byteText, hashText } from "../request/bytes.ts";
import { sameValue } from "../text/diff.ts";
import type { IndexEdit } from "./index-edit.ts";
import { metaOf } from "../arena/index-page.ts";
import { recordBytes, writeRecord } from "../arena/record.ts";
import type { TableBatch } from "../model/table-change.ts";
import type { TableIndex } from "./table-index.ts";
import type { RouteEntry, UpstreamEntry } from "./known.ts";
import {
  nothingKnown,
  ownerOfUpstream,
  packUpstream,
  upstreamAt,
  upstreamStateAt,
  type KnownUpstream,
} from "../arena/upstream-record.ts";
import { tellChanged } from "../arena/upstream-ring.ts";
import { sameState, stateOfEndpoints, unready, type UpstreamState } from "../route/upstream-state.ts";

interface Draft {
  /** null: the table does not know it. */
  readonly entry: UpstreamEntry | null;
  readonly before: UpstreamState;
  /** As its record will have it; null: not read yet. */
  known: KnownUpstream | null;
  isChanged: boolean;
  state: UpstreamState;
  /** Routes that name it from now on, and those that do no longer; null: none. A change makes a Route anew once, so none is named twice. */
  used: RouteEntry[] | null;
  unused: Set<RouteEntry> | null;
}

export class UpstreamsEdit {
  readonly #arena: Arena;
  readonly #index: TableIndex;
  /** Of the batch that is being written. */
  readonly #drafts = new Map<string, Draft>();
  /** Numbers of all whose records were written. */
  readonly #changed: number[] = [];

  constructor(arena: Arena, index: TableIndex) {
    this.#arena = arena;
    this.#index = index;
  }

  take({ removedUpstreams, upstreams, endpoints, endpointSlots, failing }: TableBatch): void {
    for (const key of removedUpstreams) this.#set(key, nothingKnown);
    for (const { upstream, breakerSlot } of upstreams) {
      const known = this.#knownOf(upstream.key);
      // Without a check no Endpoint fails one.
      this.#set(upstream.key, {
        ...known,
        upstream,
        breakerSlot,
        failing: upstream.healthCheck === null ? nothingKnown.failing : known.failing,
      });
    }
    const slots = new Map(endpointSlots);
    for (const one of endpoints) {
      const given = slots.get(one.key) ?? [];
      const its = one.endpoints.map((_, at) => given[at] ?? -1);
      this.#set(one.key, { ...this.#knownOf(one.key), endpoints: one, endpointSlots: its });
    }
    for (const [key, addresses] of failing) this.#set(key, { ...this.#knownOf(key), failing: addresses });
  }

  /** Routes that name an Upstream which becomes ready, unready or ending, or no longer does. */
  get flipped(): readonly RouteEntry[] {
    return [...this.#drafts.values()].flatMap(({ entry, before, state }) =>
      entry === null || sameState(before, state) ? [] : entry.routes,
    );
  }

  /** Has a record come, changed or gone? */
  get isChanged(): boolean {
    return this.#changed.length > 0;
  }

  stateOf(key: string): UpstreamState {
    return this.#drafts.get(key)?.state ?? this.#stateIn(this.#index.upstreams.get(key));
  }

  use(key: string, route: RouteEntry): void {
    (this.#draftOf(key).used ??= []).push(route);
  }

  unuse(key: string, route: RouteEntry): void {
    (this.#draftOf(key).unused ??= new Set()).add(route);
  }

  /** Writes the records that the batch changes. Throws ArenaFull. */
  write(edit: IndexEdit): void {
    const { upstreams, numbers, blocks } = this.#index;
    for (const [key, { entry, known, isChanged, used, unused }] of this.#drafts) {
      if (!isChanged && used === null && unused === null) continue;
      const one: UpstreamEntry = entry ?? { number: numbers.upstreams.take(), unit: 0, routes: [] };
      if (entry === null) upstreams.set(key, one);
      if (isChanged) {
        if (one.unit !== 0) blocks.leave(one.unit, recordBytes(this.#arena, one.unit));
        one.unit = this.#writeOne(edit, key, one.number, known!, one.unit);
        this.#changed.push(one.number);
      }
      if (unused !== null) one.routes = one.routes.filter((route) => !unused.has(route));
      // Of its exact length: one that grows has room for 16 more.
      if (used !== null) one.routes = one.routes.concat(used);
      if (one.unit !== 0 || one.routes.length > 0) continue;
      upstreams.delete(key);
      numbers.upstreams.give(one.number);
    }
    this.#drafts.clear();
  }

  /** Tells readers of all that changed. */
  tell(): void {
    tellChanged(this.#arena, this.#index.addChanges(this.#changed.length), this.#changed);
  }

  /** In the place of the record at `before`; 0: there is none, nor is there one of an Upstream of which nothing is known. */
  #writeOne(edit: IndexEdit, key: string, number: number, known: KnownUpstream, before: number): number {
    const text = byteText(key);
    const hash = hashText(text, this.#index.hashSeed);
    if (sameValue(known, nothingKnown)) {
      if (before !== 0) edit.remove(hash, before);
      return 0;
    }
    const unit = writeRecord(
      this.#arena,
      this.#index.blocks,
      { serial: this.#index.nextSerial(), owner: ownerOfUpstream(known), number, text },
      packUpstream(known),
    );
    const entry = { hash, meta: metaOf(text), unit, number };
    if (before === 0) edit.add(entry);
    else edit.replace(before, entry);
    return unit;
  }

  #knownOf(key: string): KnownUpstream {
    const draft = this.#draftOf(key);
    const unit = draft.entry?.unit ?? 0;
    return (draft.known ??= unit === 0 ? nothingKnown : upstreamAt(this.#arena, unit, key));
  }

  #stateIn(entry: UpstreamEntry | undefined): UpstreamState {
    return entry === undefined || entry.unit === 0 ? unready : upstreamStateAt(this.#arena, entry.unit);
  }

  #set(key: string, known: KnownUpstream): void {
    const draft = this.#draftOf(key);
    if (sameValue(this.#knownOf(key), known)) return;
    draft.known = known;
    draft.isChanged = true;
    draft.state = stateOfEndpoints(known.endpoints);
  }

  #draftOf(key: string): Draft {
    let draft = this.#drafts.get(key);
    if (draft === undefined) {
      const entry = this.#index.upstreams.get(key);
      const before = this.#stateIn(entry);
      draft = { entry: entry ?? null, before, known: null, isChanged: false, state: before, used: null, unused: null };
      this.#drafts.set(key, draft);
    }
    return draft;
  }
}
