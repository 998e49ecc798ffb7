// Output: what is published of all declarers (Mappings, Upstreams by use, Endpoints), and what changed since it was last asked.
import type { Mapping } from "../../../routing/model/mapping.ts";
import {
  isEnding,
  printEndpoint,
  type Breaker,
  type Upstream,
  type UpstreamEndpoints,
} from "../../../routing/model/upstream.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import { Use, type Backends } from "./backend-records.ts";
import type { Edits } from "./edits.ts";
import type { PlannedService } from "../meaning/external-services.ts";
import { listOf, withoutOne, withOne } from "../collections/few.ts";
import { MapView } from "../collections/map-view.ts";
import type { UpstreamPlan } from "../backends/upstreams.ts";
import type { TranslationChange } from "../model/translation.ts";
import type { Draft } from "../meaning/meaning.ts";
import type { Declarer } from "../declarers/declarer.ts";

/** What was published of a declarer. */
interface Published {
  readonly mappings: ReadonlyMap<string, Mapping>;
  /** Upstreams that they name, each once. */
  readonly uses: readonly Use[];
}

const nothingPublished: Published = Object.freeze({ mappings: new Map<string, Mapping>(), uses: Object.freeze([]) });

export class Output {
  /** By id. */
  readonly mappings: ReadonlyMap<string, Mapping>;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly endpoints: ReadonlyMap<string, UpstreamEndpoints>;
  readonly breakers: ReadonlyMap<string, readonly Breaker[]>;
  readonly #backends: Backends;
  readonly #edits: Edits;
  readonly #mappings = new Map<string, Mapping>();
  readonly #published = new Map<Declarer, Published>();
  /** Upstreams that published Mappings name, by key. */
  readonly #uses = new Map<string, Use>();
  /** Mappings that came, changed or went since the last call, by id; null: it went. */
  readonly #changed = new Map<string, Mapping | null>();
  #touched: Use[] = [];

  constructor(backends: Backends, edits: Edits) {
    this.#backends = backends;
    this.#edits = edits;
    this.mappings = this.#mappings;
    this.upstreams = new MapView(this.#uses, ({ plan }) => plan.upstream);
    this.breakers = new MapView(this.#uses, ({ plan }) => plan.upstream.breakers);
    this.endpoints = new MapView(this.#uses, (use) => backends.endpointsOf(use));
  }

  /** Publishes those drafts of a declarer that are served, and Upstreams of what it says is asked. Ids of drafts are unique. */
  publish(declarer: Declarer, served: readonly Draft[], services: readonly PlannedService[]): void {
    const before = this.#published.get(declarer) ?? nothingPublished;
    if (served.length + services.length === 0 && before === nothingPublished) return;
    const mappings = new Map<string, Mapping>();
    for (const { mapping } of served) {
      const { id } = mapping;
      const known = before.mappings.get(id);
      const isKnown = known !== undefined && sameValue(known, mapping);
      mappings.set(id, isKnown ? known : mapping);
      if (isKnown) continue;
      this.#mappings.set(id, mapping);
      this.#changed.set(id, mapping);
    }
    for (const [id, mapping] of before.mappings) {
      // What is gone in one object and there in another of the same name is not gone.
      if (mappings.has(id) || this.#mappings.get(id) !== mapping) continue;
      this.#mappings.delete(id);
      this.#changed.set(id, null);
    }
    const uses = this.#usesOf(served, services);
    for (const use of uses) this.#count(use, 1);
    for (const use of before.uses) this.#count(use, -1);
    if (served.length + services.length === 0) this.#published.delete(declarer);
    else this.#published.set(declarer, { mappings, uses });
  }

  /** What changed since the last call. */
  takeChange(): TranslationChange {
    const upstreams: Upstream[] = [];
    const removedUpstreams: string[] = [];
    const endpoints: UpstreamEndpoints[] = [];
    const flipped: string[] = [];
    const refreshed = new Set<Use>();
    for (const use of this.#touched) {
      use.touched = false;
      if (use.count === 0) {
        if (use.told !== "") removedUpstreams.push(use.key);
        this.#forget(use);
      } else if (use.told === "") {
        upstreams.push(use.plan.upstream);
        this.#refresh(use, endpoints, flipped);
        refreshed.add(use);
      }
    }
    this.#touched = [];
    for (const backend of this.#backends.registry.touched)
      for (const use of listOf(backend.uses)) if (!refreshed.has(use)) this.#refresh(use, endpoints, flipped);
    const mappings: Mapping[] = [];
    const removedMappings: string[] = [];
    for (const [id, mapping] of this.#changed) {
      if (mapping === null) removedMappings.push(id);
      else mappings.push(mapping);
    }
    this.#changed.clear();
    return { mappings, removedMappings, upstreams, removedUpstreams, endpoints, flipped };
  }

  #usesOf(served: readonly Draft[], services: readonly PlannedService[]): readonly Use[] {
    const uses = new Set<Use>();
    for (const { asked } of services) if (asked !== null) uses.add(this.#useOf(asked.plan));
    for (const { plan } of served) if (plan !== null) uses.add(this.#useOf(plan));
    return [...uses];
  }

  /** The use of an Upstream, made when there is none. */
  #useOf(plan: UpstreamPlan): Use {
    const { key } = plan.upstream;
    let use = this.#uses.get(key);
    if (use !== undefined) return use;
    const backend = this.#backends.of(plan);
    this.#uses.set(key, (use = new Use(plan, backend)));
    if (backend !== null) backend.uses = withOne(backend.uses, use);
    return use;
  }

  #forget(use: Use): void {
    const { key, backend } = use;
    this.#uses.delete(key);
    if (backend === null) return;
    backend.uses = withoutOne(backend.uses, use);
    this.#backends.registry.touch(backend);
  }

  #count(use: Use, change: 1 | -1): void {
    use.count += change;
    if (use.touched) return;
    use.touched = true;
    this.#touched.push(use);
  }

  #refresh(use: Use, endpoints: UpstreamEndpoints[], flipped: string[]): void {
    const after = this.#backends.endpointsOf(use);
    const state = !after.ready ? "unready" : isEnding(after) ? "ending" : "ready";
    const listed = after.endpoints.map(({ ip, port, state: one }) => `${printEndpoint(ip, port)} ${one}`).join();
    const told = `${state} ${listed}`;
    if (use.told === told) return;
    if (!use.told.startsWith(`${state} `)) flipped.push(after.key);
    const isNew = use.told === "";
    use.told = told;
    const { ready, terminating } = use;
    use.ready = after.endpoints.filter((one) => one.state === "ready").length;
    use.terminating = after.endpoints.length - use.ready;
    if (!isNew && use.backend !== null) this.#edits.endpoints(use.backend, { ready, terminating }, use);
    endpoints.push(after);
  }
}
