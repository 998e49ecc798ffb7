// Sets the stage: the upstream, and every peer started, probed and left idle until its turn.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { answerOf, fleetPlan, type FleetPlan } from "./fleet.ts";
import { peersNamed } from "./peers.ts";
import { probe } from "./probe.ts";
import { proxyCore } from "./process.ts";
import type { Peer, PeerKind } from "./proxies/peer.ts";
import type { Contender } from "./rounds.ts";
import type { SuiteOptions } from "./suites/suite.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

export interface SetStage {
  readonly fleet: FleetPlan;
  readonly contenders: readonly Contender[];
  readonly upstream: Upstream;
}

/** Starts these peers, one after the other, each probed. */
export async function startContenders(
  kinds: readonly PeerKind[],
  fleet: FleetPlan,
  options: SuiteOptions,
  check: (kind: PeerKind, peer: Peer, fleet: FleetPlan) => Promise<void>,
): Promise<readonly Contender[]> {
  const contenders: Contender[] = [];
  for (const kind of kinds) {
    const folder = join(options.folder, kind.name);
    mkdirSync(folder, { recursive: true });
    const peer = await kind.start({ fleet, folder, core: proxyCore });
    if (!options.wrongBodies) await check(kind, peer, fleet);
    console.error(`${kind.name} is ready on port ${peer.port}, pid ${peer.pid}`);
    contenders.push({ kind, peer });
  }
  return contenders;
}

export async function setStage(options: SuiteOptions, realTimeUpstream: boolean): Promise<SetStage> {
  const answer = options.wrongBodies ? (predictor: string) => answerOf(predictor).replace("0.25", "0.26") : answerOf;
  const upstream = await startUpstream({
    folder: options.folder,
    predictors: ["main", "canary"],
    answer,
    realTime: realTimeUpstream,
  });
  const fleet = fleetPlan(options, upstream.ports);
  const contenders = await startContenders(peersNamed(options.peers), fleet, options, probe);
  return { fleet, contenders, upstream };
}
