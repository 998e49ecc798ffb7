// Output: what is published of all units (Mappings, Upstreams by use, Endpoints), and what changed since it was last asked.
import { sameValue } from '../../routing/diff.ts';
import type { Mapping } from '../../routing/mapping.ts';
import type { Upstream, UpstreamEndpoints } from '../../routing/upstream.ts';
import { backendKey, type BackendIndex } from './backends.ts';
import { sameEndpoints } from './endpoints.ts';
import { MultiMap } from './multimap.ts';
import type { TranslationChange } from './translation.ts';
import type { Draft, UnitMeaning } from './unit.ts';
import type { UpstreamPlan } from './upstreams.ts';

/** A unit as Output sees it: it keeps the ids that it has published. */
export interface Publisher {
  readonly meaning: UnitMeaning;
  published: readonly string[];
}

export class Output {
  readonly mappings = new Map<string, Mapping>();
  readonly upstreams = new Map<string, Upstream>();
  readonly endpoints = new Map<string, UpstreamEndpoints>();
  readonly #backends: BackendIndex;
  readonly #plans = new Map<string, UpstreamPlan>();
  readonly #uses = new Map<string, number>();
  readonly #byBackend = new MultiMap<string>();
  readonly #touchedMappings = new Set<string>();
  readonly #removedMappings = new Set<string>();
  readonly #touchedUpstreams = new Set<string>();

  constructor(backends: BackendIndex) {
    this.#backends = backends;
  }

  /** Publishes the drafts of a unit that are served. Mappings that did not change stay the same objects. */
  publish(unit: Publisher, isServed: (draft: Draft) => boolean): void {
    const ids = new Set<string>();
    for (const draft of unit.meaning.drafts) {
      const { id } = draft.mapping;
      if (ids.has(id) || !isServed(draft)) continue;
      ids.add(id);
      this.#set(draft.mapping, unit.meaning);
    }
    for (const id of unit.published) if (!ids.has(id)) this.#remove(id);
    unit.published = [...ids];
  }

  /** What changed since the last call; `changedBackends` are Services whose Endpoints may have changed. */
  takeChange(changedBackends: ReadonlySet<string>): TranslationChange {
    const upstreams: Upstream[] = [];
    const removedUpstreams: string[] = [];
    const checked = new Set<string>();
    for (const key of this.#touchedUpstreams) {
      const used = (this.#uses.get(key) ?? 0) > 0;
      if (used === this.upstreams.has(key)) continue;
      if (used) {
        upstreams.push(this.#addUpstream(key));
        checked.add(key);
      } else {
        this.#dropUpstream(key);
        removedUpstreams.push(key);
      }
    }
    for (const backend of changedBackends) for (const key of this.#byBackend.get(backend)) checked.add(key);
    const { endpoints, flipped } = this.#refresh(checked);
    const mappings = Array.from(this.#touchedMappings, (id) => this.mappings.get(id)!);
    const removedMappings = [...this.#removedMappings];
    this.#touchedUpstreams.clear();
    this.#touchedMappings.clear();
    this.#removedMappings.clear();
    return { mappings, removedMappings, upstreams, removedUpstreams, endpoints, flipped };
  }

  #set(mapping: Mapping, meaning: UnitMeaning): void {
    const { id, target } = mapping;
    const before = this.mappings.get(id);
    if (before !== undefined && (before === mapping || sameValue(before, mapping))) return;
    if (target.kind === 'forward') this.#use(target.upstream, meaning.upstreams.get(target.upstream)!);
    if (before !== undefined) this.#release(before);
    this.mappings.set(id, mapping);
    this.#touchedMappings.add(id);
    this.#removedMappings.delete(id);
  }

  #remove(id: string): void {
    const before = this.mappings.get(id);
    if (before === undefined) return;
    this.#release(before);
    this.mappings.delete(id);
    this.#touchedMappings.delete(id);
    this.#removedMappings.add(id);
  }

  #use(key: string, plan: UpstreamPlan): void {
    this.#plans.set(key, plan);
    this.#uses.set(key, (this.#uses.get(key) ?? 0) + 1);
    this.#touchedUpstreams.add(key);
  }

  #release({ target }: Mapping): void {
    if (target.kind !== 'forward') return;
    this.#uses.set(target.upstream, this.#uses.get(target.upstream)! - 1);
    this.#touchedUpstreams.add(target.upstream);
  }

  #addUpstream(key: string): Upstream {
    const { upstream } = this.#plans.get(key)!;
    this.upstreams.set(key, upstream);
    if (upstream.address.kind === 'service') this.#byBackend.add(backendKey(upstream.address.namespace, upstream.address.name), key);
    return upstream;
  }

  #dropUpstream(key: string): void {
    const { address } = this.upstreams.get(key)!;
    if (address.kind === 'service') this.#byBackend.delete(backendKey(address.namespace, address.name), key);
    this.upstreams.delete(key);
    this.endpoints.delete(key);
    this.#plans.delete(key);
    this.#uses.delete(key);
  }

  #refresh(keys: ReadonlySet<string>): Pick<TranslationChange, 'endpoints' | 'flipped'> {
    const endpoints: UpstreamEndpoints[] = [];
    const flipped: string[] = [];
    for (const key of keys) {
      const before = this.endpoints.get(key);
      const after = this.#backends.endpointsOf(this.#plans.get(key)!);
      if (before !== undefined && before.ready === after.ready && sameEndpoints(before.endpoints, after.endpoints)) continue;
      this.endpoints.set(key, after);
      endpoints.push(after);
      if (before?.ready !== after.ready) flipped.push(key);
    }
    return { endpoints, flipped };
  }
}
