// The plain Mapping: what Mappings in memory are told as a difference from (routing/arena/patch.ts). It only saves bytes: any other would do. Whoever makes
// Mappings out of its parts, as they are, also saves the time to compare and to digest them.
import { keepDigest } from "../collections/digest.ts";
import { plainGuard } from "../model/guard.ts";
import type { ForwardTarget, HeaderEdits, Mapping } from "../model/mapping.ts";
import type { NamedMatch } from "../model/match.ts";
import type { ObjectRef } from "../text/problem.ts";
import type { Upstream } from "../model/upstream.ts";

const noEdits: HeaderEdits = Object.freeze({ remove: Object.freeze([]), add: Object.freeze([]) });

/** Its prefix is taken away; the rest of the request goes on as it came. */
export const plainTarget: ForwardTarget = Object.freeze({
  kind: "forward",
  upstream: "",
  rewrite: Object.freeze({ kind: "prefix", with: "/" }),
  hostRewrite: Object.freeze({ kind: "client" }),
  requestHeaders: noEdits,
  responseHeaders: noEdits,
  timeout: Object.freeze({ ms: 3000, setBy: null }),
  idleTimeout: Object.freeze({ ms: 300_000, setBy: null }),
  retry: null,
  loadBalancer: Object.freeze({ kind: "least-request" }),
  priority: "default",
  cors: null,
  upgrades: Object.freeze([]),
  dialService: false,
  released: false,
  model: "",
  externalPolicy: Object.freeze({ bypassAuth: false, authContextExtensions: Object.freeze({}), labels: null }),
  compare: "",
  rewardPath: null,
});

export const plainMapping: Mapping = Object.freeze({
  id: "",
  source: Object.freeze({ kind: "SeldonDeployment", namespace: "", name: "" }),
  namespace: "",
  space: "",
  granted: false,
  member: "",
  match: Object.freeze({
    path: Object.freeze({ kind: "prefix", prefix: "", caseSensitive: true }),
    host: Object.freeze({ kind: "any" }),
    method: null,
    headers: Object.freeze([]),
    query: Object.freeze([]),
  }),
  precedence: 0,
  role: Object.freeze({ kind: "live", weight: null, share: 1 }),
  sticky: null,
  target: plainTarget,
  guard: plainGuard,
  series: Object.freeze({ namespace: "", deployment: "", predictor: "", role: "live", protocol: "http" }),
});

for (const part of [
  plainMapping.match.host,
  plainMapping.match.headers,
  plainMapping.role,
  ...Object.values(plainTarget),
])
  if (typeof part === "object" && part !== null) keepDigest(part);

/** What nearly all Mappings of a deployment are: by path, gRPC with a namespace, gRPC without one. */
export type Form = "http" | "grpc" | "grpc-bare";

/** Which one a Mapping is most like. */
export function formOf({ space, match }: Mapping): Form {
  return match.path.kind !== "grpc" ? "http" : space === null ? "grpc-bare" : "grpc";
}

const untouched = Object.freeze({ kind: "none" } as const);
keepDigest(untouched);

/** The plain Mapping of an object and its predictor: what usually follows from their names is not told of each. */
export function plainMappingOf(source: ObjectRef, form: Form, predictor: string): Mapping {
  const { kind, namespace, name } = source;
  const isHttp = form === "http";
  return {
    ...plainMapping,
    id: plainId(source, form, predictor),
    source,
    namespace,
    space: form === "grpc-bare" ? null : namespace,
    member: `${kind} ${namespace}/${name}`,
    match: isHttp
      ? {
          ...plainMapping.match,
          path: { kind: "prefix", prefix: `/seldon/${namespace}/${name}/`, caseSensitive: true },
        }
      : { ...plainMapping.match, path: { kind: "grpc" }, headers: metadataOf(source, form) },
    target: {
      ...plainTarget,
      upstream: plainUpstreamKey(source, form, predictor),
      rewrite: isHttp ? plainTarget.rewrite : untouched,
    },
    series: { namespace, deployment: name, predictor, role: "live", protocol: isHttp ? "http" : "grpc" },
  };
}

/** As `plainMappingOf`, of another predictor beside this Mapping; beside one of the same, the Mapping itself. */
export function plainBeside(mapping: Mapping, form: Form, predictor: string): Mapping {
  const { source, target, series } = mapping;
  if (series.predictor === predictor) return mapping;
  return {
    ...mapping,
    id: plainId(source, form, predictor),
    target: target.kind === "forward" ? { ...target, upstream: plainUpstreamKey(source, form, predictor) } : target,
    series: { ...series, predictor },
  };
}

function plainId({ kind, namespace, name }: ObjectRef, form: Form, predictor: string): string {
  return `${kind} ${namespace}/${name} ${form} ${predictor}`;
}

function plainUpstreamKey({ namespace, name }: ObjectRef, form: Form, predictor: string): string {
  return `service ${namespace}/${name}-${predictor}:${form === "http" ? "8000 http1" : "5001 http2"}`;
}

function metadataOf({ namespace, name }: ObjectRef, form: Form): readonly NamedMatch[] {
  const deployment: NamedMatch = { name: "seldon", value: { kind: "exact", value: name } };
  return form === "grpc-bare"
    ? [deployment]
    : [deployment, { name: "namespace", value: { kind: "exact", value: namespace } }];
}

/** The plain Upstream of a key: of most, the key says what they are. */
export function plainUpstreamOf(key: string): Upstream {
  const [, namespace, name, port, protocol] = serviceKey.exec(key) ?? [];
  if (protocol === undefined) return { ...plainUpstream, key };
  return {
    ...plainUpstream,
    key,
    address: { kind: "service", namespace: namespace!, name: name!, port: Number(port) },
    protocol: protocol === "http2" ? "http2" : "http1",
  };
}

const serviceKey = /^service ([^/ ]*)\/([^/: ]*):([0-9]{1,5}) (http[12])$/;

const plainUpstream: Upstream = Object.freeze({
  key: "",
  address: Object.freeze({ kind: "service", namespace: "", name: "", port: 8000 }),
  protocol: "http1",
  tls: null,
  connectTimeoutMs: 3000,
  idleTimeoutMs: null,
  maxLifetimeMs: null,
  breakers: Object.freeze([]),
  healthCheck: null,
});
