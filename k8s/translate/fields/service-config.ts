// The documents of a Service: the text of `getambassador.io/config`, or what stands where it is not read and seems to be it. An AuthService may be in it.
import { guardKinds } from "./annotation-names.ts";
import { anyTexts, keysOf, objectShape, values } from "./shape.ts";
import { misplacedSentence, Places } from "./places.ts";
import type { Report } from "../values/report.ts";
import { fieldOf, isRecord, quoted, recordOf, scalarText, type UnknownRecord } from "../values/value.ts";

export const configKey = "getambassador.io/config";
export const configField = `metadata.annotations["${configKey}"]`;

/** `unreadable`: `text` holds what it would have said, somewhere. `lostGuard`: what stands elsewhere may have said who may call. */
export type ServiceConfig =
  | { readonly kind: "none" }
  | { readonly kind: "text"; readonly text: string; readonly lostGuard: boolean }
  | { readonly kind: "unreadable"; readonly text: string };

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

const places = new Places(
  objectShape(keysOf({ ...values(...serviceSpecFields), selector: anyTexts }), { ...guardKinds, [configKey]: "which" }),
);

/** `hadConfig`: it had documents before. Reports what is misplaced of them. */
export function serviceConfigOf(object: UnknownRecord, hadConfig: boolean, report: Report): ServiceConfig {
  const annotations = fieldOf(recordOf(fieldOf(object, "metadata")), "annotations") ?? null;
  const written = isRecord(annotations) ? (fieldOf(annotations, configKey) ?? null) : null;
  const text = scalarText(written);
  const lost = places.misplacedIn(object).filter(({ decides }) => decides);
  const hasConfig = (text ?? "") !== "";
  const outcome = hasConfig
    ? "Sluice refuses calls that it did not guard before"
    : hadConfig
      ? "the last good form of its documents holds"
      : "none of its documents is served";
  // Of a Service without documents nothing but these is read. What is misspelt of the guard its reader says.
  const counts = lost.filter(({ near, place, level }) =>
    hasConfig
      ? place !== "here" || level !== "metadata.annotations" || near === configKey
      : near === configKey || near === "annotations" || (near === null && JSON.stringify(object).includes(configKey)),
  );
  const isBad = written !== null && text === null;
  if (isBad)
    report(
      "error",
      "bad-value",
      configField,
      `${quoted(written)} is not a text, so ${outcome}; write | behind the key, and the documents indented below it`,
    );
  if (!isBad && !hasConfig && counts.length === 0) {
    const isEmptied = annotations === null && Object.hasOwn(recordOf(fieldOf(object, "metadata")), "annotations");
    if (!isEmptied && (!isRecord(annotations) || !Object.hasOwn(annotations, configKey))) return { kind: "none" };
    const without = isEmptied && !hadConfig ? "no value and counts as not written" : "no text";
    // Charts often write it for a Service that has no annotations, so it is no warning.
    const level = isEmptied ? "info" : "warning";
    report(
      hadConfig ? "error" : level,
      "empty-field",
      isEmptied && !hadConfig ? "metadata.annotations" : configField,
      `it has ${without}${hadConfig ? ", and the last good form of its documents holds" : ""}; write its value, or remove it`,
    );
    return hadConfig ? { kind: "unreadable", text: "" } : { kind: "none" };
  }
  for (const one of counts)
    if (one.near !== "annotations" || one.place !== "value")
      report("error", "misplaced-field", one.field, misplacedSentence(one, outcome));
  return hasConfig
    ? { kind: "text", text: text!, lostGuard: counts.length > 0 }
    : { kind: "unreadable", text: JSON.stringify(object) };
}
