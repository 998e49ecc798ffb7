// Active health checks, where a Mapping asks for them. They run in the control worker, so that an Endpoint is asked once whatever the number of
// data workers, which are told who fails. Nothing here changes shares or `ready` (routing rule 7).
import { printEndpoint, type Endpoint, type HealthCheck, type Upstream } from "../../../routing/model/upstream.ts";
import type { TranslationChange } from "../../../k8s/translate/model/translation.ts";
import { ProbeTurns } from "./probe-turns.ts";

export interface HealthOutside {
  /** Does the Endpoint answer as the check wants it, and in time? Never rejects. */
  probe(upstream: Upstream, check: HealthCheck, endpoint: Endpoint): Promise<boolean>;
  /** In [0, 1). */
  draw(): number;
  /** Who of the Upstream's Endpoints fails has changed: `ip:port` of all that do. */
  changed(upstreamKey: string, failing: readonly string[]): void;
  /** As it is now; null: there is none. */
  upstreamOf(key: string): Upstream | null;
  /** Of the Upstream, as they are now. */
  endpointsOf(key: string): readonly Endpoint[];
}

/** The first probe comes within this time, whatever the interval. */
const firstProbeMs = 1000;

interface Checked {
  readonly upstream: Upstream;
  readonly endpoints: Map<string, CheckedEndpoint>;
}

export class HealthChecks {
  readonly #outside: HealthOutside;
  readonly #upstreams = new Map<string, Checked>();
  readonly #turns = new ProbeTurns();

  constructor(outside: HealthOutside) {
    this.#outside = outside;
  }

  /** Follows what has changed. */
  take({ upstreams, removedUpstreams, endpoints }: TranslationChange): void {
    for (const key of removedUpstreams) this.follow(key, null, []);
    for (const upstream of upstreams)
      this.follow(upstream.key, upstream, upstream.healthCheck === null ? [] : this.#outside.endpointsOf(upstream.key));
    for (const { key } of endpoints) {
      // Making an Upstream anew to see that it has no check costs more than all else here.
      if (this.#upstreams.has(key)) this.follow(key, this.#outside.upstreamOf(key), this.#outside.endpointsOf(key));
    }
  }

  /** What is checked from now on of this Upstream; null, or an Upstream without a check: nothing. An Endpoint that stays keeps its record. */
  follow(key: string, upstream: Upstream | null, endpoints: readonly Endpoint[]): void {
    const known = this.#upstreams.get(key);
    const check = upstream?.healthCheck ?? null;
    if (upstream === null || check === null) {
      if (known !== undefined) this.#forget(key, known);
      return;
    }
    const checked: Checked = { upstream, endpoints: new Map() };
    for (const endpoint of endpoints) {
      const address = printEndpoint(endpoint.ip, endpoint.port);
      checked.endpoints.set(
        address,
        known?.endpoints.get(address) ??
          new CheckedEndpoint(
            check,
            (one) => this.#probe(key, one, endpoint),
            this.#outside.draw() * Math.min(firstProbeMs, check.intervalMs),
          ),
      );
    }
    for (const [address, endpoint] of known?.endpoints ?? []) if (!checked.endpoints.has(address)) endpoint.stop();
    this.#upstreams.set(key, checked);
  }

  /** Does the check of this Upstream fail there? `address`: `ip:port`. */
  isFailing(key: string, address: string): boolean {
    return this.#upstreams.get(key)?.endpoints.get(address)?.failing === true;
  }

  stop(): void {
    for (const { endpoints } of this.#upstreams.values()) for (const endpoint of endpoints.values()) endpoint.stop();
    this.#upstreams.clear();
  }

  #forget(key: string, { endpoints }: Checked): void {
    for (const endpoint of endpoints.values()) endpoint.stop();
    this.#upstreams.delete(key);
  }

  async #probe(key: string, endpoint: CheckedEndpoint, at: Endpoint): Promise<void> {
    const room = roomOf(this.#upstreams.get(key)?.upstream ?? null);
    await this.#turns.enter(room);
    const checked = this.#upstreams.get(key);
    const isWell =
      checked !== undefined && !endpoint.stopped && (await this.#outside.probe(checked.upstream, endpoint.check, at));
    this.#turns.leave(room);
    const now = this.#upstreams.get(key);
    if (endpoint.stopped || now === undefined) return;
    if (endpoint.saw(isWell)) this.#outside.changed(key, failingOf(now));
    // Jittered, so that checks that began together do not stay together.
    endpoint.again(endpoint.check.intervalMs * (0.9 + this.#outside.draw() * 0.2));
  }
}

/** Whose turn a probe takes: of a Service its namespace's, of anything else its host's. */
function roomOf(upstream: Upstream | null): string {
  if (upstream === null) return "";
  const { address } = upstream;
  return address.kind === "service"
    ? address.namespace
    : address.kind === "dns"
      ? `${address.host}.`
      : `${address.ip}.`;
}

function failingOf({ endpoints }: Checked): readonly string[] {
  return [...endpoints].filter(([, { failing }]) => failing).map(([address]) => address);
}

/** One Endpoint under check. It begins well: Kubernetes has called it ready (`Differs:` Envoy's begin failing until their first success). */
class CheckedEndpoint {
  readonly check: HealthCheck;
  readonly #probe: (endpoint: CheckedEndpoint) => Promise<void>;
  failing = false;
  stopped = false;
  /** Results in a row that speak against `failing` as it is. */
  #against = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(check: HealthCheck, probe: (endpoint: CheckedEndpoint) => Promise<void>, firstMs: number) {
    this.check = check;
    this.#probe = probe;
    this.again(firstMs);
  }

  /** True: it has begun or ceased to fail. */
  saw(isWell: boolean): boolean {
    this.#against = isWell === this.failing ? this.#against + 1 : 0;
    if (this.#against < (this.failing ? this.check.healthyThreshold : this.check.unhealthyThreshold)) return false;
    this.failing = !this.failing;
    this.#against = 0;
    return true;
  }

  again(afterMs: number): void {
    this.#timer = setTimeout(() => void this.#probe(this), afterMs);
  }

  stop(): void {
    this.stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
