// Fields of a raw Mapping that nobody read: those without effect here, those that Sluice does not have, those that are ignored beside or
// without another, and those that nobody knows.
import { mappingFields } from "../fields/mapping-fields.ts";
import type { Fields } from "../fields/fields.ts";
import { checkInnerKeys } from "./mapping-shape.ts";
import { nearWord } from "../values/near-word.ts";

/** Read elsewhere: whose the document is, and what it is. */
const elsewhere = [
  "apiVersion",
  "kind",
  "name",
  "namespace",
  "generation",
  "ambassador_id",
  "ambassadorId",
  "metadata_labels",
];

/** Of no effect on what is served, so that nothing is lost without them. */
const withoutEffect: Readonly<Record<string, string>> = {
  cluster_tag: "Upstreams are apart by address and protocol here",
  docs: "it describes the Mapping for a developer portal",
  v2ExplicitTLS: "it is a note of Ambassador's conversion between its versions",
  v2BoolHeaders: "it is a note of Ambassador's conversion between its versions",
  v2BoolQueryParameters: "it is a note of Ambassador's conversion between its versions",
};

/** Known to Ambassador and lost here. */
const lost = [
  "keepalive",
  "dns_type",
  "respect_dns_ttl",
  "enable_ipv4",
  "enable_ipv6",
  "stats_name",
  "v3StatsName",
  "modules",
  "envoy_override",
  "outlier_detection",
  "error_response_overrides",
  "bypass_error_response_overrides",
  "circuit_breaker",
  "cluster_timeout_ms",
];

/** What a redirect answers with needs none of these. */
const ofForwarding = [
  "rewrite",
  "regex_rewrite",
  "host_rewrite",
  "auto_host_rewrite",
  "tls",
  "grpc",
  "timeout_ms",
  "idle_timeout_ms",
  "connect_timeout_ms",
  "cluster_idle_timeout_ms",
  "cluster_max_connection_lifetime_ms",
  "retry_policy",
  "circuit_breakers",
  "load_balancer",
  "health_checks",
  "v3health_checks",
  "resolver",
  "priority",
  "cors",
  "allow_upgrade",
  "use_websocket",
  "add_request_headers",
  "add_response_headers",
  "remove_request_headers",
  "remove_response_headers",
  "add_linkerd_headers",
];

/** Fields that say nothing without, or beside, another one. */
const dependent: readonly (readonly [name: string, depends: "without" | "beside", other: string])[] = [
  ["path_redirect", "without", "host_redirect"],
  ["prefix_redirect", "without", "host_redirect"],
  ["regex_redirect", "without", "host_redirect"],
  ["redirect_response_code", "without", "host_redirect"],
  ["host_regex", "without", "host"],
  ["method_regex", "without", "method"],
  ["host", "beside", "hostname"],
  ["rewrite", "beside", "regex_rewrite"],
  ["auto_host_rewrite", "beside", "host_rewrite"],
  ["prefix_exact", "beside", "prefix_regex"],
  ["case_sensitive", "beside", "prefix_regex"],
  ["health_checks", "beside", "v3health_checks"],
  ...ofForwarding.map((name) => [name, "beside", "host_redirect"] as const),
];

/** Fields of a Mapping that are not among those that are read. */
export const unreadMappingFields: readonly string[] = [...elsewhere, ...Object.keys(withoutEffect), ...lost];

/** Conditions, and what is asked about requests: maps of names that the writer chooses. */
const maps = [
  "headers",
  "regex_headers",
  "query_parameters",
  "regex_query_parameters",
  "auth_context_extensions",
  "labels",
];

/** After every field that counts was taken. */
export function checkUnread(fields: Fields): void {
  for (const name of elsewhere) fields.take(name);
  for (const name of lost) {
    if (fields.has(name))
      fields.report("warning", "field-lost", name, "Sluice does not have this and ignores it; remove it");
    fields.take(name);
  }
  for (const [name, because] of Object.entries(withoutEffect)) {
    if (fields.has(name))
      fields.report("info", "field-without-effect", name, `this changes nothing here, because ${because}; it may stay`);
    fields.take(name);
  }
  checkInnerKeys(fields);
  for (const [name, depends, other] of dependent) {
    if (!fields.says(name) || fields.says(other) !== (depends === "beside")) continue;
    fields.report(
      "warning",
      "field-ignored",
      name,
      `this says nothing ${depends} ${other} and is ignored; ${depends === "beside" ? "remove one of the two" : `write ${other} as well, or remove it`}`,
    );
  }
  const known = new Set([...Object.keys(mappingFields), ...unreadMappingFields]);
  for (const name of fields.unread().slice(0, 16)) {
    const near = nearWord(name, known);
    const field = name.slice(0, 60);
    const emptied = near === null ? maps.find((map) => fields.isEmptyMap(map)) : undefined;
    if (emptied !== undefined)
      fields.refuse(
        "unknown-field",
        field,
        `this is not a field of a Mapping, and ${emptied} has nothing in it, so the Mapping is not served in this form; indent this below ${emptied}, or remove one of the two`,
      );
    else if (near === null)
      fields.report(
        "warning",
        "unknown-field",
        field,
        `this is not a field of a Mapping and is ignored; ${nearWord(name, ["spec"]) === null ? "correct its spelling or remove it" : "write spec"}`,
      );
    // Ignored, a misspelt condition or share would give the Mapping requests that were not meant for it; one that is there as well decides already.
    else if ((mappingFields[near] ?? "how") === "how" || (fields.has(near) && !/headers|parameters/.test(near)))
      fields.report(
        "warning",
        "unknown-field",
        field,
        `this is not a field of a Mapping and is ignored; write ${near}, or remove it`,
      );
    else
      fields.refuse(
        "unknown-field",
        field,
        `this is not a field of a Mapping, and what it seems to mean decides where requests go, so the Mapping is not served in this form; write ${near}, or remove it`,
      );
  }
}
