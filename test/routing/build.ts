// Mappings, changes and tables for tests, with every field that a test does not name at its default.
import { plainGuard } from "../../routing/model/guard.ts";
import { arenaOn, type Arena } from "../../routing/arena/arena.ts";
import { headOf, type HeadText } from "../../routing/request/head-text.ts";
import type { RequestHead } from "../../routing/request/head.ts";
import type { ForwardTarget, Mapping, Role } from "../../routing/model/mapping.ts";
import type { HostMatch, Match, NamedMatch, PathMatch, ValueMatch } from "../../routing/model/match.ts";
import { privateTable } from "../../routing/private-table.ts";
import { RouteTable } from "../../routing/table.ts";
import { plainSettings, type TableChange } from "../../routing/model/table-change.ts";
import { TableWriter } from "../../routing/write/table-writer.ts";
import type { Upstream, UpstreamEndpoints } from "../../routing/model/upstream.ts";

export function prefix(text: string, caseSensitive = true): PathMatch {
  return { kind: "prefix", prefix: text, caseSensitive };
}

export function exact(text: string, caseSensitive = true): PathMatch {
  return { kind: "exact", path: text, caseSensitive };
}

export function regex(pattern: string): PathMatch {
  return { kind: "regex", pattern };
}

export function is(value: string): ValueMatch {
  return { kind: "exact", value };
}

export function named(name: string, value: ValueMatch): NamedMatch {
  return { name, value };
}

/** `*`, `*.example.com`, `foo.*` or an exact host. */
export function hostOf(glob: string): HostMatch {
  if (glob === "*") return { kind: "any" };
  if (glob.startsWith("*")) return { kind: "suffix", suffix: glob.slice(1) };
  if (glob.endsWith("*")) return { kind: "prefix", prefix: glob.slice(0, -1) };
  return { kind: "exact", host: glob };
}

export function match(path: PathMatch, more: Partial<Match> = {}): Match {
  return { path, host: { kind: "any" }, method: null, headers: [], query: [], ...more };
}

export function forwardTo(upstream: string, more: Partial<ForwardTarget> = {}): ForwardTarget {
  return {
    kind: "forward",
    upstream,
    rewrite: { kind: "prefix", with: "/" },
    hostRewrite: { kind: "client" },
    requestHeaders: { remove: [], add: [] },
    responseHeaders: { remove: [], add: [] },
    timeout: { ms: 3000, setBy: null },
    idleTimeout: { ms: 300_000, setBy: null },
    retry: null,
    loadBalancer: { kind: "least-request" },
    priority: "default",
    cors: null,
    upgrades: [],
    dialService: false,
    released: false,
    externalPolicy: { bypassAuth: false, authContextExtensions: {}, labels: null },
    compare: "",
    rewardPath: null,
    model: "",
    ...more,
  };
}

export function upstreamOf(key: string): Upstream {
  return {
    key,
    address: { kind: "service", namespace: "ns", name: key, port: 80 },
    protocol: "http1",
    tls: null,
    connectTimeoutMs: 3000,
    idleTimeoutMs: null,
    maxLifetimeMs: null,
    breakers: [],
    healthCheck: null,
  };
}

export function live(weight: number | null = null, share = 1): Role {
  return { kind: "live", weight, share };
}

/** A Mapping of namespace `ns` in its own space that forwards to the Upstream `name`. */
export function mapping(name: string, path: PathMatch | Match, more: Partial<Mapping> = {}): Mapping {
  return {
    id: `Mapping ns/${name}`,
    source: { kind: "Mapping", namespace: "ns", name },
    namespace: "ns",
    space: null,
    granted: false,
    member: `Mapping ns/${name}`,
    match: "kind" in path ? match(path) : path,
    precedence: 0,
    role: live(),
    sticky: null,
    target: forwardTo(name),
    guard: plainGuard,
    series: { namespace: "ns", deployment: name, predictor: "", role: "live", protocol: "http" },
    ...more,
  };
}

/** Mappings without counter slots. */
export function change(mappings: readonly Mapping[], more: Partial<TableChange> = {}): TableChange {
  return {
    settings: plainSettings,
    mappings: mappings.map((one) => ({ mapping: one, slot: -1 })),
    removedMappings: [],
    upstreams: [],
    removedUpstreams: [],
    endpoints: [],
    endpointSlots: [],
    failing: [],
    ...more,
  };
}

/** A table that changes: its writer, and a reader that takes each table at once. */
export class LiveTable<T> {
  readonly arena: Arena;
  readonly writer: TableWriter;
  readonly table: RouteTable<T>;

  constructor(attach: (mapping: Mapping, slot: number) => T, bytes = 2 ** 22) {
    this.arena = arenaOn(new ArrayBuffer(bytes));
    this.writer = new TableWriter(this.arena, 0);
    this.table = new RouteTable(this.arena, attach);
  }

  apply(given: TableChange): RouteTable<T> {
    this.table.adopt(this.writer.write(given, this.table.version).root);
    return this.table;
  }
}

/** Endpoints of every Upstream that the Mappings name, ready but for those in `unready`. */
export function endpointsOf(
  mappings: readonly Mapping[],
  unready: readonly string[] = [],
): readonly UpstreamEndpoints[] {
  const keys = new Set(mappings.flatMap(({ target }) => (target.kind === "forward" ? [target.upstream] : [])));
  return [...keys].map((key) => ({ key, ready: !unready.includes(key), endpoints: [] }));
}

/** A table of these Mappings, every Upstream ready but for those in `unready`. */
export function tableOf(
  mappings: readonly Mapping[],
  unready: readonly string[] = [],
  singleNamespace: string | null = null,
): RouteTable<null> {
  return privateTable(
    change(mappings, { endpoints: endpointsOf(mappings, unready), settings: { ...plainSettings, singleNamespace } }),
    () => null,
  );
}

export function request(path: string, more: Partial<HeadText> = {}): RequestHead {
  return headOf({ method: "POST", path, host: "localhost:8003", headers: [], grpc: false, ...more });
}
