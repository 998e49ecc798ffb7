// Output: what is published of all declarers (Mappings, Upstreams by use, Endpoints), and what changed since it was last asked. Mappings are not kept:
// their digests tell whether one differs.
import { digestOf, digestOfKin, type DigestKey } from "../../../routing/collections/digest.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import { isEnding, type Breaker, type Upstream, type UpstreamEndpoints } from "../../../routing/model/upstream.ts";
import type { Backends, Use } from "./backend-records.ts";
import type { Edits } from "./edits.ts";
import type { PlannedService } from "../meaning/external-services.ts";
import { listOf } from "../collections/few.ts";
import { MapView } from "../collections/map-view.ts";
import { objectKey } from "../model/object.ts";
import { RecentParts } from "../collections/recent-parts.ts";
import type { TranslationChange } from "../model/translation.ts";
import type { Draft } from "../meaning/meaning.ts";
import type { Declarer } from "../declarers/declarer.ts";
import { Uses } from "./uses.ts";

/** What was published of a declarer. */
interface Published {
  /** What the ids of its Mappings have behind the key of its object: the same list for most declarers. */
  readonly parts: readonly string[];
  /** Digests of the Mappings, `digestChars` characters each. */
  readonly digests: string;
  /** Upstreams that they name, each once. */
  readonly uses: readonly Use[];
}

const nothingPublished: Published = Object.freeze({ parts: Object.freeze([]), digests: "", uses: Object.freeze([]) });

export class Output {
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly endpoints: ReadonlyMap<string, UpstreamEndpoints>;
  readonly breakers: ReadonlyMap<string, readonly Breaker[]>;
  readonly #backends: Backends;
  readonly #edits: Edits;
  readonly #key: DigestKey;
  readonly #published = new Map<Declarer, Published>();
  readonly #uses: Uses;
  readonly #partLists = new RecentParts<readonly string[]>();
  #set: Mapping[] = [];
  readonly #removed = new Set<string>();
  #touched: Use[] = [];
  /** Whose Endpoints were told in this change already. */
  readonly #told = new Set<Use>();

