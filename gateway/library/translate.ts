// `sluice/k8s/translate` of the npm package: what SeldonDeployments, Mappings, Services and EndpointSlices mean for routing. Pure: the same objects give the same Translation.
import type { TranslateSettings } from "../../k8s/translate/model/translation.ts";

export { objectKey } from "../../k8s/translate/model/object.ts";
export { Translator } from "../../k8s/translate/translator.ts";
export { compareProblems, printProblem } from "../../routing/text/problem.ts";
export type { problemEntries } from "../../k8s/problems/all.ts";
export type { SourceObject } from "../../k8s/translate/model/object.ts";
export type {
  Grant,
  ServiceChoice,
  TranslateSettings,
  Translation,
  TranslationChange,
} from "../../k8s/translate/model/translation.ts";
export type { ObjectRef, Problem, ProblemCode, ProblemLevel } from "../../routing/text/problem.ts";

/** As `sluice check FILE…` reads manifests without any option. */
export const plainTranslateSettings: TranslateSettings = Object.freeze({
  ambassadorIds: ["default"],
  namespaces: [],
  singleNamespace: null,
  claims: "open",
  bareNames: "on",
  answeredBy: false,
  releases: true,
  oauth: false,
  mappings: true,
  dial: "endpoints",
  source: "folder",
  forbiddenAddresses: [],
  grants: [],
  gatewayNamespace: "default",
  defaultTimeoutMs: 3000,
  withoutSlices: "ready",
});
