// The gateway's own addresses: an Upstream that names one would send requests round in a circle.
import { networkInterfaces } from 'node:os';
import type { Settings } from '../settings.ts';

/**
 * Addresses never to dial. For a folder `ip:port` of each listener, because model servers may run on the same machine; for a cluster also
 * every address of this pod.
 */
export function ownAddresses(settings: Settings): readonly string[] {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const listeners = [settings.listen, settings.admin, ...(settings.tls === null ? [] : [settings.tls])];
  const addresses = listeners.flatMap(({ host, port }) => {
    const everywhere = host === null || host === '::' || host === '0.0.0.0';
    return (everywhere ? own.map(({ address }) => address) : [host]).map((ip) => `${ip}:${port}`);
  });
  if (settings.source.kind === 'cluster') addresses.push(...own.filter(({ internal }) => !internal).map(({ address }) => address));
  return [...new Set(addresses)];
}
