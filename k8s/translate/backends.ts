// BackendIndex: Services and EndpointSlices by name, and the Endpoints that Upstreams get from them.
import { objectKey, type SourceObject } from './object.ts';
import type { Problem } from '../../routing/problem.ts';
import type { Endpoint, UpstreamEndpoints } from '../../routing/upstream.ts';
import { decodeSlice, joinEndpoints, type Slice } from './endpoints.ts';
import { canonicalAddress, refusal } from './reach.ts';
import type { Service } from './services.ts';
import type { TranslateSettings } from './translation.ts';
import type { UpstreamPlan } from './upstreams.ts';

/** Key of a Service: namespaces hold no `/`. */
export function backendKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

export class BackendIndex {
  readonly #settings: TranslateSettings;
  /** Namespaces whose slices may be written by hand: every one in a folder. */
  readonly #handWritten: ReadonlySet<string>;
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, Slice & { readonly backend: string }>();
  /** Slices by Service. */
  readonly #byBackend = new Map<string, Map<string, Slice>>();
  #changed = new Set<string>();

  constructor(settings: TranslateSettings) {
    this.#settings = settings;
    this.#handWritten = new Set(settings.grants.filter(({ endpointSlices }) => endpointSlices).map(({ namespace }) => namespace));
  }

  service(key: string): Service | null {
    return this.#services.get(key) ?? null;
  }

  setService(key: string, service: Service | null): void {
    if (service === null) this.#services.delete(key);
    else this.#services.set(key, service);
    this.#changed.add(key);
  }

  /** Services whose Endpoints may have changed. */
  setSlice({ ref, object }: SourceObject): readonly string[] {
    const handWritten = this.#settings.source === 'folder' || this.#handWritten.has(ref.namespace);
    const slice = decodeSlice(ref, object, this.#settings, handWritten);
    const backend = backendKey(ref.namespace, slice.service);
    const before = this.removeSlice(objectKey(ref));
    this.#slices.set(objectKey(ref), { ...slice, backend });
    const there = this.#byBackend.get(backend);
    if (there === undefined) this.#byBackend.set(backend, new Map([[objectKey(ref), slice]]));
    else there.set(objectKey(ref), slice);
    this.#changed.add(backend);
    return [...before, backend];
  }

  removeSlice(key: string): readonly string[] {
    const slice = this.#slices.get(key);
    if (slice === undefined) return [];
    this.#slices.delete(key);
    const there = this.#byBackend.get(slice.backend)!;
    there.delete(key);
    if (there.size === 0) this.#byBackend.delete(slice.backend);
    this.#changed.add(slice.backend);
    return [slice.backend];
  }

  hasEndpoints(service: Service, port: number): boolean {
    return this.#join(service, port).length > 0;
  }

  endpointsOf({ upstream, from }: UpstreamPlan): UpstreamEndpoints {
    const { key, address } = upstream;
    if (from === 'none') return { key, ready: false, endpoints: [] };
    if (address.kind === 'dns') return { key, ready: true, endpoints: [] };
    if (address.kind === 'address') return this.#fixed(key, address.ip, address.port);
    const service = this.service(backendKey(address.namespace, address.name));
    if (service === null) return { key, ready: false, endpoints: [] };
    if (from === 'cluster-ip') return this.#fixed(key, service.clusterIp, address.port);
    const endpoints = this.#join(service, address.port);
    return { key, ready: endpoints.length > 0, endpoints };
  }

  /** Keys of Services whose Endpoints may have changed since the last call. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    this.#changed = new Set();
    return changed;
  }

  *problems(): Iterable<Problem> {
    for (const slice of this.#slices.values()) yield* slice.problems;
  }

  #fixed(key: string, ip: string, port: number): UpstreamEndpoints {
    const reached = refusal(this.#settings, ip, port) === null;
    return { key, ready: reached, endpoints: reached ? [{ ip: canonicalAddress(ip)!, port, state: 'ready' }] : [] };
  }

  #join(service: Service, port: number): readonly Endpoint[] {
    const slices = this.#byBackend.get(backendKey(service.namespace, service.name));
    return slices === undefined ? [] : joinEndpoints(service, port, [...slices.values()]);
  }
}
