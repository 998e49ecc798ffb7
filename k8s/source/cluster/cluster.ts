// The cluster Source: one Reflector a resource and watched namespace; their changes joined to one stream, and the last good objects from disk
// while the API server cannot be had at a start.
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { ObjectRef, Problem } from "../../../routing/text/problem.ts";
import { objectKey } from "../../translate/model/object.ts";
import type { LastGood, StoredForm } from "../objects/last-good.ts";
import type { EventWriter, Source, SourceChange } from "../objects/source.ts";
import type { Api } from "../api/api.ts";
import { ClusterEvents } from "./cluster-events.ts";
import { ClusterLease } from "./cluster-lease.ts";
import { ClusterReplicas } from "./cluster-replicas.ts";
import { ClusterReviews } from "./cluster-reviews.ts";
import { ClusterObject } from "./cluster-object.ts";
import { problemsOf } from "./cluster-problems.ts";
import type { CollectionChange } from "./collection.ts";
import { RecordConfigMap } from "./record-config-map.ts";
import { ReferencedSecrets } from "./referenced-secrets.ts";
import type { ReflectorTimes } from "./reflector-times.ts";
import { Reflector } from "./reflector.ts";
import { guardResources, platformResources, resourceName, watchedResources } from "./resources.ts";
import { StandIns } from "./stand-ins.ts";

export interface ClusterTimes {
  readonly reflector: ReflectorTimes;
  /** Without the first lists after so long, the last good objects are served. */
  readonly lastGoodAfterMs: number;
  /** Longest wait for Secrets before the first table: what needs a missing one is not ready, everything else is. */
  readonly secretsMs: number;
}

/** Objects of one change after the first: what a flood holds beyond them comes next, and the thread serves others in between. */
const mostObjects = 200;

/** A ConfigMap with a record. */
export interface RecordPlace {
  readonly namespace: string;
  readonly name: string;
}

export interface ClusterOptions {
  readonly api: Api;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** Watch Mappings, TLSContexts and what configures the whole gateway too. */
  readonly mappings: boolean;
  /** Namespaces from which that counts: it is watched there whatever `namespaces` says. */
  readonly platformNamespaces: readonly string[];
  readonly forbiddenAddresses: readonly string[];
  /** The same of releases. */
  readonly releases: RecordPlace | null;
  readonly lastGood: LastGood | null;
  /** For tools: what cannot be read at once ends the start with its sentence. */
  readonly once: boolean;
  readonly times: ClusterTimes;
  readonly random: () => number;
}

export class ClusterSource implements Source {
  readonly kind = "cluster";
  readonly forbiddenAddresses: readonly string[];
  readonly events: EventWriter;
  readonly reviews: ClusterReviews;
  readonly replicas: ClusterReplicas;
  /** Of the same name as the record of releases: who decides about them. */
  readonly leadership: ClusterLease | null;
  readonly releases: RecordConfigMap | null;
  readonly #options: ClusterOptions;
  readonly #reflectors: readonly Reflector[];
  readonly #records: readonly RecordConfigMap[];
  readonly #secrets: ReferencedSecrets;
  readonly #standIns: StandIns;
  readonly #startedMs = performance.now();
  /** What was read and is not delivered yet, by key. */
  readonly #pending = new Map<string, ClusterObject | null>();
  /** When the first byte of what is pending was read; 0: nothing is. */
  #readAtMs = 0;
  #problemsStale = true;
  #shownProblems = "";
  #lastProblems: readonly Problem[] = [];
  /** Something was delivered that is not stored. */
  #unstored = false;
  #deliver: ((change: SourceChange) => void) | null = null;
  #immediate: NodeJS.Immediate | null = null;
  #wake: () => void = () => {};
  /** Age of the objects from disk, at a time of performance.now(); null: they are not served. */
  #restored: { readonly ageSeconds: number; readonly atMs: number } | null = null;
  #stopped = false;

