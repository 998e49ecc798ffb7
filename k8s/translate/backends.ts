// Backends: Services and EndpointSlices by Service name, and the Endpoints that Upstreams get from them.
import type { Endpoint, UpstreamEndpoints } from '../../routing/upstream.ts';
import { joinEndpoints, type Slice } from './endpoints.ts';
import { readAddress, refusalOf } from './reach.ts';
import { Registry, removeFrom } from './registry.ts';
import type { Service } from './services.ts';
import type { TranslateSettings } from './translation.ts';
import { Watched } from './unit-record.ts';
import type { UpstreamPlan } from './upstreams.ts';

/** Key of a namespaced name: namespaces hold no `/`. */
export function nameKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/** All that goes by the name of one Service, whether it exists or not. */
export class Backend {
  readonly key: string;
  service: Service | null = null;
  readonly slices: Slice[] = [];
  /** Keys of published Upstreams that dial it. */
  readonly upstreams: string[] = [];
  /** Units that read the Service. */
  readonly watched = new Watched();
  /** Units that read whether it has Endpoints. */
  readonly endpoints = new Watched();
  touched = false;

  constructor(key: string) {
    this.key = key;
  }

  get isIdle(): boolean {
    return this.service === null && this.slices.length + this.upstreams.length + this.watched.readers.length + this.endpoints.readers.length === 0;
  }
}

export class Backends {
  readonly registry = new Registry((key) => new Backend(key));
  readonly #settings: TranslateSettings;

  constructor(settings: TranslateSettings) {
    this.#settings = settings;
  }

  at(namespace: string, name: string): Backend {
    return this.registry.at(nameKey(namespace, name));
  }

  setService(backend: Backend, service: Service | null): void {
    backend.service = service;
    this.registry.touch(backend);
  }

  addSlice(backend: Backend, slice: Slice): void {
    backend.slices.push(slice);
    this.registry.touch(backend);
  }

  removeSlice(backend: Backend, slice: Slice): void {
    removeFrom(backend.slices, slice);
    this.registry.touch(backend);
  }

  /** Endpoints of a port of the Service; [] when it does not exist. */
  endpointsAt({ service, slices }: Backend, port: number): readonly Endpoint[] {
    return service === null ? [] : joinEndpoints(service, port, slices);
  }

  /** The Service that an Upstream dials; null for one that dials none. */
  of({ upstream: { address } }: UpstreamPlan): Backend | null {
    return address.kind === 'service' ? this.at(address.namespace, address.name) : null;
  }

  /** `backend`: what `of` gives for this plan. */
  endpointsOf({ upstream, from }: UpstreamPlan, backend: Backend | null): UpstreamEndpoints {
    const { key, address } = upstream;
    if (from === 'none') return { key, ready: false, endpoints: [] };
    if (address.kind === 'address') return this.#fixed(key, address.ip, address.port);
    if (backend === null) return { key, ready: true, endpoints: [] };
    if (from === 'cluster-ip') return this.#fixed(key, backend.service?.clusterIp ?? '', address.port);
    // Whether there are any is not known, but the port is.
    if (this.#settings.withoutSlices === 'ready' && backend.slices.length === 0 && backend.service?.ports.some(({ port }) => port === address.port) === true) return { key, ready: true, endpoints: [] };
    const endpoints = this.endpointsAt(backend, address.port);
    return { key, ready: endpoints.length > 0, endpoints };
  }

  #fixed(key: string, ip: string, port: number): UpstreamEndpoints {
    const address = readAddress(ip);
    if (address === null || refusalOf(this.#settings, address, port) !== null) return { key, ready: false, endpoints: [] };
    return { key, ready: true, endpoints: [{ ip: address.canonical, port, state: 'ready' }] };
  }
}
