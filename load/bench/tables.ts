// Tables for benchmarks: 10,000 deployments, as the translation of SeldonDeployments gives them.
import { plainGuard } from "../../routing/model/guard.ts";
import { arenaOn, type Arena } from "../../routing/arena/arena.ts";
import type { ForwardTarget, Mapping } from "../../routing/model/mapping.ts";
import type { Match, PathMatch } from "../../routing/model/match.ts";
import { plainTarget } from "../../routing/arena/plain-mapping.ts";
import { RouteTable } from "../../routing/table.ts";
import { plainSettings, type TableChange } from "../../routing/model/table-change.ts";
import { TableWriter } from "../../routing/write/table-writer.ts";

export const deployments = 10_000;

export function policy(upstream: string, rewrite: string): ForwardTarget {
  return { ...plainTarget, upstream, rewrite: rewrite === "" ? { kind: "none" } : plainTarget.rewrite };
}

function mapping(
  id: string,
  namespace: string,
  space: string | null,
  name: string,
  match: Match,
  target: Mapping["target"],
  share: number,
): Mapping {
  return {
    id,
    source: { kind: "SeldonDeployment", namespace, name },
    namespace,
    space,
    granted: false,
    member: `SeldonDeployment ${namespace}/${name}`,
    match,
    precedence: 0,
    sticky: null,
    role: { kind: "live", weight: null, share },
    target,
    guard: plainGuard,
    series: {
      namespace,
      deployment: name,
      predictor: "main",
      role: "live",
      protocol: match.path.kind === "grpc" ? "grpc" : "http",
    },
  };
}

function matchOf(path: PathMatch, headers: Match["headers"] = []): Match {
  return { path, host: { kind: "any" }, method: null, headers, query: [] };
}

const prefix = (text: string): PathMatch => ({ kind: "prefix", prefix: text, caseSensitive: true });

/** REST and gRPC of every deployment, in so many namespaces. */
export function deploymentMappings(namespaces: number): Mapping[] {
  return Array.from({ length: deployments }, (_, index) => {
    const namespace = `team-${index % namespaces}`;
    const name = `model-${index}`;
    const metadata = [
      ["seldon", name],
      ["namespace", namespace],
    ] as const;
    return [
      mapping(
        `SeldonDeployment ${namespace}/${name} http main`,
        namespace,
        namespace,
        name,
        matchOf(prefix(`/seldon/${namespace}/${name}/`)),
        policy(`service ${namespace}/${name}-main:8000 http1`, "/"),
        1,
      ),
      mapping(
        `SeldonDeployment ${namespace}/${name} grpc main`,
        namespace,
        namespace,
        name,
        matchOf(
          { kind: "grpc" },
          metadata.map(([key, value]) => ({ name: key, value: { kind: "exact", value } })),
        ),
        policy(`service ${namespace}/${name}-main:5001 http2`, ""),
        1,
      ),
    ];
  }).flat();
}

/** Raw Mappings that other namespaces declare in shared space. */
export function foreignMappings(count: number): Mapping[] {
  return Array.from({ length: count }, (_, index) =>
    mapping(
      `Mapping other-${index}/x`,
      `other-${index}`,
      null,
      "x",
      matchOf(prefix(`/api/${index}/${"x".repeat(index % 40)}`)),
      policy(`service other-${index}/x:80 http1`, "/"),
      1,
    ),
  );
}

/** Regexes that the namespace itself declares: longer than its prefixes, so tried first, and none matches. */
export function ownRegexes(namespace: string, count: number): Mapping[] {
  return Array.from({ length: count }, (_, index) =>
    mapping(
      `Mapping ${namespace}/r${index}`,
      namespace,
      namespace,
      "r",
      matchOf({
        kind: "regex",
        pattern: `/seldon/${namespace}/model-[0-9]+/(v[0-9]+|beta|alpha)/experiment-${index}/.*`,
      }),
      policy(`service ${namespace}/r:80 http1`, "/"),
      1,
    ),
  );
}

/** All of a table: these Mappings, and their Upstreams, which are ready. */
export function wholeChange(mappings: readonly Mapping[]): TableChange {
  const keys = new Set(mappings.flatMap(({ target }) => (target.kind === "forward" ? [target.upstream] : [])));
  const endpoints = [...keys].map((key) => ({ key, ready: true, endpoints: [] }));
  return {
    settings: plainSettings,
    mappings: mappings.map((one) => ({ mapping: one, slot: -1 })),
    removedMappings: [],
    upstreams: [],
    removedUpstreams: [],
    endpoints,
    endpointSlots: [],
    failing: [],
  };
}

/** A table in memory that threads share, with its writer and a reader that takes every change at once. */
export class WrittenTable {
  readonly arena: Arena = arenaOn(new SharedArrayBuffer(2 ** 28));
  readonly writer = new TableWriter(this.arena, 0);
  readonly table: RouteTable<null>;

  constructor(whole: TableChange) {
    this.writer.write(whole, 0);
    this.table = this.reader();
  }

  reader(): RouteTable<null> {
    const reader = new RouteTable<null>(this.arena, () => null);
    reader.adopt(this.writer.written.root);
    return reader;
  }

  apply(given: TableChange): void {
    this.table.adopt(this.writer.write(given, this.table.version).root);
  }
}
