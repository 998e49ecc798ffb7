// Output: what is published of all units (Mappings, Upstreams by use, Endpoints), and what changed since it was last asked.
import { sameValue } from '../../routing/diff.ts';
import type { Mapping } from '../../routing/mapping.ts';
import { isEnding, type Upstream, type UpstreamEndpoints } from '../../routing/upstream.ts';
import type { Backend, Backends } from './backends.ts';
import { sameEndpoints } from './endpoints.ts';
import { MapView } from './map-view.ts';
import { removeFrom } from './registry.ts';
import type { TranslationChange } from './translation.ts';
import type { Draft, UnitMeaning } from './unit.ts';
import type { UpstreamPlan } from './upstreams.ts';

/** A unit as Output sees it: it keeps the ids that it has published. */
export interface Publisher {
  readonly meaning: UnitMeaning;
  published: readonly string[];
}

/** An Upstream, and how many published Mappings name it. */
interface Use {
  plan: UpstreamPlan;
  /** The Service that it dials, or null. Kept here, because finding it costs as much as all else. */
  readonly backend: Backend | null;
  count: number;
  /** null until it is published. */
  endpoints: UpstreamEndpoints | null;
  touched: boolean;
}

export class Output {
  readonly mappings = new Map<string, Mapping>();
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly endpoints: ReadonlyMap<string, UpstreamEndpoints>;
  readonly #backends: Backends;
  readonly #uses = new Map<string, Use>();
  #set: Mapping[] = [];
  #removed: string[] = [];
  #touched: Use[] = [];

  constructor(backends: Backends) {
    this.#backends = backends;
    this.upstreams = new MapView(this.#uses, ({ plan }) => plan.upstream);
    this.endpoints = new MapView(this.#uses, ({ endpoints }) => endpoints!);
  }

  /** Publishes the drafts of a unit that are served. Mappings that did not change stay the same objects. Ids of drafts are unique. */
  publish(unit: Publisher, isServed: (draft: Draft) => boolean): void {
    const ids: string[] = [];
    for (const draft of unit.meaning.drafts) {
      if (!isServed(draft)) continue;
      ids.push(draft.mapping.id);
      this.#publish(draft);
    }
    if (unit.published.length > 0) {
      const served = new Set(ids);
      for (const id of unit.published) if (!served.has(id)) this.#withdraw(id);
    }
    unit.published = ids;
  }

  /** What changed since the last call. */
  takeChange(): TranslationChange {
    const upstreams: Upstream[] = [];
    const removedUpstreams: string[] = [];
    const endpoints: UpstreamEndpoints[] = [];
    const flipped: string[] = [];
    for (const use of this.#touched) {
      use.touched = false;
      const { upstream } = use.plan;
      if (use.count === 0) {
        if (use.endpoints !== null) removedUpstreams.push(upstream.key);
        this.#forget(use);
      } else if (use.endpoints === null) {
        upstreams.push(upstream);
        use.backend?.upstreams.push(upstream.key);
        this.#refresh(use, endpoints, flipped);
      }
    }
    for (const backend of this.#backends.registry.touched) for (const key of backend.upstreams) this.#refresh(this.#uses.get(key)!, endpoints, flipped);
    // A Mapping that was set twice, or removed and set again, counts as it is now.
    const mappings = this.#set.filter((mapping) => this.mappings.get(mapping.id) === mapping);
    const removedMappings = this.#removed.length === 0 ? [] : [...new Set(this.#removed)].filter((id) => !this.mappings.has(id));
    this.#touched = [];
    this.#set = [];
    this.#removed = [];
    return { mappings, removedMappings, upstreams, removedUpstreams, endpoints, flipped };
  }

  #publish({ mapping, plan }: Draft): void {
    const before = this.mappings.get(mapping.id);
    if (before !== undefined && (before === mapping || sameValue(before, mapping))) return;
    if (plan !== null) this.#use(plan);
    if (before !== undefined) this.#release(before);
    this.mappings.set(mapping.id, mapping);
    this.#set.push(mapping);
  }

  #withdraw(id: string): void {
    const before = this.mappings.get(id);
    if (before === undefined) return;
    this.#release(before);
    this.mappings.delete(id);
    this.#removed.push(id);
  }

  #use(plan: UpstreamPlan): void {
    const { key } = plan.upstream;
    let use = this.#uses.get(key);
    if (use === undefined) {
      use = { plan, backend: this.#backends.of(plan), count: 0, endpoints: null, touched: false };
      this.#uses.set(key, use);
    }
    use.plan = plan;
    use.count += 1;
    this.#touch(use);
  }

  #release({ target }: Mapping): void {
    if (target.kind !== 'forward') return;
    const use = this.#uses.get(target.upstream)!;
    use.count -= 1;
    this.#touch(use);
  }

  #touch(use: Use): void {
    if (use.touched) return;
    use.touched = true;
    this.#touched.push(use);
  }

  #forget({ plan: { upstream }, backend }: Use): void {
    this.#uses.delete(upstream.key);
    if (backend === null) return;
    removeFrom(backend.upstreams, upstream.key);
    this.#backends.registry.touch(backend);
  }

  #refresh(use: Use, endpoints: UpstreamEndpoints[], flipped: string[]): void {
    const before = use.endpoints;
    const after = this.#backends.endpointsOf(use.plan, use.backend);
    if (before !== null && before.ready === after.ready && sameEndpoints(before.endpoints, after.endpoints)) return;
    use.endpoints = after;
    endpoints.push(after);
    if (before === null || before.ready !== after.ready || isEnding(before) !== isEnding(after)) flipped.push(after.key);
  }
}
