// The stage of the suites that look at Sluice alone: upstream, manifests, and a way to send load.
import { join } from "node:path";
import { answerOf, fleetPlan, type FleetPlan } from "./fleet.ts";
import { plainPlan, type LoadPlan } from "./load-plan.ts";
import { writeManifests } from "./manifests.ts";
import type { SuiteOptions } from "./suites/suite.ts";
import { startUpstream } from "./upstream.ts";

export interface SluiceStage {
  readonly fleet: FleetPlan;
  readonly manifests: string;
  readonly ports: ReadonlyMap<string, number>;
  /** A closed loop over all deployments; port and times are the suite's to fill in. */
  readonly plan: LoadPlan;
}

export async function setSluiceStage(options: SuiteOptions, predictors: readonly string[]): Promise<SluiceStage> {
  const { ports } = await startUpstream({ folder: options.folder, predictors, answer: answerOf, realTime: true });
  const fleet = fleetPlan(options, ports);
  const manifests = join(options.folder, "manifests");
  writeManifests(manifests, fleet);
  const plan = plainPlan(fleet, options);
  return { fleet, manifests, ports, plan };
}
