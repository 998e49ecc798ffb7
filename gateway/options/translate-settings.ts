// What the options of the gateway mean for the translation of manifests: the same for `serve` and for the tools.
import type { TranslateSettings } from "../../k8s/translate/model/translation.ts";
import type { Settings } from "./settings.ts";

/** `forbiddenAddresses`: the API server's and the gateway's own (`ip` or `ip:port`); tools have none. `withoutSlices`: as in TranslateSettings. `releases`: there is a record of them; tools say what such a gateway serves. */
export function translateSettingsOf(
  settings: Settings,
  forbiddenAddresses: readonly string[],
  withoutSlices: TranslateSettings["withoutSlices"],
  releases = true,
): TranslateSettings {
  const {
    ambassadorIds,
    namespaces,
    singleNamespace,
    claims,
    bareNames,
    answeredBy,
    dial,
    grants,
    source,
    limits,
    gatewayNamespace,
    oauth,
  } = settings;
  return {
    ambassadorIds,
    namespaces,
    singleNamespace,
    claims,
    bareNames,
    answeredBy,
    oauth,
    releases,
    mappings: settings.mappings || source.kind === "folder",
    dial,
    source: source.kind,
    forbiddenAddresses,
    grants,
    gatewayNamespace,
    defaultTimeoutMs: limits.defaultTimeoutMs,
    withoutSlices,
  };
}
