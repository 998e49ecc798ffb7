// Sets the stage: the upstream, and every peer started, probed and left idle until its turn.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { answerOf, type FleetPlan } from "./fleet.ts";
import { peersNamed } from "./peers.ts";
import { probe } from "./probe.ts";
import { proxyCore } from "./process.ts";
import type { Contender } from "./rounds.ts";
import type { SuiteOptions } from "./suites/suite.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

export interface SetStage {
  readonly fleet: FleetPlan;
  readonly contenders: readonly Contender[];
  readonly upstream: Upstream;
}

export async function setStage(options: SuiteOptions, realTimeUpstream: boolean): Promise<SetStage> {
  const answer = options.wrongBodies ? (predictor: string) => answerOf(predictor).replace("0.25", "0.26") : answerOf;
  const upstream = await startUpstream({
    folder: options.folder,
    predictors: ["main", "canary"],
    answer,
    realTime: realTimeUpstream,
  });
  const fleet: FleetPlan = {
    deployments: options.deployments,
    addresses: options.addresses,
    mainPort: upstream.ports.get("main")!,
    canaryPort: upstream.ports.get("canary")!,
  };
  const contenders: Contender[] = [];
  for (const kind of peersNamed(options.peers)) {
    const folder = join(options.folder, kind.name);
    mkdirSync(folder, { recursive: true });
    const peer = await kind.start({ fleet, folder, core: proxyCore });
    if (!options.wrongBodies) await probe(kind, peer, fleet);
    console.error(`${kind.name} is ready on port ${peer.port}, pid ${peer.pid}`);
    contenders.push({ kind, peer });
  }
  return { fleet, contenders, upstream };
}