  constructor(options: ClusterOptions) {
    const { api, namespaces, times, random } = options;
    this.#options = options;
    this.forbiddenAddresses = options.forbiddenAddresses;
    const shared = { api, times: times.reflector, random };
    const scopes = namespaces.length === 0 ? [null] : namespaces;
    const platformScopes =
      namespaces.length === 0 ? [null] : [...new Set([...namespaces, ...options.platformNamespaces])];
    this.#reflectors = watchedResources(options.mappings).flatMap((resource) =>
      (platformResources.includes(resource) ? platformScopes : scopes).map((namespace) => {
        const reflector: Reflector = new Reflector(
          { ...shared, resource, namespace, name: null },
          {
            changed: (change, readAtMs) => this.#changed(reflector, change, readAtMs),
            stateChanged: () => this.#stateChanged(),
          },
        );
        return reflector;
      }),
    );
    this.#standIns = new StandIns(this.#reflectors, (change, readAtMs) => this.#pend(change, readAtMs));
    this.#secrets = new ReferencedSecrets(shared, {
      changed: (change, readAtMs) => this.#pend(change, readAtMs),
      stateChanged: () => this.#stateChanged(),
    });
    const recordAt = (place: RecordPlace | null): RecordConfigMap | null =>
      place === null ? null : new RecordConfigMap({ kind: "ConfigMap", ...place }, shared, () => this.#recordChanged());
    this.releases = recordAt(options.releases);
    this.#records = [this.releases].filter((record) => record !== null);
    this.leadership = options.releases === null ? null : new ClusterLease(api, options.releases);
    this.replicas = new ClusterReplicas(api);
    this.reviews = new ClusterReviews(api);
    this.events = new ClusterEvents(api, (ref) => this.#find(ref));
  }

  async start(deliver: (change: SourceChange) => void): Promise<void> {
    const { once, times } = this.#options;
    for (const reflector of this.#reflectors) reflector.start();
    for (const record of this.#records) record.start();
    await this.#until(() => this.#settled || (once && this.#reflectors.some(isFailing)), times.lastGoodAfterMs);
    if (once && !this.#settled) throw new Error(this.trouble() ?? "the cluster cannot be read");
    if (!this.#settled) await this.#restore();
    await this.#until(() => this.#settled || this.#restored !== null, Infinity);
    if (this.#stopped) return;
    this.#deliver = deliver;
    this.#send(this.#take(Infinity));
    // Who takes the change says which Secrets it needs.
    await this.#until(() => this.#secrets.settled, times.secretsMs);
    this.#send(this.#take(Infinity));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#deliver = null;
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    this.#wake();
    await Promise.all([...this.#reflectors, this.#secrets, ...this.#records].map((one) => one.stop()));
    this.#options.api.close();
    await this.#options.lastGood?.close();
  }

  follow(secrets: ReadonlySet<string>): void {
    this.#secrets.follow(secrets);
  }

  ageSeconds(): number {
    const nowMs = performance.now();
    if (this.#restored !== null) return this.#restored.ageSeconds + (nowMs - this.#restored.atMs) / 1000;
    let sinceMs = nowMs;
    for (const { state, resource } of this.#reflectors) {
      if (state.kind === "starting") sinceMs = Math.min(sinceMs, this.#startedMs);
      else if (state.kind === "behind" || (state.kind === "forbidden" && resource.required))
        sinceMs = Math.min(sinceMs, state.sinceMs);
    }
    return (nowMs - sinceMs) / 1000;
  }

  trouble(): string | null {
    const { server } = this.#options.api;
    const failing = this.#reflectors.find(isFailing);
    if (failing !== undefined) return problemsOf(failing, server, this.#options.once)[0]!.sentence;
    const starting = this.#reflectors.find(({ state }) => state.kind === "starting");
    return starting === undefined ? null : `${server} has not listed ${resourceName(starting.resource)} yet`;
  }

  /** Everything that can be read was read once; of what nothing can be routed without, in one namespace at least; and all that keeps requests away. */
  get #settled(): boolean {
    return (
      this.#records.every(({ settled }) => settled) &&
      this.#reflectors.every(
        ({ answered, state, resource }) =>
          answered || (state.kind === "forbidden" && !guardResources.includes(resource)),
      ) &&
      this.#reflectors.every(
        ({ resource }) =>
          !resource.required || this.#reflectors.some((other) => other.resource === resource && other.answered),
      )
    );
  }

  /** Resolves when `done` holds, or after `limitMs`, or when it is stopped. */
  async #until(done: () => boolean, limitMs: number): Promise<void> {
    const ending = new AbortController();
    const late =
      limitMs === Infinity
        ? new Promise<false>(() => {})
        : sleep(limitMs, false, { signal: ending.signal }).catch(() => false);
    let waiting = true;
    while (waiting && !done() && !this.#stopped) {
      const woken = new Promise<true>((resolve) => {
        this.#wake = () => resolve(true);
      });
      waiting = await Promise.race([woken, late]);
    }
    this.#wake = () => {};
    ending.abort();
  }

  // ---- the last good objects

  async #restore(): Promise<void> {
    const read = (await this.#options.lastGood?.read()) ?? null;
    if (read === null || this.#settled) return;
    const late = this.#reflectors.filter(({ answered }) => !answered);
    for (const reflector of late) {
      const { resource, namespace } = reflector;
      const objects = read.objects
        .filter(({ ref }) => ref.kind === resource.kind && (namespace === null || namespace === ref.namespace))
        .map((form) => new ClusterObject(form));
      reflector.preload(objects);
      this.#changed(
        reflector,
        new Map(objects.map((object) => [objectKey(object.ref), object])),
        performance.timeOrigin + performance.now(),
      );
    }
    for (const record of this.#records) record.restore(read.objects);
    this.#restored = { ageSeconds: read.ageSeconds, atMs: performance.now() };
    this.#problemsStale = true;
  }

  *#stored(): Iterable<StoredForm> {
    for (const { objects } of this.#reflectors) yield* objects.values();
    for (const record of this.#records) yield* record.stored;
  }

  // ---- changes

  #changed(reflector: Reflector, change: CollectionChange, readAtMs: number): void {
    if (this.#standIns.hides(reflector)) return;
    this.#pend(change, readAtMs);
    this.#standIns.changed(reflector, change, readAtMs);
  }

  #recordChanged(): void {
    this.#unstored = true;
    this.#stateChanged();
  }

  #stateChanged(): void {
    this.#problemsStale = true;
    this.#standIns.look();
    if (this.#restored !== null && this.#settled) this.#restored = null;
    this.#schedule();
    this.#wake();
  }

  #pend(change: CollectionChange, readAtMs: number): void {
    for (const [key, object] of change) this.#pending.set(key, object);
    if (this.#readAtMs === 0) this.#readAtMs = readAtMs;
    this.#schedule();
  }

  /** After the bytes that are already here: what comes together is one change, if it is no flood. */
  #schedule(): void {
    if (this.#deliver === null) return;
    this.#immediate ??= setImmediate(() => {
      this.#immediate = null;
      this.#send(this.#take(mostObjects));
    });
  }

  #take(most: number): CollectionChange {
    const taken = new Map<string, ClusterObject | null>();
    for (const [key, object] of this.#pending) {
      if (taken.size >= most) break;
      taken.set(key, object);
      this.#pending.delete(key);
    }
    return taken;
  }

  #send(change: CollectionChange): void {
    if (this.#deliver === null) return;
    const problems = this.#problemsStale ? this.#problems() : null;
    this.#problemsStale = false;
    const shown = problems === null ? this.#shownProblems : JSON.stringify(problems);
    if (change.size === 0 && shown === this.#shownProblems) return;
    const readAtMs = this.#readAtMs === 0 ? performance.timeOrigin + performance.now() : this.#readAtMs;
    // What has to wait for the next change is as old.
    if (this.#pending.size === 0) this.#readAtMs = 0;
    else this.#schedule();
    this.#shownProblems = shown;
    this.#lastProblems = problems ?? this.#lastProblems;
    this.#unstored ||= change.size > 0;
    // What came from disk is not worth writing, nor half of what takes its place.
    if (this.#unstored && this.#restored === null) {
      this.#unstored = false;
      this.#options.lastGood?.changed(() => [...this.#stored()]);
    }
    this.#deliver({ ...listsOf(change), problems: this.#lastProblems, readAtMs });
  }

  #problems(): readonly Problem[] {
    const { server } = this.#options.api;
    const problems = [
      ...this.#reflectors.flatMap((reflector) => problemsOf(reflector, server)),
      ...this.#secrets.problems(server),
    ];
    if (this.#restored !== null) {
      problems.push({
        code: "served-from-snapshot",
        level: "warning",
        subject: { kind: "Cluster", namespace: "", name: server },
        field: "",
        sentence: `the API server has not answered since the start, so Sluice serves what it knew ${Math.round(this.#restored.ageSeconds)} s before the start`,
      });
    }
    return problems;
  }

  #find(ref: ObjectRef): ClusterObject | null {
    const key = objectKey(ref);
    for (const { resource, objects } of this.#reflectors) {
      const object = resource.kind === ref.kind ? objects.get(key) : undefined;
      if (object !== undefined) return object;
    }
    return null;
  }
}

function listsOf(change: CollectionChange): Pick<SourceChange, "set" | "removed"> {
  const set: ClusterObject[] = [];
  const removed: string[] = [];
  for (const [key, object] of change) {
    if (object === null) removed.push(key);
    else set.push(object);
  }
  return { set, removed };
}

/** What it knows is not, or may not be, the truth. */
function isFailing({ state, resource }: Reflector): boolean {
  return state.kind === "behind" || (state.kind === "forbidden" && resource.required);
}
