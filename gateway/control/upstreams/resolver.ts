// DNS: addresses of Upstreams that are names. A name is looked up when a request first needs it and again while it is in use; the last
// addresses survive failures. Every address is checked at every resolution (routing rule 5).
import type { Problem } from "../../../routing/text/problem.ts";
import type { Endpoint, Upstream, UpstreamEndpoints } from "../../../routing/model/upstream.ts";
import type { TranslationChange } from "../../../k8s/translate/model/translation.ts";
import { LookUps } from "./look-ups.ts";

/** A used name is looked up again after this long. */
export const refreshMs = 5000;
/** A name that no request needed for this long is left alone. */
export const inUseMs = 60_000;
/** A name without any address is tried again after 1 s, doubling to this. */
const longestRetryMs = 30_000;

export interface ResolverOutside {
  /** IP addresses of a name; rejects when there are none. */
  lookup(host: string): Promise<readonly string[]>;
  /** Why an address may not be dialled, or null. */
  refuse(upstream: Upstream, ip: string): Problem | null;
  /** ms, never going back. */
  nowMs(): number;
  /** Endpoints changed; `flipped` names those whose ready bit did. */
  changed(change: TranslationChange): void;
}

interface Name {
  readonly host: string;
  readonly upstreams: Map<string, Upstream>;
  /** Sorted; null: never resolved. */
  addresses: readonly string[] | null;
  usedAtMs: number;
  dueAtMs: number;
  failuresInRow: number;
  waiting: boolean;
  /** The last look-up took long. */
  late: boolean;
  failure: string;
}

export class Resolver {
  readonly #outside: ResolverOutside;
  readonly #names = new Map<string, Name>();
  readonly #hostOf = new Map<string, string>();
  readonly #endpoints = new Map<string, UpstreamEndpoints>();
  #addresses: readonly UpstreamEndpoints[] | null = null;
  readonly #problems = new Map<string, readonly Problem[]>();
  readonly #lookUps: LookUps;
  #timer: NodeJS.Timeout | null = null;

  /** `kept`: the last addresses that an earlier control worker knew. They hold until the name is looked up again. */
  constructor(outside: ResolverOutside, kept: readonly UpstreamEndpoints[]) {
    this.#outside = outside;
    this.#lookUps = new LookUps((host) => outside.lookup(host));
    for (const endpoints of kept) this.#endpoints.set(endpoints.key, endpoints);
  }

  /** Endpoints of a DNS Upstream that was resolved, else undefined. */
  endpointsOf(key: string): UpstreamEndpoints | undefined {
    return this.#endpoints.get(key);
  }

