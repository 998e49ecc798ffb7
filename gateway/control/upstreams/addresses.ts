// The gateway's own addresses: an Upstream that names one would send requests round in a circle.
import { networkInterfaces } from "node:os";
import type { Settings } from "../../options/settings.ts";

/**
 * Addresses never to dial: `ip:port` of each listener, because model servers may run on the same machine; in a pod also every address of it.
 */
export function ownAddresses(settings: Settings): readonly string[] {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const listeners = [settings.listen, settings.admin, ...(settings.tls === null ? [] : [settings.tls])];
  const addresses = listeners.flatMap(({ host, port }) => {
    const everywhere = host === null || host === "::" || host === "0.0.0.0";
    return (everywhere ? own.map(({ address }) => address) : [host]).map((ip) => `${ip}:${port}`);
  });
  if (settings.source.kind === "cluster" && settings.source.access.kind === "pod")
    addresses.push(...own.filter(({ internal }) => !internal).map(({ address }) => address));
  return [...new Set(addresses)];
}
