// Envoy's routes and clusters for a fleet: in the form that Emissary-ingress emits, and in the best form that Envoy has.
// (Emissary 3.x: EV3/v3route.py, IR/irbasemappinggroup.py; Mappings: Seldon's operator 1.18, the v1 annotation writer.)
import { canaryPercent, type Deployment, type Place } from "../fleet.ts";

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

const grpcRegex = "/(seldon.protos.*|tensorflow.serving.*|inference.*)/.*";
const http2 = {
  "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    explicit_http_config: { http2_protocol_options: {} },
  },
} as const;

export function clusterOf(place: Place): string {
  return `address_${place.host}_${place.port}`;
}

function cluster(name: string, place: Place, grpc: boolean): Json {
  return {
    name,
    type: "STATIC",
    connect_timeout: "3s",
    lb_policy: "ROUND_ROBIN",
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: [
            { endpoint: { address: { socket_address: { address: place.host, port_value: place.port } } } },
          ],
        },
      ],
    },
    ...(grpc ? { typed_extension_protocol_options: http2 } : {}),
  };
}

/** A cluster that is spoken to in HTTP/2. */
export function grpcCluster(name: string, place: Place): Json {
  return cluster(name, place, true);
}

/** One cluster for each distinct address. */
export function clusters(places: readonly Place[]): readonly Json[] {
  return [...new Map(places.map((place) => [clusterOf(place), place]))].map(([name, place]) =>
    cluster(name, place, false),
  );
}

type Protocol = "rest" | "grpc";
type Variant = "main" | "canary";

function serviceCluster(deployment: Deployment, variant: Variant, protocol: Protocol): string {
  return `cluster_${deployment.name}_${variant}_${deployment.namespace}_${protocol}`;
}

/** A cluster for each service and protocol, as Emissary names them; names that resolve by DNS there are fixed addresses here. */
export function emissaryClusters(fleet: readonly Deployment[], options: { readonly grpc: boolean }): readonly Json[] {
  const protocols: readonly Protocol[] = options.grpc ? ["rest", "grpc"] : ["rest"];
  return fleet.flatMap((deployment) =>
    protocols.flatMap((protocol) =>
      (["main", "canary"] as const).map((variant) =>
        cluster(serviceCluster(deployment, variant, protocol), deployment[variant], protocol === "grpc"),
      ),
    ),
  );
}

interface Group {
  /** Elements of Emissary's route weight, compared one by one, greatest first. */
  readonly order: readonly (number | string)[];
  readonly routes: readonly Json[];
}

function descending(a: Group, b: Group): number {
  for (const [at, left] of a.order.entries()) {
    const right = b.order[at];
    if (right === undefined || left > right) return -1;
    if (left < right) return 1;
  }
  return 0;
}

/** The routes of one group: the weighted canary first with its running threshold, then the member without a weight at 100. */
function group(deployment: Deployment, protocol: Protocol): Group {
  const headers = [
    ["namespace", deployment.namespace],
    ["seldon", deployment.name],
  ] as const;
  const prefix = protocol === "rest" ? deployment.prefix : grpcRegex;
  const routes = (
    [
      ["canary", canaryPercent],
      ["main", 100],
    ] as const
  ).map(([variant, threshold]): Json => {
    const name = serviceCluster(deployment, variant, protocol);
    return {
      match: {
        ...(protocol === "rest"
          ? { prefix }
          : {
              safe_regex: { regex: prefix },
              headers: headers.map(([field, value]) => ({ name: field, string_match: { exact: value } })),
            }),
        case_sensitive: true,
        runtime_fraction: {
          default_value: { numerator: threshold, denominator: "HUNDRED" },
          runtime_key: `routing.traffic_shift.${name}`,
        },
      },
      route: { cluster: name, timeout: "3s", ...(protocol === "rest" ? { prefix_rewrite: "/" } : {}) },
    };
  });
  const headerWeight =
    protocol === "rest" ? 0 : headers.reduce((sum, [field, value]) => sum + field.length + value.length, 0);
  const order = [
    0,
    prefix.length,
    headerWeight,
    0,
    prefix,
    "GET",
    ...(protocol === "rest" ? [] : headers.map(([field, value]) => `${field}-${value}`)),
  ];
  return { order, routes };
}

/** Every route in the order in which Envoy walks them: longest prefix first, so the gRPC regexes of all deployments precede the REST ones. */
export function emissaryRoutes(fleet: readonly Deployment[], options: { readonly grpc: boolean }): readonly Json[] {
  const groups = fleet.flatMap((deployment) =>
    options.grpc ? [group(deployment, "grpc"), group(deployment, "rest")] : [group(deployment, "rest")],
  );
  return groups.sort(descending).flatMap((one) => one.routes);
}

/** A trie over the path instead of a list: the lookup does not grow with the number of deployments. */
export function bestVirtualHost(fleet: readonly Deployment[]): Readonly<Record<string, Json>> {
  const actions = fleet.map((deployment): [string, Json] => [
    deployment.prefix,
    {
      action: {
        name: "route",
        typed_config: {
          "@type": "type.googleapis.com/envoy.config.route.v3.Route",
          match: { prefix: deployment.prefix },
          route: {
            timeout: "3s",
            prefix_rewrite: "/",
            weighted_clusters: {
              clusters: [
                { name: clusterOf(deployment.main), weight: 100 - canaryPercent },
                { name: clusterOf(deployment.canary), weight: canaryPercent },
              ],
            },
          },
        },
      },
    },
  ]);
  return {
    matcher: {
      matcher_tree: {
        input: {
          name: "path",
          typed_config: {
            "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
            header_name: ":path",
          },
        },
        prefix_match_map: { map: Object.fromEntries(actions) },
      },
    },
  };
}
