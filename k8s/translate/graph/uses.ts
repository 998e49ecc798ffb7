// Uses: the Upstreams that published Mappings name, by key. Those that dial a Service stand with it: a Map of 40,000 keys would be megabytes.
import { Use, type Backends } from "./backend-records.ts";
import { listOf, withoutOne, withOne } from "../collections/few.ts";
import type { UpstreamPlan } from "../backends/upstreams.ts";

/** Of an Upstream that dials a Service (planUpstream). */
const serviceKey = /^service ([^/]*)\/(.*?):\d+ http[12](?: |$)/s;

export class Uses {
  readonly #backends: Backends;
  /** Those that dial no Service. */
  readonly #others = new Map<string, Use>();
  #size = 0;

  constructor(backends: Backends) {
    this.#backends = backends;
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): Use | undefined {
    const [, namespace, name] = serviceKey.exec(key) ?? [];
    if (namespace === undefined || name === undefined) return this.#others.get(key);
    return listOf(this.#backends.registry.get(namespace, name)?.uses ?? null).find((use) => use.key === key);
  }

  /** The use of an Upstream, made when there is none. */
  at(plan: UpstreamPlan): Use {
    const { key } = plan.upstream;
    const backend = this.#backends.of(plan);
    const known = backend === null ? this.#others.get(key) : listOf(backend.uses).find((use) => use.key === key);
    if (known !== undefined) return known;
    const use = new Use(plan, backend);
    this.#size += 1;
    if (backend === null) this.#others.set(key, use);
    else backend.uses = withOne(backend.uses, use);
    return use;
  }

  delete(use: Use): void {
    const { key, backend } = use;
    this.#size -= 1;
    if (backend === null) {
      this.#others.delete(key);
      return;
    }
    backend.uses = withoutOne(backend.uses, use);
    this.#backends.registry.touch(backend);
  }

  *values(): Iterable<Use> {
    for (const { uses } of this.#backends.registry.values()) yield* listOf(uses);
    yield* this.#others.values();
  }
}
