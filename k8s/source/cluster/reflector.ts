// Reflector: keeps a Collection like the API server's, whatever happens in between. client-go's contract (tools/cache/reflector.go): paginated
// list, watch with bookmarks from the list's version, 410 means list again, failures wait with back-off and never end it.
//
// One loop does one thing at a time, so nothing of an earlier watch can come late: its connection is gone before the next one is asked for.
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { objectKey } from "../../translate/model/object.ts";
import type { Api, ApiFailure } from "../api/api.ts";
import { Backoff } from "./backoff.ts";
import { readClusterObject, type ClusterObject } from "./cluster-object.ts";
import { Collection, type CollectionChange } from "./collection.ts";
import { locate } from "./discovery.ts";
import { listAll } from "./listing.ts";
import type { ReflectorTimes } from "./reflector-times.ts";
import { RemovalHold, type HeldRemoval } from "./removal-hold.ts";
import { apiVersionOf, collectionPath, type Resource } from "./resources.ts";
import { readWatch, type WatchEnd, type WatchSink } from "./watch-stream.ts";

export type ReflectorState =
  /** Nothing known yet. */
  | { readonly kind: "starting" }
  | { readonly kind: "current" }
  /** What is known may be old: since when (performance.now()), and why. */
  | { readonly kind: "behind"; readonly sinceMs: number; readonly sentence: string }
  | { readonly kind: "forbidden"; readonly sinceMs: number; readonly sentence: string }
  /** The CRD is not installed. */
  | { readonly kind: "absent" };

export interface ReflectorOptions {
  readonly api: Api;
  readonly resource: Resource;
  /** null: all namespaces. */
  readonly namespace: string | null;
  /** Only the object of this name; null: all. */
  readonly name: string | null;
  readonly times: ReflectorTimes;
  readonly random: () => number;
}

export interface ReflectorListener {
  /** `readAtMs`: performance.timeOrigin + performance.now() when its first byte came. */
  changed(change: CollectionChange, readAtMs: number): void;
  /** `state`, `synced`, `held` or `unreadable` changed. */
  stateChanged(): void;
}

export class Reflector {
  readonly resource: Resource;
  readonly namespace: string | null;
  readonly objects = new Collection();
  readonly #options: ReflectorOptions;
  readonly #listener: ReflectorListener;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  readonly #sink: WatchSink;
  #running: Promise<void> = Promise.resolve();
  #state: ReflectorState = { kind: "starting" };
  #answered = false;
  readonly #hold: RemovalHold;
  #unreadable = 0;
  /** Served version of the API; null: to be found out. */
  #apiVersion: string | null = null;
  /** Where the next watch starts; null: a list comes first. */
  #version: string | null = null;
  /** The next list asks for no version, so that etcd itself answers. */
  #quorum = true;
  /** Version of the last list or event, kept when a list must come first. */
  #lastVersion = "";
  #listedAtMs = 0;
  /** When what is known was last the truth, unless a watch is open. */
  #lostAtMs = performance.now();
  /** Since when every answer is a denial, or null. */
  #deniedAtMs: number | null = null;

