// Endpoints of predictors: from a Series to the Upstreams of its Mappings, and from those to their addresses and health checks.
import { printEndpoint, type UpstreamEndpoints } from "../../../routing/model/upstream.ts";
import type { Series } from "../../../routing/model/mapping.ts";
import type { CountedSeries, EndpointsOf, PredictorKey, SeenEndpoint } from "../../api/counted.ts";

export interface EndpointSources {
  /** Series of the table, in both protocols. */
  owned(): Iterable<CountedSeries>;
  /** null: it is not counted. */
  find(series: Series): CountedSeries | null;
  /** The Upstream that has the number; null: none. */
  upstreamAt(number: number): string | null;
  /** undefined: a name that was not looked up yet. */
  endpointsOf(upstreamKey: string): UpstreamEndpoints | undefined;
  /** Where the Endpoints of an Upstream are counted, in their order; −1: nowhere. */
  countedAt(upstreamKey: string): readonly number[];
  /** Does its health check fail there? `address`: `ip:port`. */
  isFailing(upstreamKey: string, address: string): boolean;
}

export class PredictorEndpoints {
  readonly #sources: EndpointSources;
  /** Number of its Upstream, by id of a Mapping. */
  readonly #byMapping = new Map<string, number>();
  /** Numbers of Upstreams by slot of a Series: one for each Mapping that has an Upstream. −1: one without a number. */
  readonly #upstreams: number[][] = [];

  constructor(sources: EndpointSources) {
    this.#sources = sources;
  }

  /** A Mapping, which counts in this slot, has the Upstream of this number from now on. −1 is no slot, and no number: what is not numbered is not known. */
  join(mappingId: string, slot: number, upstream: number): void {
    if (slot < 0) return;
    (this.#upstreams[slot] ??= []).push(upstream);
    this.#byMapping.set(mappingId, upstream);
  }

  /** It counts in this slot no longer. */
  leave(mappingId: string, slot: number): void {
    const kept = this.#byMapping.get(mappingId);
    if (kept === undefined) return;
    this.#byMapping.delete(mappingId);
    const those = this.#upstreams[slot] ?? [];
    const at = those.indexOf(kept);
    if (at >= 0) those.splice(at, 1);
  }

  /** Those of a predictor in both protocols, each address once; null: they are not known, or it has no Upstream. */
  of(predictor: PredictorKey): readonly SeenEndpoint[] | null {
    const keys = new Set<string>();
    for (const protocol of ["http", "grpc"] as const) {
      const found = this.#sources.find({ ...predictor, protocol });
      for (const number of found === null ? [] : (this.#upstreams[found.slot] ?? [])) {
        const key = this.#sources.upstreamAt(number);
        if (key === null) return null;
        keys.add(key);
      }
    }
    const seen = new Map<string, SeenEndpoint>();
    for (const key of keys) {
      const known = this.#sources.endpointsOf(key);
      // A name that was not looked up counts as ready.
      if (known === undefined || (known.ready && known.endpoints.length === 0)) return null;
      const slots = this.#sources.countedAt(key);
      for (const [at, { ip, port, state }] of known.endpoints.entries()) {
        const address = printEndpoint(ip, port);
        const isFailing = this.#sources.isFailing(key, address);
        const before = seen.get(address);
        seen.set(address, {
          address,
          state: isFailing ? "failing" : (before?.state ?? state),
          slots: [...(before?.slots ?? []), slots[at] ?? -1],
        });
      }
    }
    return keys.size === 0 ? null : [...seen.values()];
  }

  /** Those of every predictor of the table whose Endpoints are known, Mappings alone among them. Who goes through them may wait meanwhile. */
  *all(): Iterable<EndpointsOf> {
    for (const { slot, series } of this.#sources.owned()) {
      if ((this.#upstreams[slot] ?? []).length === 0 || this.#isToldInHttp(series)) continue;
      const endpoints = this.of(series);
      if (endpoints !== null) yield { predictor: series, endpoints };
    }
  }

  /** Series of the table with the number of each of their Upstreams. */
  *numbers(): Iterable<readonly [number: number, series: Series]> {
    for (const { slot, series } of this.#sources.owned())
      for (const number of this.#upstreams[slot] ?? []) yield [number, series];
  }

  #isToldInHttp(series: Series): boolean {
    if (series.protocol === "http") return false;
    const inHttp = this.#sources.find({ ...series, protocol: "http" });
    return inHttp !== null && (this.#upstreams[inHttp.slot] ?? []).length > 0;
  }
}
