// Reconcile: what a Source delivers becomes tables. SourceChange → TranslationChange → slots, names, Publisher, own table, Problems.
import { channel } from "node:diagnostics_channel";
import { sameValue } from "../../routing/text/diff.ts";
import type { Problem } from "../../routing/text/problem.ts";
import type { Upstream, UpstreamEndpoints } from "../../routing/model/upstream.ts";
import { RouteTable } from "../../routing/table.ts";
import type { SourceChange } from "../../k8s/source/objects/source.ts";
import type { ReleaseRecord } from "../../k8s/translate/model/release.ts";
import type { Translation, TranslationChange } from "../../k8s/translate/model/translation.ts";
import type { OAuthClientsChange } from "../callers/oauth-client.ts";
import type { DataToControl, Handover, TableFacts } from "../shared/messages.ts";
import type { Slices } from "../shared/slices.ts";
import type { Changes } from "./changes/changes.ts";
import type { Route } from "../../routing/route/decision.ts";
import { Counted } from "./counted.ts";
import { isDeployments } from "../admin/view/deployments.ts";
import { GatheredProblems } from "./status/gathered-problems.ts";
import { HealthChecks, type HealthOutside } from "./upstreams/health-checks.ts";
import { Publisher } from "./publish/publisher.ts";
import { noSlots } from "../../routing/write/table-index.ts";
import type { Readiness } from "./status/readiness.ts";
import { Resolver } from "./upstreams/resolver.ts";
import { SharedTable } from "../shared/memory/shared-table.ts";
import type { Translating } from "./translating.ts";

export interface ReconcilerOutside {
  /** One namespace is watched, and no others. */
  readonly isOneNamespace: boolean;
  readonly probe: HealthOutside["probe"];
  lookup(host: string): Promise<readonly string[]>;
  refuse(upstream: Upstream, ip: string): Problem | null;
  nowMs(): number;
  /** Counters of the gateway: which slots an earlier control worker gave. */
  readonly blocks: readonly ArrayBufferLike[];
  /** What a successor must know has changed. */
  keep(change: Handover): void;
  /** Clients of the OAuth gateway are others. */
  oauthClients(change: OAuthClientsChange): void;
  /** What objects say otherwise, and what becomes of it. */
  readonly changes: Pick<Changes, "read" | "made" | "settled" | "held">;
  /** An object met a bug of ours. */
  faulted(stack: string): void;
  /** The gateway is ready for the first time. */
  ready(): void;
  /** Every worker serves a change, this many seconds after its first byte was read. */
  live(seconds: number): void;
}

/** Moments of a write of the table: tests end the thread there. */
const writePoints = channel("sluice:table-write");

export class Reconciler {
  readonly #translator: Translating;
  readonly #outside: ReconcilerOutside;
  readonly #readiness: Readiness;
  /** Who counts where, and what it came to. */
  readonly counted: Counted;
  readonly #checks: HealthChecks;
  readonly #resolver: Resolver;
  readonly #publisher: Publisher;
  readonly #shared: SharedTable;
  /** What is published, for what only a table can tell. */
  readonly #table: RouteTable<null>;
  #translation: Translation;
  #sourceProblems: readonly Problem[] = [];
  readonly #problems: GatheredProblems;
  readonly #others: (() => readonly Problem[])[] = [];
  /** What a successor was told last. */
  #told: Pick<Handover, "ready" | "addresses">;
  /** The Source has synced: what is known of it is the whole. */
  #isOpen = false;
  /** Objects that came before. */
  #read = 0;
  /** Version of the table when its changes were told last. */
  #toldVersion = 0;