  constructor(options: ReflectorOptions, listener: ReflectorListener) {
    this.#options = options;
    this.resource = options.resource;
    this.namespace = options.namespace;
    this.#listener = listener;
    this.#backoff = new Backoff(options.times.backoff, options.random);
    this.#hold = new RemovalHold(options.times.holdMs);
    this.#sink = {
      objects: this.objects,
      read: (value) => this.#read(value),
      changed: (change, heardMs) => listener.changed(change, performance.timeOrigin + heardMs),
      moved: (version) => {
        this.#version = this.#lastVersion = version;
      },
      missed: () => {
        // A list after the watch finds what it said.
        this.#unreadable += 1;
        listener.stateChanged();
      },
    };
  }

  get state(): ReflectorState {
    return this.#state;
  }

  /** The API server has answered once: with a list, or that there is none. */
  get answered(): boolean {
    return this.#answered;
  }

  get held(): HeldRemoval | null {
    return this.#hold.held;
  }

  /** Objects passed over since the last list because they cannot be read. */
  get unreadable(): number {
    return this.#unreadable;
  }

  get name(): string | null {
    return this.#options.name;
  }

  /** Objects known from elsewhere: the first list is compared with them like any later one. Before `start`, or before the first answer. */
  preload(objects: Iterable<ClusterObject>): void {
    if (this.#answered) return;
    for (const object of objects) this.objects.set(objectKey(object.ref), object);
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const ended = await this.#step();
      if (this.#stopped || ended.kind === "done") continue;
      if (ended.kind === "expired") await this.#expire();
      else await this.#fail(ended);
    }
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Finds the resource, lists it, or watches it until the watch ends. */
  async #step(): Promise<WatchEnd> {
    const { api, resource, times } = this.#options;
    if (this.#apiVersion === null) {
      const located = await locate(api, resource, times.listIdleMs, this.#stopping.signal);
      if (located.kind === "absent") return this.#absent();
      if (located.kind !== "served") return located;
      this.#apiVersion = located.version;
    }
    return this.#version === null ? this.#list() : this.#watch(this.#version);
  }

  async #absent(): Promise<WatchEnd> {
    this.#take(new Map(), 0, now());
    this.#become({ kind: "absent" });
    await this.#pause(this.held === null ? this.#options.times.absentMs : this.#options.times.holdMs);
    return { kind: "done" };
  }

  /** The version is too old to watch from. One that was listed a moment ago should not be, so that is no reason to hurry. */
  async #expire(): Promise<void> {
    const nowMs = performance.now();
    this.#version = null;
    if (nowMs - this.#listedAtMs < this.#options.times.shortWatchMs)
      await this.#pause(this.#backoff.waitMs(nowMs, null));
  }

  async #fail(failure: ApiFailure): Promise<void> {
    const { times, random } = this.#options;
    const sinceMs =
      this.#state.kind === "behind" || this.#state.kind === "forbidden" ? this.#state.sinceMs : this.#lostAtMs;
    if (failure.kind === "refused" && failure.status === 404) {
      // The version is not served any more, or the CRD is gone.
      this.#apiVersion = null;
      this.#version = null;
    }
    if (failure.kind === "refused" && failure.status === 403) {
      // A list may be allowed where a watch is not: then lists follow each other.
      this.#version = null;
      this.#deniedAtMs ??= performance.now();
      if (!this.#answered || performance.now() - this.#deniedAtMs >= times.deniedMs) {
        this.#become({ kind: "forbidden", sinceMs, sentence: failure.sentence });
        return this.#pause(times.absentMs * (1 + random()));
      }
    } else {
      this.#deniedAtMs = null;
    }
    this.#become({ kind: "behind", sinceMs, sentence: failure.sentence });
    return this.#pause(
      this.#backoff.waitMs(performance.now(), failure.kind === "refused" ? failure.retryAfterMs : null),
    );
  }

  // ---- lists

  async #list(): Promise<WatchEnd> {
    const { api, times } = this.#options;
    const quorum = this.#quorum;
    const readAtMs = now();
    const listed = await listAll(
      {
        api,
        pathOf: (query) => this.#path(query),
        idleMs: times.listIdleMs,
        signal: this.#stopping.signal,
        read: (value) => this.#read(value),
        known: (key, object) => this.objects.known(key, object),
      },
      quorum ? null : this.#lastVersion,
    );
    if (listed.kind !== "listed") {
      // A server that does not have the version (any more, or yet) is asked for whatever it has.
      if (quorum || listed.kind !== "refused" || ![410, 504].includes(listed.status)) return listed;
      this.#quorum = true;
      return { kind: "done" };
    }
    this.#quorum = false;
    this.#version = this.#lastVersion = listed.version;
    this.#listedAtMs = this.#lostAtMs = performance.now();
    this.#take(listed.objects, listed.unreadable, readAtMs);
    this.#become({ kind: "current" });
    return { kind: "done" };
  }

  /** Takes a whole list, or doubts it: what it lost stays for a while and a second list decides. */
  #take(listed: ReadonlyMap<string, ClusterObject>, unreadable: number, readAtMs: number): void {
    const before = { answered: this.#answered, held: this.held, unreadable: this.#unreadable };
    const keep = this.#hold.keeps(this.objects, this.objects.missingFrom(listed));
    this.#answered = true;
    this.#unreadable = unreadable;
    const change = this.objects.replace(listed, keep);
    if (change.size > 0) this.#listener.changed(change, readAtMs);
    if (!before.answered || before.held !== this.held || before.unreadable !== unreadable)
      this.#listener.stateChanged();
  }

  #read(value: unknown): ClusterObject | null {
    return readClusterObject(this.resource.kind, apiVersionOf(this.resource, this.#apiVersion!), value);
  }

  #path(query: string): string {
    const { resource, namespace, name } = this.#options;
    const selector = name === null ? "" : `fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
    return `${collectionPath(resource, this.#apiVersion!, namespace)}?${[query, selector].filter((part) => part !== "").join("&")}`;
  }

  // ---- watches

  async #watch(version: string): Promise<WatchEnd> {
    const { api, times, random } = this.#options;
    const [least, most] = times.watchMs;
    const lastMs = this.held === null ? least + random() * (most - least) : Math.min(least, times.holdMs);
    const seconds = Math.max(1, Math.ceil(lastMs / 1000));
    const query = `watch=true&allowWatchBookmarks=true&timeoutSeconds=${seconds}&resourceVersion=${encodeURIComponent(version)}`;
    const startedMs = performance.now();
    const opened = await api.open({
      method: "GET",
      path: this.#path(query),
      body: null,
      idleMs: times.idleMs,
      signal: this.#stopping.signal,
    });
    if (opened.kind !== "opened")
      return opened.kind === "refused" && opened.status === 410 ? { kind: "expired" } : opened;
    this.#deniedAtMs = null;
    this.#become({ kind: "current" });
    // The server ends it; where it does not, we do. While a removal is held its time is exact.
    const overdue = setTimeout(() => opened.body.destroy(), this.held === null ? lastMs + times.idleMs : lastMs);
    const { end, heardMs } = await readWatch(opened.body, this.#sink);
    clearTimeout(overdue);
    // After silence nothing is known since the last byte.
    const nowMs = performance.now();
    this.#lostAtMs = nowMs - heardMs >= times.idleMs ? heardMs : nowMs;
    if (end.kind === "expired" || this.#stopped) return end;
    const held = this.held !== null;
    if (held || this.#unreadable > 0 || nowMs - this.#listedAtMs > times.relistMs) {
      this.#version = null;
      this.#quorum = held;
    }
    // One that held for a while is tried again at once, and that says whether the server is there.
    if (nowMs - startedMs >= times.shortWatchMs || held) return { kind: "done" };
    return end.kind === "done" ? { kind: "unreachable", sentence: "the watch ended at once" } : end;
  }

  // ----

  #become(state: ReflectorState): void {
    const before = this.#state;
    this.#state = state;
    if (
      before.kind !== state.kind ||
      ("sentence" in before && "sentence" in state && before.sentence !== state.sentence)
    )
      this.#listener.stateChanged();
  }

  async #pause(ms: number): Promise<void> {
    // Rejects only when it is stopped.
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
