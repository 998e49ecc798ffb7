// Reflector: keeps a Collection like the API server's, whatever happens in between. client-go's contract (tools/cache/reflector.go): paginated
// list, watch with bookmarks from the list's version, 410 means list again, failures wait with back-off and never end it.
//
// One loop does one thing at a time, so nothing of an earlier watch can come late: its connection is gone before the next one is asked for.
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { objectKey } from '../../translate/object.ts';
import { fieldOf, recordOf, textOf } from '../../translate/value.ts';
import { reasonOf, type Api, type ApiFailure } from './api.ts';
import { apiBackoff, Backoff, type BackoffTimes } from './backoff.ts';
import { readClusterObject, type ClusterObject } from './cluster-object.ts';
import { Collection, type CollectionChange } from './collection.ts';
import { locate } from './discovery.ts';
import { LineSplitter } from './lines.ts';
import { ListScanner, type ListEnvelope } from './list-scanner.ts';
import { apiVersionOf, collectionPath, type Resource } from './resources.ts';

export interface ReflectorTimes {
  /** A watch is asked to last so long, drawn between the two, ms. */
  readonly watchMs: readonly [least: number, most: number];
  /** A connection without a byte for so long is given up; the API server sends a bookmark a minute. */
  readonly idleMs: number;
  /** Longest wait for the head of a list, and between two pieces of it. */
  readonly listIdleMs: number;
  readonly backoff: BackoffTimes;
  /** A list that loses most objects is asked again after this. */
  readonly holdMs: number;
  /** Between two looks for a CRD that is not installed, and between two tries of what is forbidden. */
  readonly absentMs: number;
  /** What was allowed and is denied counts as forbidden after this: an API server that has just started denies everything until it has read its roles. */
  readonly deniedMs: number;
  /** A watch that ends sooner counts as a failure, or a broken server would be asked without pause. */
  readonly shortWatchMs: number;
  /** A list is older than this: the end of the next watch lists again, in case an event was lost. */
  readonly relistMs: number;
}

export const reflectorTimes: ReflectorTimes = {
  watchMs: [300_000, 600_000],
  idleMs: 100_000,
  listIdleMs: 30_000,
  backoff: apiBackoff,
  holdMs: 60_000,
  absentMs: 5000,
  deniedMs: 30_000,
  shortWatchMs: 1000,
  relistMs: 3_600_000,
};

/** Objects of one answer, by page. */
const pageItems = 500;
/** Longest item that is read, bytes: etcd takes 1.5 MiB, and JSON may be longer than what is stored. */
const objectBytes = 4 * 1024 * 1024;

export type ReflectorState =
  /** Nothing known yet. */
  | { readonly kind: 'starting' }
  | { readonly kind: 'current' }
  /** What is known may be old: since when (performance.now()), and why. */
  | { readonly kind: 'behind'; readonly sinceMs: number; readonly sentence: string }
  | { readonly kind: 'forbidden'; readonly sinceMs: number; readonly sentence: string }
  /** The CRD is not installed. */
  | { readonly kind: 'absent' };

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

/** Objects that a list did not hold and that are kept until a second list decides. */
export interface HeldRemoval {
  readonly missing: number;
  readonly of: number;
}

/** Why a list or watch ended. */
type Ended = { readonly kind: 'done' } | { readonly kind: 'expired' } | ApiFailure;

