// Platform objects: Ambassador's kinds that configure the whole gateway and not one Mapping. They count only where the operator of the gateway
// writes: from its own namespace, or by a Grant.
import type { ObjectRef } from "../../../routing/text/problem.ts";
import type { TranslateSettings } from "../model/translation.ts";

/** Kinds of objects that configure the gateway and not a model. */
export const platformKinds = ["Host", "TLSContext", "Module", "AuthService", "RateLimitService"] as const;
export type PlatformKind = (typeof platformKinds)[number];

export function isPlatformKind(kind: string): kind is PlatformKind {
  return (platformKinds as readonly string[]).includes(kind);
}

/** What becomes of an object of theirs that cannot be understood and has no last good form, as words behind "so". */
export const closedOutcomes: Readonly<Record<PlatformKind, string>> = {
  Host: "Sluice closes its host, or without one every host that no other Host names: no TLS, and nothing in cleartext",
  TLSContext: "Sluice closes its hosts (no TLS, and nothing in cleartext) and reaches no upstream with it",
  Module: "Sluice refuses every request that it may be about",
  AuthService: "Sluice answers 500 to every request that it would be asked about",
  RateLimitService: "Sluice answers 500 to every request whose Mapping has labels",
};

type Chosen = Pick<TranslateSettings, "gatewayNamespace" | "grants">;

/** Namespaces whose platform objects count, in order: the gateway's own first. */
export function platformNamespaces({ gatewayNamespace, grants }: Chosen): readonly string[] {
  const granted = grants.filter(({ gateway }) => gateway).map(({ namespace }) => namespace);
  return [...new Set(gatewayNamespace === null ? granted : [gatewayNamespace, ...granted])];
}

/** Does this object exist for the gateway? What configures it does where it counts, whichever namespaces are watched. */
export function isWatched(
  { kind, namespace }: ObjectRef,
  settings: Chosen & Pick<TranslateSettings, "namespaces">,
): boolean {
  const { namespaces } = settings;
  return (
    namespaces.length === 0 ||
    namespaces.includes(namespace) ||
    (isPlatformKind(kind) && platformNamespaces(settings).includes(namespace))
  );
}

/** Why such an object of this namespace does not count, with what to do; null: it counts. */
export function refusesPlatform(kind: string, namespace: string, chosen: Chosen): string | null {
  const { gatewayNamespace } = chosen;
  if (platformNamespaces(chosen).includes(namespace)) return null;
  const own =
    gatewayNamespace === null
      ? "its own namespace (--gateway-namespace is not set)"
      : `its own namespace, ${gatewayNamespace}`;
  return `it configures the whole gateway, which takes ${/^[AEIOU]/.test(kind) ? "an" : "a"} ${kind} only from ${own}, or from one with a Grant, so Sluice ignores it; write it there, or ask the operator of the gateway for a Grant with gateway: true, or for --gateway-namespace ${namespace}`;
}
