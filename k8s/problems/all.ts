// All Problem codes, a group a kind of object: what `k8s/PROBLEMS.md` is made from, and what a Problem's `code` may be.
import { backendProblems } from "./backends.ts";
import { deploymentProblems } from "./deployments.ts";
import type { ProblemEntry } from "./entry.ts";
import { clusterProblems, fileProblems } from "./files.ts";
import { backProblems, gatewayProblems } from "./gateway.ts";
import { fieldProblems, mappingProblems, platformProblems } from "./mappings.ts";
import { sharingProblems } from "./sharing.ts";

export const problemEntries = {
  ...fieldProblems,
  ...deploymentProblems,
  ...mappingProblems,
  ...platformProblems,
  ...sharingProblems,
  ...backendProblems,
  ...fileProblems,
  ...clusterProblems,
  ...gatewayProblems,
  ...backProblems,
} as const satisfies Readonly<Record<string, ProblemEntry>>;

declare module "../../routing/text/problem.ts" {
  interface ProblemCodes extends Readonly<Record<keyof typeof problemEntries, true>> {}
}

export interface ProblemGroup {
  readonly title: string;
  readonly entries: Readonly<Record<string, ProblemEntry>>;
}

/** In the order of the page. */
export const problemGroups: readonly ProblemGroup[] = [
  { title: "Fields of any object", entries: fieldProblems },
  { title: "SeldonDeployments", entries: deploymentProblems },
  { title: "Mappings and documents", entries: mappingProblems },
  { title: "Module, Host, TLSContext, AuthService, RateLimitService", entries: platformProblems },
  { title: "What objects and namespaces share", entries: sharingProblems },
  { title: "Services, EndpointSlices and Secrets", entries: backendProblems },
  { title: "Files and folders", entries: fileProblems },
  { title: "The cluster", entries: clusterProblems },
  { title: "Policy and certificates", entries: gatewayProblems },
  { title: "sluice check --back", entries: backProblems },
];