export class Reflector {
  readonly resource: Resource;
  readonly namespace: string | null;
  readonly objects = new Collection();
  readonly #options: ReflectorOptions;
  readonly #listener: ReflectorListener;
  readonly #backoff: Backoff;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #state: ReflectorState = { kind: 'starting' };
  #answered = false;
  #held: HeldRemoval | null = null;
  #unreadable = 0;
  /** Served version of the API; null: to be found out. */
  #apiVersion: string | null = null;
  /** Where the next watch starts; null: a list comes first. */
  #version: string | null = null;
  /** The next list asks for no version, so that etcd itself answers. */
  #quorum = true;
  /** Version of the last list or event, kept when a list must come first. */
  #lastVersion = '';
  #listedAtMs = 0;
  #heldAtMs = 0;
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
  }

  get state(): ReflectorState {
    return this.#state;
  }

  /** The API server has answered once: with a list, or that there is none. */
  get answered(): boolean {
    return this.#answered;
  }

  get held(): HeldRemoval | null {
    return this.#held;
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
      if (this.#stopped || ended.kind === 'done') continue;
      if (ended.kind === 'expired') await this.#expire();
      else await this.#fail(ended);
    }
  }

  get #stopped(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Finds the resource, lists it, or watches it until the watch ends. */
  async #step(): Promise<Ended> {
    const { api, resource, times } = this.#options;
    if (this.#apiVersion === null) {
      const located = await locate(api, resource, times.listIdleMs, this.#stopping.signal);
      if (located.kind === 'absent') return this.#absent();
      if (located.kind !== 'served') return located;
      this.#apiVersion = located.version;
    }
    return this.#version === null ? this.#list() : this.#watch(this.#version);
  }

  async #absent(): Promise<Ended> {
    this.#take(new Map(), 0, now());
    this.#become({ kind: 'absent' });
    await this.#pause(this.#held === null ? this.#options.times.absentMs : this.#options.times.holdMs);
    return { kind: 'done' };
  }

  /** The version is too old to watch from. One that was listed a moment ago should not be, so that is no reason to hurry. */
  async #expire(): Promise<void> {
    const nowMs = performance.now();
    this.#version = null;
    if (nowMs - this.#listedAtMs < this.#options.times.shortWatchMs) await this.#pause(this.#backoff.waitMs(nowMs, null));
  }

  async #fail(failure: ApiFailure): Promise<void> {
    const { times, random } = this.#options;
    const sinceMs = this.#state.kind === 'behind' || this.#state.kind === 'forbidden' ? this.#state.sinceMs : this.#lostAtMs;
    if (failure.kind === 'refused' && failure.status === 404) {
      // The version is not served any more, or the CRD is gone.
      this.#apiVersion = null;
      this.#version = null;
    }
    if (failure.kind === 'refused' && failure.status === 403) {
      // A list may be allowed where a watch is not: then lists follow each other.
      this.#version = null;
      this.#deniedAtMs ??= performance.now();
      if (!this.#answered || performance.now() - this.#deniedAtMs >= times.deniedMs) {
        this.#become({ kind: 'forbidden', sinceMs, sentence: failure.sentence });
        return this.#pause(times.absentMs * (1 + random()));
      }
    } else {
      this.#deniedAtMs = null;
    }
    this.#become({ kind: 'behind', sinceMs, sentence: failure.sentence });
    return this.#pause(this.#backoff.waitMs(performance.now(), failure.kind === 'refused' ? failure.retryAfterMs : null));
  }

  // ---- lists

  async #list(): Promise<Ended> {
    const quorum = this.#quorum;
    const listed = new Map<string, ClusterObject>();
    const readAtMs = now();
    let unreadable = 0;
    const page = async (query: string): Promise<ListEnvelope | ApiFailure> => this.#page(query, listed, () => (unreadable += 1));
    let answer = await page(quorum ? `limit=${pageItems}` : `resourceVersion=${encodeURIComponent(this.#lastVersion)}&resourceVersionMatch=NotOlderThan`);
    while (!isFailure(answer) && answer.continueToken !== '') {
      answer = await page(`limit=${pageItems}&continue=${encodeURIComponent(answer.continueToken)}`);
      if (isExpired(answer)) {
        // The pages took longer than the server remembers: all at once then.
        listed.clear();
        answer = await page('');
      }
    }
    if (isFailure(answer)) {
      // A server that does not have the version (any more, or yet) is asked for whatever it has.
      if (!quorum && answer.kind === 'refused' && [410, 504].includes(answer.status)) {
        this.#quorum = true;
        return { kind: 'done' };
      }
      return answer;
    }
    this.#quorum = false;
    this.#version = this.#lastVersion = answer.resourceVersion;
    this.#listedAtMs = this.#lostAtMs = performance.now();
    this.#take(listed, unreadable, readAtMs);
    this.#become({ kind: 'current' });
    return { kind: 'done' };
  }

  /** Takes a whole list, or doubts it: what it lost stays for a while and a second list decides. */
  #take(listed: ReadonlyMap<string, ClusterObject>, unreadable: number, readAtMs: number): void {
    const before = { answered: this.#answered, held: this.#held, unreadable: this.#unreadable };
    const missing = this.objects.missingFrom(listed);
    const confirmed = this.#held !== null && performance.now() - this.#heldAtMs >= this.#options.times.holdMs;
    const keep = this.objects.isDoubtful(missing) && !confirmed;
    if (!keep) this.#held = null;
    else if (this.#held === null) {
      this.#held = { missing, of: this.objects.size };
      this.#heldAtMs = performance.now();
    }
    this.#answered = true;
    this.#unreadable = unreadable;
    const change = this.objects.replace(listed, keep);
    if (change.size > 0) this.#listener.changed(change, readAtMs);
    if (!before.answered || before.held !== this.#held || before.unreadable !== unreadable) this.#listener.stateChanged();
  }

  async #page(query: string, listed: Map<string, ClusterObject>, unreadable: () => void): Promise<ListEnvelope | ApiFailure> {
    const { api, times } = this.#options;
    const opened = await api.open({ method: 'GET', path: this.#path(query), body: null, idleMs: times.listIdleMs, signal: this.#stopping.signal });
    if (opened.kind !== 'opened') return opened;
    const scanner = new ListScanner(
      {
        item: (text) => {
          const object = this.#read(parsed(text));
          if (object === null) return unreadable();
          const key = objectKey(object.ref);
          listed.set(key, this.objects.known(key, object));
        },
        oversized: unreadable,
      },
      objectBytes,
    );
    try {
      for await (const chunk of opened.body as AsyncIterable<Buffer>) scanner.push(chunk);
    } catch (error) {
      return { kind: 'unreachable', sentence: `the list was cut (${reasonOf(error)})` };
    }
    return scanner.end() ?? { kind: 'unreachable', sentence: 'the list is not complete' };
  }

  #read(value: unknown): ClusterObject | null {
    return readClusterObject(this.resource.kind, apiVersionOf(this.resource, this.#apiVersion!), value);
  }

  #path(query: string): string {
    const { resource, namespace, name } = this.#options;
    const selector = name === null ? '' : `fieldSelector=${encodeURIComponent(`metadata.name=${name}`)}`;
    return `${collectionPath(resource, this.#apiVersion!, namespace)}?${[query, selector].filter((part) => part !== '').join('&')}`;
  }

  // ---- watches

  async #watch(version: string): Promise<Ended> {
    const { api, times, random } = this.#options;
    const [least, most] = times.watchMs;
    const lastMs = this.#held === null ? least + random() * (most - least) : Math.min(least, times.holdMs);
    const seconds = Math.max(1, Math.ceil(lastMs / 1000));
    const query = `watch=true&allowWatchBookmarks=true&timeoutSeconds=${seconds}&resourceVersion=${encodeURIComponent(version)}`;
    const startedMs = performance.now();
    const opened = await api.open({ method: 'GET', path: this.#path(query), body: null, idleMs: times.idleMs, signal: this.#stopping.signal });
    if (opened.kind !== 'opened') return isExpired(opened) ? { kind: 'expired' } : opened;
    this.#deniedAtMs = null;
    this.#become({ kind: 'current' });
    // The server ends it; where it does not, we do. While a removal is held its time is exact.
    const overdue = setTimeout(() => opened.body.destroy(), this.#held === null ? lastMs + times.idleMs : lastMs);
    const ended = await this.#follow(opened.body);
    clearTimeout(overdue);
    if (ended.kind === 'expired' || this.#stopped) return ended;
    const held = this.#held !== null;
    if (held || this.#unreadable > 0 || performance.now() - this.#listedAtMs > times.relistMs) {
      this.#version = null;
      this.#quorum = held;
    }
    // One that held for a while is tried again at once, and that says whether the server is there.
    if (performance.now() - startedMs >= times.shortWatchMs || held) return { kind: 'done' };
    return ended.kind === 'done' ? { kind: 'unreachable', sentence: 'the watch ended at once' } : ended;
  }

  /** Reads events until the stream ends. */
  async #follow(body: AsyncIterable<Buffer> & { destroy(): void }): Promise<Ended> {
    let ended: Ended = { kind: 'done' };
    let heardMs = performance.now();
    let change = new Map<string, ClusterObject | null>();
    const splitter = new LineSplitter(
      {
        line: (text) => {
          if (ended.kind !== 'done') return;
          const event = recordOf(parsed(text));
          const type = textOf(fieldOf(event, 'type'));
          const value = fieldOf(event, 'object');
          if (type === 'ERROR') ended = errorOf(value);
          else if (type === 'BOOKMARK') this.#move(value);
          else this.#event(type, value, change);
        },
        oversized: () => this.#miss(),
      },
      objectBytes,
    );
    try {
      for await (const chunk of body) {
        heardMs = performance.now();
        splitter.push(chunk);
        if (change.size > 0) this.#listener.changed(change, performance.timeOrigin + heardMs);
        change = new Map();
        if (ended.kind !== 'done') break;
      }
    } catch (error) {
      ended = { kind: 'unreachable', sentence: `the watch was cut (${reasonOf(error)})` };
    } finally {
      body.destroy();
    }
    // After silence nothing is known since the last byte.
    const nowMs = performance.now();
    this.#lostAtMs = nowMs - heardMs >= this.#options.times.idleMs ? heardMs : nowMs;
    return ended;
  }

  #event(type: string, value: unknown, change: Map<string, ClusterObject | null>): void {
    const object = ['ADDED', 'MODIFIED', 'DELETED'].includes(type) ? this.#read(value) : null;
    if (object === null) return this.#miss();
    this.#move(value);
    const key = objectKey(object.ref);
    if (type === 'DELETED') {
      if (this.objects.remove(key)) change.set(key, null);
    } else if (this.objects.set(key, object)) {
      change.set(key, object);
    }
  }

  /** An event that cannot be read: the watch goes on, and a list after it finds what it said. */
  #miss(): void {
    this.#unreadable += 1;
    this.#listener.stateChanged();
  }

  #move(value: unknown): void {
    const version = textOf(fieldOf(recordOf(fieldOf(recordOf(value), 'metadata')), 'resourceVersion'));
    if (version !== '') this.#version = this.#lastVersion = version;
  }

  // ----

  #become(state: ReflectorState): void {
    const before = this.#state;
    this.#state = state;
    if (before.kind !== state.kind || ('sentence' in before && 'sentence' in state && before.sentence !== state.sentence)) this.#listener.stateChanged();
  }

  async #pause(ms: number): Promise<void> {
    // Rejects only when it is stopped.
    await sleep(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}

function isFailure(answer: ListEnvelope | ApiFailure): answer is ApiFailure {
  return 'kind' in answer;
}

function isExpired(answer: ListEnvelope | ApiFailure): boolean {
  return 'kind' in answer && answer.kind === 'refused' && answer.status === 410;
}

/** A Status in a watch: 410 means that the version is too old, everything else is a failure. */
function errorOf(value: unknown): Ended {
  const status = recordOf(value);
  const code = Number(fieldOf(status, 'code'));
  const reason = textOf(fieldOf(status, 'reason'));
  if (code === 410 || reason === 'Expired' || reason === 'Gone') return { kind: 'expired' };
  const seconds = Number(fieldOf(recordOf(fieldOf(status, 'details')), 'retryAfterSeconds'));
  return {
    kind: 'refused',
    status: Number.isInteger(code) ? code : 0,
    reason,
    sentence: `the watch ended: ${textOf(fieldOf(status, 'message')).slice(0, 300)}`,
    retryAfterMs: seconds > 0 ? Math.min(seconds * 1000, 60_000) : null,
  };
}

/** undefined for what is not JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
