// The documents of a Service: the text of `getambassador.io/config`, or what stands where it is not read and seems to be it. An AuthService may be in it.
import { configKey, ownKinds } from "./annotation-names.ts";
import { anyTexts, keysOf, objectShape, values } from "./shape.ts";
import { KnownKeys, reportUnknown } from "./unknown-keys.ts";
import type { Report } from "../values/report.ts";
import { fieldOf, isRecord, quoted, recordOf, scalarText, type UnknownRecord } from "../values/value.ts";

export const configField = `metadata.annotations["${configKey}"]`;

/** `unreadable`: `text` holds what it would have said, somewhere. `isValid` false: what stands beside the text may have said who may call. */
export type ServiceConfig =
  | { readonly kind: "none" }
  | { readonly kind: "text"; readonly text: string; readonly isValid: boolean }
  | { readonly kind: "unreadable"; readonly text: string; readonly object: UnknownRecord };

/** Fields of the spec of a Service in Kubernetes' schema, those of the past too. */
export const serviceSpecFields: readonly string[] = [
  "allocateLoadBalancerNodePorts",
  "clusterIP",
  "clusterIPs",
  "externalIPs",
  "externalName",
  "externalTrafficPolicy",
  "healthCheckNodePort",
  "internalTrafficPolicy",
  "ipFamilies",
  "ipFamily",
  "ipFamilyPolicy",
  "loadBalancerClass",
  "loadBalancerIP",
  "loadBalancerSourceRanges",
  "ports",
  "publishNotReadyAddresses",
  "selector",
  "sessionAffinity",
  "sessionAffinityConfig",
  "topologyKeys",
  "trafficDistribution",
  "type",
];

const keys = new KnownKeys(
  objectShape(keysOf({ ...values(...serviceSpecFields), selector: anyTexts }), { ...ownKinds, [configKey]: "which" }),
);

/** Reports what is unknown of them. Of a Service that seems to have no documents nothing else is read. */
export function serviceConfigOf(object: UnknownRecord, hadConfig: boolean, report: Report): ServiceConfig {
  const annotations = fieldOf(recordOf(fieldOf(object, "metadata")), "annotations") ?? null;
  const written = isRecord(annotations) ? (fieldOf(annotations, configKey) ?? null) : annotations;
  const text = isRecord(annotations) ? (scalarText(written) ?? "") : "";
  const outcome = hadConfig ? "the last good form of its documents holds" : "none of its documents is served";
  if (isRecord(annotations) ? typeof written === "object" && written !== null : annotations !== null) {
    report(
      "error",
      "bad-value",
      isRecord(annotations) ? configField : "metadata.annotations",
      `${quoted(written)} is not ${isRecord(annotations) ? "a text" : "a map"}, so ${outcome}; write | behind the key ${configKey}, and the documents indented below it`,
    );
    return { kind: "unreadable", text: JSON.stringify(object), object: {} };
  }
  const unknown = keys.unknownIn(object).filter(({ decides }) => decides);
  const counts =
    text !== "" || hadConfig || unknown.some(({ near }) => near === configKey)
      ? unknown
      : unknown.filter(() => JSON.stringify(object).includes(configKey));
  const isUnknown = reportUnknown(counts, "", outcome, report);
  if (text !== "") return { kind: "text", text, isValid: !isUnknown };
  if (isUnknown) return { kind: "unreadable", text: JSON.stringify(object), object: {} };
  if (isRecord(annotations) && Object.hasOwn(annotations, configKey))
    report("warning", "empty-field", configField, "it has no text; write its value, or remove it");
  return { kind: "none" };
}
