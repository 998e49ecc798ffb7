// Arbitrary Mappings and requests out of few words, so that they meet.
import * as fc from "fast-check";
import { headOf, type HeadText } from "../../routing/request/head-text.ts";
import { plainGuard, type Guard } from "../../routing/model/guard.ts";
import type { Mapping, Role } from "../../routing/model/mapping.ts";
import type { HostMatch, Match, NamedMatch, PathMatch, ValueMatch } from "../../routing/model/match.ts";
import type { Sticky } from "../../routing/model/sticky.ts";
import type { UpstreamEndpoints } from "../../routing/model/upstream.ts";
import { forwardTo } from "./build.ts";

// `a` and `A` have one hash: only comparing the names keeps them apart.
const namespaces = ["a", "A", "b", "seldon"];
const upstreams = ["u0", "u1", "u2", "u3"];
const paths = [
  "",
  "/",
  "/seldon/",
  "/seldon/a/",
  "/seldon/a/m/",
  "/seldon/a/m",
  "/seldon/a/M/",
  "/seldon/b/m/",
  "/seldon/a/m/x",
  "/x",
  "/x/",
  "/X/y",
  "/x/y/",
  "/seldon/seldon/m/",
  "/seldon/A/m/",
  "none",
  "/é/",
  "/É/",
  "/k/",
  "/\u212a/",
  "/@/",
  "/`/",
  "/seldon//",
  "/seldon.protos.Seldon/",
  "/inference",
];
const patterns = ["/x.*", "/seldon/a/.*", "/seldon/./m/.*", "(?i)/X/.*", "/seldon/a/m/", ".*", "(", "/x/[^/]*"];
const names = ["x-a", "x-b", "seldon", "namespace"];
const values = ["1", "2", "", "a", "m", "1,2", "b"];

const path: fc.Arbitrary<PathMatch> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("prefix" as const),
      prefix: fc.constantFrom(...paths),
      caseSensitive: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("exact" as const),
      path: fc.constantFrom(...paths),
      caseSensitive: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("regex" as const), pattern: fc.constantFrom(...patterns) }) },
  { weight: 2, arbitrary: fc.constant({ kind: "grpc" as const }) },
);

const value: fc.Arbitrary<ValueMatch> = fc.oneof(
  fc.record({ kind: fc.constant("exact" as const), value: fc.constantFrom(...values) }),
  fc.record({ kind: fc.constant("regex" as const), pattern: fc.constantFrom("[0-9]", ".*", "a|b", "[", "m") }),
  fc.constant({ kind: "present" as const }),
);

const few = (one: fc.Arbitrary<NamedMatch>): fc.Arbitrary<readonly NamedMatch[]> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(one, { maxLength: 2 }));

const host: fc.Arbitrary<HostMatch> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: "any" as const }) },
  fc.constantFrom<HostMatch>(
    { kind: "exact", host: "foo.example.com" },
    { kind: "suffix", suffix: ".example.com" },
    { kind: "prefix", prefix: "foo." },
    { kind: "regex", pattern: "f.*m" },
  ),
);

const anyMatch: fc.Arbitrary<Match> = fc.record({
  path,
  host,
  method: fc.oneof(
    { weight: 4, arbitrary: fc.constant(null) },
    fc.constantFrom<ValueMatch>({ kind: "exact", value: "GET" }, { kind: "regex", pattern: "P.*" }),
  ),
  headers: few(fc.record({ name: fc.constantFrom(...names), value })),
  query: few(fc.record({ name: fc.constantFrom("q", "r"), value })),
});

const role: fc.Arbitrary<Role> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("live" as const),
      weight: fc.constantFrom(null, 0, 10, 50, 100, 120),
      share: fc.constantFrom(1, 0.25, 0),
    }),
  },
  fc.record({ kind: fc.constant("shadow" as const), percent: fc.constantFrom(0, 10, 100, 200) }),
);

const guard: fc.Arbitrary<Guard> = fc.oneof(
  { weight: 4, arbitrary: fc.constant(plainGuard) },
  fc.constantFrom<Guard>(
    { ...plainGuard, auth: { kind: "providers", names: ["corp", "keys"] } },
    {
      ...plainGuard,
      auth: { kind: "open", granted: true },
      deny: ["10.0.0.0/8"],
      limits: [{ permits: 1, periodMs: 1000, burst: 1, per: { kind: "header", name: "x-a" } }],
    },
  ),
);

export const anyMapping: fc.Arbitrary<Mapping> = fc
  .record({
    name: fc.constantFrom("p", "q", "r", "s", "t", "v", "w", "z"),
    namespace: fc.constantFrom(...namespaces),
    owned: fc.boolean(),
    grantedInto: fc.boolean(),
    granted: fc.boolean(),
    match: anyMatch,
    precedence: fc.constantFrom(0, 0, 0, 1, -1),
    role,
    upstream: fc.constantFrom(...upstreams),
    guard,
  })
  .map(({ name, namespace, owned, grantedInto, granted, match, precedence, role: given, upstream, guard: said }) => ({
    id: `${namespace}/${name}`,
    source: { kind: "Mapping", namespace, name },
    namespace,
    space: owned ? (grantedInto ? "a" : namespace) : null,
    granted,
    member: `Mapping ${namespace}/${name}`,
    match,
    precedence,
    role: given,
    sticky: stickyOfName(name),
    target: forwardTo(upstream),
    guard: said,
    series: { namespace, deployment: name, predictor: "", role: given.kind, protocol: "http" as const },
  }));

function stickyOfName(name: string): Sticky | null {
  return name < "r" ? { on: { kind: "header", name: "x-user" }, identity: `a/${name}` } : null;
}

/** Unready, ready, or ready by an Endpoint that is ending. */
export const someEndpoints: fc.Arbitrary<readonly UpstreamEndpoints[]> = fc
  .array(fc.tuple(fc.constantFrom(...upstreams), fc.constantFrom("unready", "ready", "terminating")), { maxLength: 4 })
  .map((states) =>
    [...new Map(states)].map(([key, state]) => ({
      key,
      ready: state !== "unready",
      endpoints: state === "unready" ? [] : [{ ip: "10.0.0.1", port: 9000, state }],
    })),
  );

export const anyHeadText: fc.Arbitrary<HeadText> = fc
  .record({
    method: fc.constantFrom("GET", "POST"),
    path: fc.oneof(
      fc
        .tuple(
          fc.constantFrom(...paths.filter((one) => one.startsWith("/"))),
          fc.constantFrom("", "x", "/y", "api/v1", "/"),
        )
        .map(([first, second]) => first + second),
      fc.constantFrom(
        "/seldon.protos.Seldon/Predict",
        "/inference.GRPCInferenceService/ModelInfer",
        "/grpc.health.v1.Health/Check",
        "/grpc.reflection.v1.ServerReflection/Info",
        "/seldon",
        "/seldon/a",
      ),
    ),
    query: fc.constantFrom("", "?", "?q=1", "?r=a&q=2", "?q", "?q=1&q=2", "?xq=1"),
    host: fc.constantFrom("foo.example.com", "FOO.example.com:8080", ".example.com", "foo.", "foo.bar", "", "[::1]:80"),
    headers: fc.array(fc.tuple(fc.constantFrom(...names, "X-A", "Seldon"), fc.constantFrom(...values)), {
      maxLength: 4,
    }),
    grpc: fc.boolean(),
  })
  .map(({ query, ...head }) => ({ ...head, path: head.path + query }));

export const anyHead = anyHeadText.map((text) => headOf(text));