  /** What a successor needs: the same list until something may be another one. */
  get addresses(): readonly UpstreamEndpoints[] {
    return (this.#addresses ??= [...this.#endpoints.values()].filter(({ key }) => this.#hostOf.has(key)));
  }

  get problems(): readonly Problem[] {
    return [...this.#problems.values()].flat();
  }

  /** New or changed Upstreams; those that are not names are passed over. */
  set(upstreams: readonly Upstream[]): void {
    for (const upstream of upstreams) {
      this.remove([upstream.key], upstream.address.kind === "dns" ? upstream.address.host : null);
      if (upstream.address.kind !== "dns") continue;
      const { host } = upstream.address;
      let name = this.#names.get(host);
      if (name === undefined) {
        name = {
          host,
          upstreams: new Map(),
          addresses: null,
          usedAtMs: Number.NEGATIVE_INFINITY,
          dueAtMs: 0,
          failuresInRow: 0,
          waiting: false,
          late: false,
          failure: "",
        };
        this.#names.set(host, name);
      }
      name.upstreams.set(upstream.key, upstream);
      this.#hostOf.set(upstream.key, host);
      this.#addresses = null;
      // Another Upstream of a name that is known already has its addresses at once.
      if (name.addresses !== null) this.#endpoints.set(upstream.key, this.#judge(upstream, name));
    }
  }

  /** Upstreams that are gone. `hostAfter`: the host that the same key has from now on, whose addresses stay. */
  remove(keys: readonly string[], hostAfter: string | null = null): void {
    for (const key of keys) {
      const host = this.#hostOf.get(key);
      if (host === undefined || host === hostAfter) continue;
      this.#addresses = null;
      this.#hostOf.delete(key);
      this.#endpoints.delete(key);
      this.#problems.delete(key);
      const name = this.#names.get(host)!;
      name.upstreams.delete(key);
      if (name.upstreams.size === 0) this.#names.delete(host);
    }
  }

  /** Requests needed these Upstreams. */
  used(keys: readonly string[]): void {
    const nowMs = this.#outside.nowMs();
    for (const key of keys) {
      const name = this.#names.get(this.#hostOf.get(key) ?? "");
      if (name === undefined) continue;
      name.usedAtMs = nowMs;
      if (nowMs >= name.dueAtMs) this.#enqueue(name);
    }
    this.#schedule();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#lookUps.stop();
    this.#names.clear();
  }

  #enqueue(name: Name): void {
    if (name.waiting) return;
    name.waiting = true;
    void this.#resolve(name);
  }

  async #resolve(name: Name): Promise<void> {
    const { addresses, failure, late } = await this.#lookUps.ask(name.host, name.late);
    name.waiting = false;
    name.late = late;
    name.failure = failure;
    if (addresses.length > 0) name.addresses = addresses;
    name.failuresInRow = addresses.length > 0 ? 0 : name.failuresInRow + 1;
    const retryMs = Math.min(longestRetryMs, 1000 * 2 ** (name.failuresInRow - 1));
    name.dueAtMs = this.#outside.nowMs() + (name.addresses === null ? retryMs : refreshMs);
    if (this.#names.get(name.host) === name) this.#publish(name);
    this.#schedule();
  }

  #publish(name: Name): void {
    const endpoints: UpstreamEndpoints[] = [];
    const flipped: string[] = [];
    for (const upstream of name.upstreams.values()) {
      const before = this.#endpoints.get(upstream.key);
      const after = this.#judge(upstream, name);
      // A name that was never resolved counts as ready.
      const flips = (before?.ready ?? true) !== after.ready;
      if (before !== undefined && !flips && JSON.stringify(before.endpoints) === JSON.stringify(after.endpoints))
        continue;
      this.#addresses = null;
      this.#endpoints.set(upstream.key, after);
      endpoints.push(after);
      if (flips) flipped.push(upstream.key);
    }
    if (endpoints.length === 0) return;
    this.#outside.changed({
      mappings: [],
      removedMappings: [],
      upstreams: [],
      removedUpstreams: [],
      endpoints,
      flipped,
    });
  }

  /** The Endpoints of an Upstream by the addresses of its name; keeps the Problems. */
  #judge(upstream: Upstream, name: Name): UpstreamEndpoints {
    const problems: Problem[] = [];
    const endpoints: Endpoint[] = [];
    // Until the first lookup of this control worker answers, the addresses of the earlier one hold.
    const known = this.#endpoints.get(upstream.key)?.endpoints.map(({ ip }) => ip) ?? [];
    for (const ip of name.addresses ?? known) {
      const problem = this.#outside.refuse(upstream, ip);
      if (problem === null) endpoints.push({ ip, port: upstream.address.port, state: "ready" });
      else problems.push(problem);
    }
    if (name.failure !== "") problems.push(failureProblem(upstream, name, endpoints.length > 0));
    this.#problems.set(upstream.key, problems);
    return { key: upstream.key, ready: endpoints.length > 0, endpoints };
  }

  /** One timer, for the name that is due first. */
  #schedule(): void {
    const nowMs = this.#outside.nowMs();
    let dueMs = Number.POSITIVE_INFINITY;
    for (const name of this.#names.values()) {
      if (name.waiting || !this.#isWanted(name, nowMs)) continue;
      dueMs = Math.min(dueMs, name.dueAtMs);
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (dueMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(
      () => {
        const atMs = this.#outside.nowMs();
        for (const name of this.#names.values())
          if (this.#isWanted(name, atMs) && atMs >= name.dueAtMs) this.#enqueue(name);
        this.#schedule();
      },
      Math.max(0, dueMs - nowMs),
    );
  }

  /** In use; or used once and without an address, because an Upstream that is not ready gets no request that could ask again. */
  #isWanted(name: Name, nowMs: number): boolean {
    return nowMs - name.usedAtMs < inUseMs || (name.usedAtMs > Number.NEGATIVE_INFINITY && name.addresses === null);
  }
}

function failureProblem(upstream: Upstream, name: Name, served: boolean): Problem {
  const what = served ? "Sluice uses its last addresses" : "requests to it get 503";
  return {
    code: "dns-failed",
    level: served ? "warning" : "error",
    subject: { kind: "Upstream", namespace: "", name: upstream.key },
    field: "",
    sentence: `the name ${name.host} cannot be resolved (${name.failure}), so ${what}; give the manifests of its Service, or a name that resolves`,
  };
}