  constructor(
    translator: Translating,
    shared: SharedTable,
    handover: Handover,
    readiness: Readiness,
    outside: ReconcilerOutside,
  ) {
    this.#shared = shared;
    this.#table = new RouteTable(shared.arena, () => null);
    this.#translator = translator;
    this.#outside = outside;
    this.#readiness = readiness;
    this.#translation = translator.current();
    this.#told = handover;
    this.#resolver = new Resolver(
      {
        lookup: (host) => outside.lookup(host),
        refuse: (upstream, ip) => outside.refuse(upstream, ip),
        nowMs: () => outside.nowMs(),
        changed: (change) => this.#resolved(change),
      },
      handover.addresses,
    );
    this.#checks = new HealthChecks({
      probe: (...given) => outside.probe(...given),
      draw: Math.random,
      changed: (key, failing) => this.#publisher.failing(key, failing),
      upstreamOf: (key) => this.#translation.upstreams.get(key) ?? null,
      endpointsOf: (key) => this.#known(key)?.endpoints ?? [],
    });
    const slots = {
      slotOf: (id: string) => this.counted.slotOf(id),
      breakerSlotOf: (key: string) => this.counted.breakerSlotOf(key),
      endpointSlotsOf: (endpoints: UpstreamEndpoints) => this.counted.endpointSlotsOf(endpoints),
      resolvedOf: (key: string) => this.#resolver.endpointsOf(key),
    };
    this.#problems = new GatheredProblems({
      translated: () => this.#translation.problems,
      gatherTranslated: () => translator.gatherProblems(),
      others: () => [
        ...this.#sourceProblems,
        ...this.#others.flatMap((others) => others()),
        ...this.#publisher.problems,
        ...this.#resolver.problems,
        ...this.counted.problems,
      ],
    });
    const found = noSlots();
    this.#publisher = new Publisher(
      shared,
      slots,
      {
        settings: () => this.#translation.settings,
        written: () => this.#keep(),
        settled: () => {
          this.otherProblemsChanged();
          this.#settleChanges();
        },
        live: (seconds) => outside.live(seconds),
        taken: () => {
          this.#observeReadiness();
          outside.changes.held(this.#publisher.workers);
        },
        reached: (point) => writePoints.publish(point),
      },
      found,
    );
    this.counted = new Counted(found, shared.version + 1, {
      blocks: outside.blocks,
      isOneNamespace: outside.isOneNamespace,
      nowMs: () => outside.nowMs(),
      endpointsOf: (key) => this.#known(key),
      isFailing: (key, address) => this.#checks.isFailing(key, address),
      breakersOf: (key) => this.#translation.breakers.get(key) ?? null,
      isServed: (predictor) => isDeployments(this, predictor),
    });
  }

  /** The newest table, read where it is published. Gone with this turn: the next one may write over what it names. */
  get table(): RouteTable<null> {
    const { root } = this.#shared;
    if (root !== 0 && this.#table.version !== this.#publisher.written.version) this.#table.adopt(root);
    return this.#table;
  }

  /** The table that is published; version 0: none yet. */
  get served(): TableFacts {
    const { version, hash, routeCount } = this.#publisher.written;
    return { version, hash: version === 0 ? "" : hash, routeCount };
  }

  get tableBytes(): { readonly used: number; readonly touched: number } {
    return this.#publisher.bytes;
  }

  get translation(): Translation {
    return this.#translation;
  }

  hasMapping(id: string): boolean {
    return this.#publisher.hasMapping(id);
  }

  get mappingIds(): Iterable<string> {
    return this.#publisher.mappingIds;
  }

  get routeKeys(): Iterable<string> {
    return this.#publisher.routeKeys;
  }

  routeAt(key: string): Route<null> | null {
    return this.#publisher.routeAt(key);
  }

  /** The Route of a Mapping in the newest table; null: it has none. */
  routeOf(mappingId: string): Route<null> | null {
    return this.#publisher.routeOf(mappingId);
  }

  /** Looks at what the workers have counted: at a fixed pace. */
  async measure(slices: Slices): Promise<void> {
    if (await this.counted.look(slices)) this.otherProblemsChanged();
  }

  /** What /readyz answers. */
  get ready(): boolean {
    return this.#readiness.ofGateway(this.#publisher.serving);
  }

  get serving(): number {
    return this.#publisher.serving;
  }

  /** Why it is not ready, for people; null: it is. */
  get waitsFor(): string | null {
    if (this.ready) return null;
    if (this.#readiness.isDraining) return "it drains";
    if (!this.#readiness.isSynced) return "it waits for its sources";
    return this.#publisher.lacking ?? "it waits for its data workers";
  }

  /** Endpoints of an Upstream; undefined: a name that was not looked up yet. */
  #known(upstreamKey: string): UpstreamEndpoints | undefined {
    return this.#resolver.endpointsOf(upstreamKey) ?? this.#translation.endpoints.get(upstreamKey);
  }

  /** All Problems: of the Source, the Translation, the table and the names. Sorted. */
  get problems(): readonly Problem[] {
    return this.#problems.sorted;
  }

  /** The same in no order, gathered in slices. The same list until something changed. */
  gatherProblems(slices: Slices): Promise<readonly Problem[]> {
    return this.#problems.inSlices(slices);
  }

  /** Takes a change of the Source. The first one only gathers until `open`. */
  take(change: SourceChange): void {
    this.#sourceProblems = change.problems;
    if (!this.#isOpen) this.#read += change.set.length;
    this.#take(this.#translator.apply(change), change.readAtMs);
    if (this.#isOpen) this.#tellOAuth(false);
  }

  /** What is wrong beside objects is gathered too: with the record of releases, the policy, certificates. */
  gatherAlso(problems: () => readonly Problem[]): void {
    this.#others.push(problems);
  }

  /** What is gathered beside objects may be something else now. */
  otherProblemsChanged(): void {
    this.#problems.changed();
  }

  /** The record of releases is another one. */
  release(record: ReleaseRecord): void {
    this.#take(this.#translator.setReleases(record), this.#outside.nowMs());
  }

  #take(translated: TranslationChange, readAtMs: number): void {
    this.#translation = this.#translator.current();
    this.otherProblemsChanged();
    this.#own(translated);
    const edits = this.#translator.drainEdits();
    for (const stack of this.#translator.drainFaults()) this.#outside.faulted(stack);
    if (this.#isOpen) this.#outside.changes.made(edits, readAtMs);
    this.#publisher.change(translated, readAtMs);
    if (!this.#publisher.isPending) this.#settleChanges();
    this.#checks.take(translated);
  }

  /** All changes so far are in the newest table, or make no other one. */
  #settleChanges(): void {
    const { version } = this.#publisher.written;
    const isNew = version !== this.#toldVersion;
    this.#toldVersion = version;
    this.#outside.changes.settled(isNew ? version : null, this.#publisher.refusal, this.#publisher.workers);
  }

  /** Slots of what is new or gone, and names that are looked up. */
  #own(translated: TranslationChange): void {
    this.counted.own(translated, this.#publisher.nextVersion);
    this.#resolver.remove(translated.removedUpstreams);
    this.#resolver.set(translated.upstreams);
    this.#ownEndpoints(translated.endpoints);
  }

  #ownEndpoints(endpoints: readonly UpstreamEndpoints[]): void {
    for (const one of endpoints)
      this.counted.ownEndpoints(this.#resolver.endpointsOf(one.key) ?? one, this.#publisher.nextVersion);
  }

  /** On another way than the table of the same change: until both are there, a new client's tokens lead nowhere. */
  #tellOAuth(whole: boolean): void {
    const { set, removed } = this.#translator.drainOAuth();
    if (whole || set.length + removed.length > 0) this.#outside.oauthClients({ whole, set, removed });
  }

  /** The Source has synced: the first table leaves. */
  open(): void {
    this.#isOpen = true;
    this.#tellOAuth(true);
    this.#readiness.synced();
    this.#publisher.open();
    this.#outside.changes.read(this.#read);
    this.#observeReadiness();
  }

  join(worker: number, wake: () => void): void {
    this.#publisher.join(worker, wake);
  }

  leave(worker: number): void {
    this.#publisher.leave(worker);
    this.#outside.changes.held(this.#publisher.workers);
  }

  from(worker: number, message: Exclude<DataToControl, { readonly kind: "keys-wanted" | "revoked" | "ask" }>): void {
    switch (message.kind) {
      case "taken":
        return this.#publisher.taken(worker, message.version, message.atMs);
      case "evidence":
        return this.counted.evidence(message);
      case "lacks":
        return this.#publisher.lacks(worker, message.what);
      case "used":
        return this.#resolver.used(message.upstreams);
    }
  }

  drain(): void {
    this.#readiness.drain();
    this.#publisher.setReady(this.#readiness.ofWorkers);
  }

  /** Frees slots whose Series are gone for long enough. */
  sweep(blocks: readonly Float64Array[]): void {
    this.counted.sweep(blocks, this.#publisher.heldByAll);
  }

  stop(): void {
    this.#publisher.stop();
    this.#resolver.stop();
    this.#checks.stop();
  }

  #resolved(change: TranslationChange): void {
    this.otherProblemsChanged();
    this.#ownEndpoints(change.endpoints);
    this.#publisher.change(change, this.#outside.nowMs());
    this.#checks.take(change);
    this.#keep();
  }

  /** Called once a table, before it leaves: whatever happens then, a successor goes on from here. Most changes move traffic, and there is nothing to tell. */
  #keep(): void {
    const { addresses } = this.#resolver;
    const ready = this.#readiness.wasReady;
    if (ready === this.#told.ready && sameValue(addresses, this.#told.addresses)) return;
    this.#told = { ready, addresses };
    this.#outside.keep(this.#told);
  }

  #observeReadiness(): void {
    if (!this.#readiness.observe(this.#publisher.serving)) return;
    this.#publisher.setReady(this.#readiness.ofWorkers);
    this.#keep();
    this.#outside.ready();
  }
}
