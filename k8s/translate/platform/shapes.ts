// Where the fields of Hosts, TLSContexts, Modules, AuthServices and RateLimitServices may stand: all that Ambassador documents of them, read here or not.
import type { FieldKind } from "../fields/field-kinds.ts";
import { mappingShapes } from "../mappings/mapping-shape.ts";
import { deciding as decidingModuleKeys } from "./module-front.ts";
import { moduleKeys } from "./module-keys.ts";
import { Places } from "../fields/places.ts";
import { anyTexts, fieldNames, keysOf, objectShape, values, type Keys, type Shape } from "../fields/shape.ts";

/** Kinds of objects that configure the gateway and not a model. */
export const platformKinds = ["Host", "TLSContext", "Module", "AuthService", "RateLimitService"] as const;
export type PlatformKind = (typeof platformKinds)[number];

export function isPlatformKind(kind: string): kind is PlatformKind {
  return (platformKinds as readonly string[]).includes(kind);
}

type Kinds = Readonly<Record<string, FieldKind>>;

const which = (...names: readonly string[]): Kinds => Object.fromEntries(names.map((name) => [name, "which"]));
/** Of every document, and notes of Ambassador's conversion between its versions. */
const ofAll = values(
  "ambassador_id",
  "ambassadorId",
  "generation",
  "metadata_labels",
  "namespace",
  "name",
  "v2ExplicitTLS",
  "v3StatsName",
  "stats_name",
);

/** Of what TLS asks of clients, what decides who may connect. */
export const decidingTls: readonly string[] = [
  "ca_secret",
  "crl_secret",
  "v3CRLSecret",
  "cert_required",
  "min_tls_version",
  "max_tls_version",
  "cipher_suites",
  "ecdh_curves",
  "cacert_chain_file",
  "crl_file",
  "redirect_cleartext_from",
];
const tlsFields = values(
  ...decidingTls,
  "secret",
  "alpn_protocols",
  "cert_chain_file",
  "private_key_file",
  "sni",
  "secret_namespacing",
);
const selector = keysOf({ matchLabels: anyTexts, matchExpressions: { each: fieldNames } });

const host: Keys = keysOf(
  {
    ...ofAll,
    ...values("hostname"),
    selector,
    mappingSelector: selector,
    acmeProvider: fieldNames,
    previewUrl: fieldNames,
    tlsSecret: keysOf(values("name", "namespace"), which("name")),
    tlsContext: keysOf(values("name", "namespace"), which("name")),
    tls: keysOf(tlsFields, which(...decidingTls)),
    requestPolicy: keysOf({ insecure: keysOf(values("action", "additionalPort"), which("action")) }, which("insecure")),
  },
  which("hostname", "tlsSecret", "tlsContext", "tls", "requestPolicy", "ambassador_id", "ambassadorId"),
);

const tlsContext: Keys = keysOf(
  { ...ofAll, ...tlsFields, ...values("hosts") },
  which("hosts", "ambassador_id", ...decidingTls),
);

/** A key may slip into any map that stands before it. */
const moduleConfig: Keys = keysOf(
  Object.fromEntries(
    moduleKeys.map((name): [string, Shape] => [
      name,
      mappingShapes[name] ?? (decidingModuleKeys.some((key) => key === name) ? "value" : fieldNames),
    ]),
  ),
  which(...decidingModuleKeys),
);
const module: Keys = keysOf({ ...ofAll, config: moduleConfig }, which("ambassador_id"));

const authService: Keys = keysOf(
  {
    ...ofAll,
    ...values(
      "auth_service",
      "path_prefix",
      "proto",
      "protocol_version",
      "timeout_ms",
      "connect_timeout_ms",
      "cluster_idle_timeout_ms",
      "cluster_max_connection_lifetime_ms",
      "tls",
      "allowed_headers",
      "allowed_request_headers",
      "allowed_authorization_headers",
      "allow_request_body",
      "add_linkerd_headers",
      "failure_mode_allow",
    ),
    ...values("circuit_breakers", "v3CircuitBreakers"),
    add_auth_headers: fieldNames,
    include_body: keysOf(values("max_bytes", "allow_partial")),
    status_on_error: keysOf(values("code")),
  },
  which(
    "auth_service",
    "path_prefix",
    "proto",
    "protocol_version",
    "tls",
    "allowed_request_headers",
    "allowed_authorization_headers",
    "add_auth_headers",
    "allow_request_body",
    "include_body",
    "status_on_error",
    "failure_mode_allow",
    "ambassador_id",
  ),
);

const rateLimitService: Keys = keysOf(
  {
    ...ofAll,
    ...values(
      "service",
      "domain",
      "timeout_ms",
      "protocol_version",
      "tls",
      "failure_mode_deny",
      "circuit_breakers",
      "v3CircuitBreakers",
    ),
    grpc: keysOf(values("use_resource_exhausted_code")),
  },
  which("service", "domain", "protocol_version", "tls", "failure_mode_deny", "ambassador_id"),
);

/** Fields without which more is let in than with them: one that is there without a value has lost it. */
export const neverEmpty: Readonly<Record<PlatformKind, readonly string[]>> = {
  Host: [
    "hostname",
    "tlsContext",
    "tls",
    "requestPolicy",
    "requestPolicy.insecure",
    "requestPolicy.insecure.action",
    ...decidingTls.map((name) => `tls.${name}`),
  ],
  TLSContext: ["hosts", ...decidingTls],
  // Without hops the peer itself is taken for the client.
  Module: decidingModuleKeys.filter((name) => name !== "xff_num_trusted_hops").map((name) => `config.${name}`),
  AuthService: ["path_prefix", "include_body", "allowed_authorization_headers"],
  RateLimitService: ["domain", "failure_mode_deny"],
};

const placesOf = (spec: Keys): { readonly object: Places; readonly flat: Places } => {
  const object = objectShape(spec, {});
  // `spec` is none of its keys.
  return {
    object: new Places(object),
    flat: new Places(
      keysOf(
        { ...spec.keys, ...values("apiVersion", "kind", "status"), metadata: object.keys["metadata"]! },
        spec.kinds,
      ),
    ),
  };
};

/** By kind: an object or document with `spec`, and one without. */
export const platformPlaces: Readonly<Record<PlatformKind, { readonly object: Places; readonly flat: Places }>> = {
  Host: placesOf(host),
  TLSContext: placesOf(tlsContext),
  Module: placesOf(module),
  AuthService: placesOf(authService),
  RateLimitService: placesOf(rateLimitService),
};