  constructor(backends: Backends, edits: Edits, key: DigestKey) {
    this.#backends = backends;
    this.#edits = edits;
    this.#key = key;
    this.#uses = new Uses(backends);
    this.upstreams = new MapView(this.#uses, ({ upstream }) => upstream);
    this.breakers = new MapView(this.#uses, ({ breakers }) => breakers);
    this.endpoints = new MapView(this.#uses, (use) => backends.endpointsOf(use));
  }

  /** Declarers of which Mappings are published. */
  get declarers(): Iterable<Declarer> {
    return this.#published.keys();
  }

  /** How many Mappings are published. */
  get mappingCount(): number {
    return this.#published.values().reduce((sum, { parts }) => sum + parts.length, 0);
  }

  /** Ids of the Mappings of a declarer that are published. */
  idsOf(declarer: Declarer): readonly string[] {
    const key = objectKey(declarer.ref);
    return (this.#published.get(declarer)?.parts ?? []).map((part) => key + part);
  }

  /** Publishes those drafts of a declarer that are served, and Upstreams of what it says is asked. Ids of drafts are unique. */
  publish(declarer: Declarer, served: readonly Draft[], services: readonly PlannedService[]): void {
    const before = this.#published.get(declarer) ?? nothingPublished;
    if (served.length + services.length === 0 && before === nothingPublished) return;
    const key = objectKey(declarer.ref);
    const written = served.map(({ mapping }) => mapping.id.slice(key.length));
    const parts = this.#partLists.of(JSON.stringify(written), written);
    const digests = digestsOf(served, this.#key);
    const places = before.parts === parts ? null : new Map(before.parts.map((part, index) => [part, index]));
    for (const [index, part] of parts.entries()) {
      const place = places === null ? index : places.get(part);
      places?.delete(part);
      if (place === undefined || digestAt(before.digests, place) !== digestAt(digests, index))
        this.#set.push(served[index]!.mapping);
    }
    // What is gone in one object and there in the next one of the same name is not gone.
    if (this.#removed.size > 0) for (const part of parts) this.#removed.delete(key + part);
    for (const part of places?.keys() ?? []) this.#removed.add(key + part);
    const uses = this.#usesOf(served, services);
    for (const use of uses) this.#count(use, 1);
    for (const use of before.uses) this.#count(use, -1);
    if (served.length + services.length === 0) this.#published.delete(declarer);
    else this.#published.set(declarer, { parts, digests, uses });
  }

  /** Mappings that came or changed since the last batch. */
  get pending(): number {
    return this.#set.length;
  }

  /** What came or changed since the last batch; more of the change follows. What goes is told in its end: it may come back. */
  takeBatch(): TranslationChange {
    const { upstreams, endpoints, flipped } = this.#newUpstreams();
    return { mappings: this.#takeMappings(), removedMappings: [], upstreams, removedUpstreams: [], endpoints, flipped };
  }

  /** What changed since the last call, or since the last batch. */
  takeChange(): TranslationChange {
    const { upstreams, endpoints, flipped } = this.#newUpstreams();
    const removedUpstreams: string[] = [];
    for (const use of this.#touched) {
      use.touched = false;
      if (use.told !== "nothing") removedUpstreams.push(use.key);
      this.#uses.delete(use);
    }
    this.#touched = [];
    for (const backend of this.#backends.registry.touched)
      for (const use of listOf(backend.uses)) if (!this.#told.has(use)) this.#refresh(use, endpoints, flipped);
    this.#told.clear();
    const mappings = this.#takeMappings();
    const removedMappings = [...this.#removed];
    this.#removed.clear();
    return { mappings, removedMappings, upstreams, removedUpstreams, endpoints, flipped };
  }

  #takeMappings(): readonly Mapping[] {
    const mappings = this.#removed.size === 0 ? this.#set : this.#set.filter(({ id }) => !this.#removed.has(id));
    this.#set = [];
    return mappings;
  }

  /** Those that have come; what nobody names stays touched. */
  #newUpstreams(): {
    readonly upstreams: Upstream[];
    readonly endpoints: UpstreamEndpoints[];
    readonly flipped: string[];
  } {
    const upstreams: Upstream[] = [];
    const endpoints: UpstreamEndpoints[] = [];
    const flipped: string[] = [];
    const unnamed: Use[] = [];
    for (const use of this.#touched) {
      if (use.count === 0) {
        unnamed.push(use);
        continue;
      }
      use.touched = false;
      if (use.told !== "nothing") continue;
      upstreams.push(use.upstream);
      this.#refresh(use, endpoints, flipped);
      this.#told.add(use);
    }
    this.#touched = unnamed;
    return { upstreams, endpoints, flipped };
  }

  #usesOf(served: readonly Draft[], services: readonly PlannedService[]): readonly Use[] {
    const uses = new Set<Use>();
    for (const { asked } of services) if (asked !== null) uses.add(this.#uses.at(asked.plan));
    for (const { plan } of served) if (plan !== null) uses.add(this.#uses.at(plan));
    return [...uses];
  }

  #count(use: Use, change: 1 | -1): void {
    use.count += change;
    if (use.touched) return;
    use.touched = true;
    this.#touched.push(use);
  }

  #refresh(use: Use, endpoints: UpstreamEndpoints[], flipped: string[]): void {
    const after = this.#backends.endpointsOf(use);
    const told = !after.ready ? "unready" : isEnding(after) ? "ending" : "ready";
    const digest = digestOf(after.endpoints, this.#key);
    // As V8 keeps them without an object each.
    const [high, low] = [digest.high >> 1, digest.low >> 1];
    if (use.told === told && use.high === high && use.low === low) return;
    if (use.told !== told) flipped.push(after.key);
    const isNew = use.told === "nothing";
    use.told = told;
    use.high = high;
    use.low = low;
    const { ready, terminating } = use;
    use.ready = after.endpoints.filter(({ state }) => state === "ready").length;
    use.terminating = after.endpoints.length - use.ready;
    if (!isNew && use.backend !== null) this.#edits.endpoints(use.backend, { ready, terminating }, use);
    endpoints.push(after);
  }
}

/** 64 bits. */
const digestChars = 4;

function digestsOf(drafts: readonly Draft[], key: DigestKey): string {
  return drafts
    .map(({ mapping }) => {
      const { high, low } = digestOfKin(mapping, key);
      return String.fromCharCode(high >>> 16, high & 0xffff, low >>> 16, low & 0xffff);
    })
    .join("");
}

function digestAt(digests: string, index: number): string {
  return digests.slice(index * digestChars, (index + 1) * digestChars);
}
