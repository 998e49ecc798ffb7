// All peers, by name.
import { envoyBest, envoyEmissary, envoyEmissaryRest, envoyOne } from "./proxies/envoy.ts";
import { fastify } from "./proxies/fastify.ts";
import { haproxyMap, haproxyOne } from "./proxies/haproxy.ts";
import { nginx } from "./proxies/nginx.ts";
import type { PeerKind } from "./proxies/peer.ts";
import { otherSluice, sluice } from "./proxies/sluice.ts";

export const peerKinds: readonly PeerKind[] = [
  sluice,
  envoyEmissary,
  envoyEmissaryRest,
  envoyBest,
  envoyOne,
  haproxyOne,
  haproxyMap,
  nginx,
  fastify,
];

export function peersNamed(names: readonly string[]): readonly PeerKind[] {
  return names.map((name) => {
    const kind = otherSluice(name) ?? peerKinds.find((one) => one.name === name);
    if (kind === undefined)
      throw new Error(`no peer ${name}: choose from ${peerKinds.map((one) => one.name).join(", ")}`);
    return kind;
  });
}
