// Everything that "npm run pages" makes, a line each: the part of a page beside the declaration that it is made from.
import { annotationsPart, deploymentFieldsPart } from "./annotations.ts";
import type { GeneratedFile, GeneratedPart } from "./generated.ts";
import { accessFiles, accessParts } from "./access.ts";
import { ambassadorParts } from "./ambassador-fields.ts";
import { chartSchemaFile } from "./chart-schema.ts";
import { endpointsPart } from "./endpoints.ts";
import { evidencePart, flagsPart, reasonsPart } from "./failures.ts";
import { accessLogPart, logEventsPart } from "./log.ts";
import { metricsPart } from "./metrics.ts";
import { commandsPart, serveOptionsPart, sharedOptionsPart } from "./options.ts";
import { dashboardFile } from "./monitoring/dashboard.ts";
import { alertRulesFile, alertsPart } from "./monitoring/rules.ts";
import { problemsPart } from "./problems.ts";
import { stepsPart } from "./steps.ts";

export const generatedParts: readonly GeneratedPart[] = [
  ...accessParts,
  accessLogPart,
  alertsPart,
  ...ambassadorParts,
  annotationsPart,
  deploymentFieldsPart,
  commandsPart,
  endpointsPart,
  evidencePart,
  flagsPart,
  logEventsPart,
  metricsPart,
  problemsPart,
  reasonsPart,
  serveOptionsPart,
  sharedOptionsPart,
  stepsPart,
];

export const generatedFiles: readonly GeneratedFile[] = [
  ...accessFiles,
  alertRulesFile,
  chartSchemaFile,
  dashboardFile,
];
