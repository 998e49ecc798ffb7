// A raw Mapping with what a Module says for those that do not say it.
import { limitsWith, noDefaults, targetWith, type MappingDefaults } from "../meaning/module-defaults.ts";
import type { RawMapping } from "./mapping.ts";
import { meaningOfHost, type RawService } from "../backends/service-address.ts";
import { printUpstream } from "../backends/upstreams.ts";

/** The Mapping itself where nothing is added: it is a redirect, or there is no Module, or the Mapping says all. */
export function rawWithDefaults(raw: RawMapping, namespace: string, defaults: MappingDefaults): RawMapping {
  if (raw.service === null || (defaults === noDefaults && !raw.linkerd)) return raw;
  return {
    ...raw,
    target: targetWith(raw.target, raw.said, defaults, raw.linkerd, serviceText(raw.service, namespace)),
    limits: limitsWith(raw.limits, raw.said, defaults),
    dial: raw.said.includes("resolver") ? raw.dial : defaults.dial,
  };
}

/** As Ambassador names it to Linkerd: with its namespace. */
function serviceText({ host, port }: RawService, namespace: string): string {
  const meaning = meaningOfHost(host, namespace);
  switch (meaning.kind) {
    case "service":
      return printUpstream({ kind: "service", namespace: meaning.namespace, name: meaning.name, port });
    case "name":
      return printUpstream({ kind: "dns", host: meaning.host, port });
    case "address":
      return printUpstream({ kind: "address", ip: meaning.ip, port });
  }
}
