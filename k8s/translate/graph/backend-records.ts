// Backends: Services and EndpointSlices by Service name, the Upstreams that dial them, and the Endpoints that these get.
import type { Endpoint, UpstreamEndpoints } from "../../../routing/model/upstream.ts";
import { joinEndpoints, type Slice } from "../backends/endpoints.ts";
import { withoutOne, listOf, withOne, type Few } from "../collections/few.ts";
import { readAddress, refusalOf } from "../backends/reach.ts";
import { Registry } from "../collections/registry.ts";
import type { Service } from "../backends/services.ts";
import type { TranslateSettings } from "../model/translation.ts";
import { Watched } from "../declarers/declarer.ts";
import type { UpstreamPlan } from "../backends/upstreams.ts";

/** An Upstream that published Mappings name, and what was told of it. */
export class Use {
  readonly key: string;
  /** The Service that it dials, or null. Kept here, because finding it costs as much as all else. */
  readonly backend: Backend | null;
  readonly plan: UpstreamPlan;
  /** How many declarers name it. */
  count = 0;
  touched = false;
  /** What was told of its Endpoints, as one text; "": nothing. */
  told = "";
  /** How many are ready, and terminating. */
  ready = 0;
  terminating = 0;

  constructor(plan: UpstreamPlan, backend: Backend | null) {
    this.key = plan.upstream.key;
    this.backend = backend;
    this.plan = plan;
  }
}

/** All that goes by the name of one Service, whether it exists or not. It is read for the Service. */
export class Backend extends Watched {
  readonly namespace: string;
  readonly name: string;
  service: Service | null = null;
  slices: Few<Slice> = null;
  /** Published Upstreams that dial it. */
  uses: Few<Use> = null;
  /** What reads whether it has Endpoints; null: nothing does. */
  endpoints: Watched | null = null;
  touched = false;

  constructor(namespace: string, name: string) {
    super();
    this.namespace = namespace;
    this.name = name;
  }

  /** An object names it: its Endpoints are somebody's. */
  get isNamed(): boolean {
    return this.uses !== null || this.readers !== null || (this.endpoints !== null && this.endpoints.readers !== null);
  }

  get isIdle(): boolean {
    return this.service === null && this.slices === null && !this.isNamed;
  }
}

export class Backends {
  readonly registry = new Registry((namespace, name) => new Backend(namespace, name));
  readonly #settings: TranslateSettings;

  constructor(settings: TranslateSettings) {
    this.#settings = settings;
  }

  at(namespace: string, name: string): Backend {
    return this.registry.at(namespace, name);
  }

  setService(backend: Backend, service: Service | null): void {
    backend.service = service;
    this.registry.touch(backend);
  }

  addSlice(backend: Backend, slice: Slice): void {
    backend.slices = withOne(backend.slices, slice);
    this.registry.touch(backend);
  }

  removeSlice(backend: Backend, slice: Slice): void {
    backend.slices = withoutOne(backend.slices, slice);
    this.registry.touch(backend);
  }

  /** Endpoints of a port of the Service; [] when it does not exist. */
  endpointsAt({ service, slices }: Backend, port: number): readonly Endpoint[] {
    return service === null ? [] : joinEndpoints(service, port, listOf(slices));
  }

  /** The Service that an Upstream dials; null for one that dials none. */
  of({ upstream: { address } }: UpstreamPlan): Backend | null {
    return address.kind === "service" ? this.at(address.namespace, address.name) : null;
  }

  /** The Endpoints of an Upstream as the objects have them now. */
  endpointsOf({ key, plan, backend }: Use): UpstreamEndpoints {
    const {
      from,
      upstream: { address },
    } = plan;
    if (from === "none") return { key, ready: false, endpoints: [] };
    const { port } = address;
    if (address.kind === "address") return this.#fixed(key, address.ip, port);
    if (backend === null) return { key, ready: true, endpoints: [] };
    if (from === "cluster-ip") return this.#fixed(key, backend.service?.clusterIp ?? "", port);
    // Whether there are any is not known, but the port is.
    if (
      this.#settings.withoutSlices === "ready" &&
      backend.slices === null &&
      backend.service?.ports.some((one) => one.port === port) === true
    )
      return { key, ready: true, endpoints: [] };
    const endpoints = this.endpointsAt(backend, port);
    return { key, ready: endpoints.length > 0, endpoints };
  }

  #fixed(key: string, ip: string, port: number): UpstreamEndpoints {
    const address = readAddress(ip);
    if (address === null || refusalOf(this.#settings, address, port) !== null)
      return { key, ready: false, endpoints: [] };
    return { key, ready: true, endpoints: [{ ip: address.canonical, port, state: "ready" }] };
  }
}
