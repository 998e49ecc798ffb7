// Decoding SeldonDeployments: unknown to Deployment. The only reader of raw SDs; later code sees typed values.
import type { Problem, ProblemCode } from "../../../routing/text/problem.ts";
import { customConfigOf, isReleased } from "../fields/annotation-names.ts";
import { annotationKeys, decidingKeys, readAnnotations } from "../fields/read-annotations.ts";
import { modelDigest } from "./model-digest.ts";
import { predictorAnnotations } from "../fields/deployment-fields.ts";
import { unknownKeysOf } from "../fields/deployment-keys.ts";
import type { Deployment, Explainer, Predictor } from "../model/deployment.ts";
import { decodeOAuthKey } from "../model/oauth-key.ts";
import { enginePorts, NoEnginePorts } from "./ports.ts";
import { isScaledToZero } from "./replicas.ts";
import type { SourceObject } from "../model/object.ts";
import type { Report } from "../values/report.ts";
import { reportUnknown } from "../fields/unknown-keys.ts";
import {
  annotationsOf,
  arrayOf,
  booleanOf,
  fieldOf,
  integerOf,
  isRecord,
  numberOf,
  quoted,
  recordOf,
  textOf,
  type UnknownRecord,
} from "../values/value.ts";

const apiVersions: ReadonlySet<string> = new Set(
  ["v1alpha1", "v1alpha2", "v1alpha3", "v1"].map((version) => `machinelearning.seldon.io/${version}`),
);

export interface DecodedDeployment {
  /** The last good form where this one is invalid; null: there was none. */
  readonly deployment: Deployment | null;
  /** `deletionTimestamp` is set: it ends for new requests. */
  readonly deleting: boolean;
  readonly problems: readonly Problem[];
}

/**
 * Decodes an SD of `machinelearning.seldon.io/v1alpha1` (one `componentSpec` a predictor), `v1alpha2`, `v1alpha3` or `v1`. Wrong types are
 * tolerated where they decide nothing. A value that decides and cannot be read, and a key that nobody knows and that may decide, make the whole invalid: it keeps its
 * last good form, `lastGood`.
 */
export function decodeDeployment(
  { ref, apiVersion, object }: Pick<SourceObject, "ref" | "apiVersion" | "object">,
  lastGood: Deployment | null,
): DecodedDeployment {
  const problems: Problem[] = [];
  const report: Report = (level, code, field, sentence) =>
    problems.push({ code, level, subject: ref, field, sentence });
  const root = recordOf(object);
  const metadata = recordOf(fieldOf(root, "metadata"));
  const spec = recordOf(fieldOf(root, "spec"));
  const deleting = Boolean(fieldOf(metadata, "deletionTimestamp"));
  const written = arrayOf(fieldOf(spec, "predictors"));
  if (!apiVersions.has(apiVersion)) {
    report(
      "warning",
      "unknown-api-version",
      "apiVersion",
      `${quoted(apiVersion)} is not a version of SeldonDeployments, so Sluice reads it as machinelearning.seldon.io/v1; write that`,
    );
  }
  const outcome = lastGood === null ? "the SeldonDeployment is not served" : "Sluice serves its last good form";
  const isUnknown = reportUnknown(unknownKeysOf(root), "", outcome, report);
  const predictors: Predictor[] = [];
  const modelOf = isReleased(root) ? modelDigest : (): string => "";
  const names = new Set<string>();
  const noEngine = new NoEnginePorts(written);
  let isReadable = true;
  const refuse: Refuse = (code, field, written, wrong, write) => {
    isReadable = false;
    report("error", code, field, `${quoted(written)} ${wrong}, so ${outcome}; write ${write}`);
  };
  for (const [index, value] of written.entries()) {
    const predictor = decodePredictor(value, index, noEngine, modelOf, report, refuse);
    if (predictor === null) continue;
    if (names.has(predictor.name)) {
      refuse(
        "declared-twice",
        `${predictor.field}.name`,
        predictor.name,
        "is the name of another predictor, too",
        "a name of its own for each predictor",
      );
    } else {
      names.add(predictor.name);
      predictors.push(predictor);
    }
  }
  if (predictors.length === 0) {
    report(
      "error",
      "no-predictors",
      "spec.predictors",
      `no predictor has a name, so ${outcome}; write one or more, each with a name and a graph`,
    );
    return { deployment: lastGood, deleting, problems };
  }
  for (const [place, parent] of [
    ["spec", spec],
    ["metadata", metadata],
  ] as const) {
    const annotations = fieldOf(parent, "annotations");
    if (annotations === null)
      report(
        "warning",
        "empty-field",
        `${place}.annotations`,
        "Sluice ignores this field because it is empty; write its annotations, or remove it",
      );
    if (annotations !== undefined && annotations !== null && !isRecord(annotations))
      refuse(
        "bad-value",
        `${place}.annotations`,
        annotations,
        "is not a map, and it may hide a condition",
        "names and texts",
      );
  }
  const annotations = {
    spec: annotationsOf(fieldOf(spec, "annotations")),
    metadata: annotationsOf(fieldOf(metadata, "annotations")),
  };
  const keys = customConfigOf(annotations) === null ? annotationKeys : decidingKeys;
  const { values, isValid } = readAnnotations(keys, annotations, predictors, outcome, report);
  const deployment: Deployment = {
    ref,
    createdAt: textOf(fieldOf(metadata, "creationTimestamp")),
    specName: textOf(fieldOf(spec, "name")),
    annotations,
    values,
    oauth: decodeOAuthKey(ref, spec),
    predictors,
    isScaledToZero: isScaledToZero(spec, predictors),
  };
  return { deployment: isReadable && isValid && !isUnknown ? deployment : lastGood, deleting, problems };
}

/** Part of the names of Services and Deployments, where the label of RFC 1123 is what Kubernetes takes. */
const namePattern = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const longestName = 253;
const serviceNamePattern = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

function decodePredictor(
  value: unknown,
  index: number,
  noEnginePorts: NoEnginePorts,
  modelOf: (predictor: UnknownRecord) => string,
  report: Report,
  refuse: Refuse,
): Predictor | null {
  const field = `spec.predictors[${index}]`;
  const name = isRecord(value) ? textOf(fieldOf(value, "name")) : "";
  if (!isRecord(value) || name === "") {
    const written = isRecord(value) ? (fieldOf(value, "name") ?? "") : value;
    refuse("bad-predictor", field, written, "is no name of a predictor", "a name");
    return null;
  }
  if (name.length > longestName || !namePattern.test(name)) {
    refuse(
      "bad-name",
      `${field}.name`,
      name,
      "cannot be part of the name of a Service",
      `lower-case letters, digits and "-" between them, at most ${longestName}`,
    );
    return null;
  }
  const annotations = annotationsOf(fieldOf(value, "annotations"));
  for (const key of ["traffic", "shadow", "ssl"] as const)
    if (fieldOf(value, key) === null)
      report(
        "warning",
        "empty-field",
        `${field}.${key}`,
        "Sluice ignores this field because it is empty; write its value, or remove it",
      );
  const ssl = fieldOf(value, "ssl");
  const isAlone = isRecord(ssl) && Object.keys(ssl).every((key) => key === "certSecretName");
  if (isAlone && (fieldOf(ssl, "certSecretName") ?? "") === "")
    report(
      "warning",
      "empty-field",
      `${field}.ssl.certSecretName`,
      "it is empty, so Sluice connects to the predictor without TLS; write the name of a Secret, or remove ssl",
    );
  // Presence was enough up to 1.4; "true" in any case since 1.5.
  const noEngine = annotations[predictorAnnotations.noEngine.name]?.toLowerCase() === "true";
  return {
    name,
    field,
    traffic: decodeTraffic(value, field, refuse),
    shadow: decodeShadow(value, field, refuse),
    explainer: decodeExplainer(value, field, report),
    certSecretName: decodeCertSecretName(value, field, refuse),
    serviceName: decodeServiceName(value, field, annotations, refuse),
    ports: noEngine ? noEnginePorts.of(index) : enginePorts,
    model: modelOf(value),
  };
}

/** Tells of a value that decides and cannot be read: the SeldonDeployment is invalid. */
type Refuse = (code: ProblemCode, field: string, written: unknown, wrong: string, write: string) => void;

function decodeTraffic(predictor: UnknownRecord, field: string, refuse: Refuse): number | null {
  const written = fieldOf(predictor, "traffic");
  if (written === undefined || written === null) return null;
  const traffic = numberOf(written);
  if (traffic !== null && traffic >= 0) return traffic;
  refuse("bad-value", `${field}.traffic`, written, "is not a number of 0 or more", "a percentage");
  return 0;
}

function decodeShadow(predictor: UnknownRecord, field: string, refuse: Refuse): boolean {
  const written = fieldOf(predictor, "shadow") ?? false;
  const shadow = booleanOf(typeof written === "string" ? written.trim() : written);
  if (shadow === null) refuse("bad-value", `${field}.shadow`, written, "is neither true nor false", "true or false");
  return shadow ?? false;
}

function decodeCertSecretName(predictor: UnknownRecord, field: string, refuse: Refuse): string {
  const ssl = fieldOf(predictor, "ssl") ?? null;
  const written = isRecord(ssl) ? (fieldOf(ssl, "certSecretName") ?? "") : ssl;
  if (typeof written === "string" && (ssl === null || isRecord(ssl))) return written;
  if (ssl === null) return "";
  refuse("bad-value", `${field}.ssl`, ssl, "names no Secret for TLS", "{ certSecretName: NAME }");
  return "";
}

function decodeServiceName(
  predictor: UnknownRecord,
  field: string,
  annotations: Readonly<Record<string, string>>,
  refuse: Refuse,
): string | null {
  const all = fieldOf(predictor, "annotations") ?? null;
  if (all !== null && !isRecord(all))
    refuse("bad-value", `${field}.annotations`, all, "is not a map", "names and texts");
  const written = annotations[predictorAnnotations.serviceName.name];
  if (written === undefined) return null;
  if (serviceNamePattern.test(written)) return written;
  refuse(
    "bad-name",
    `${field}.annotations["${predictorAnnotations.serviceName.name}"]`,
    written,
    "is not a name that Kubernetes allows for a Service",
    'lower-case letters, digits and "-" between them, at most 63',
  );
  return null;
}

function decodeExplainer(predictor: UnknownRecord, field: string, report: Report): Explainer | null {
  const all = fieldOf(predictor, "explainer") ?? null;
  if (all !== null && !isRecord(all))
    report(
      "error",
      "bad-value",
      `${field}.explainer`,
      `${quoted(all)} is not a map, so the explainer is not served; write its type and its other fields below it`,
    );
  const explainer = recordOf(all);
  const type = fieldOf(explainer, "type") ?? "";
  if (typeof type !== "string")
    report(
      "error",
      "bad-value",
      `${field}.explainer.type`,
      `${quoted(type)} is not a text, so the explainer is not served; write the type of the explainer`,
    );
  if (textOf(type) === "") return null;
  const written = fieldOf(recordOf(fieldOf(explainer, "endpoint")), "service_port");
  const port = written === undefined || written === null || written === 0 ? 9000 : integerOf(written);
  if (port !== null && port > 0 && port <= 65535) return { port };
  report(
    "warning",
    "bad-value",
    `${field}.explainer.endpoint.service_port`,
    `${quoted(written)} is not a port, so Sluice uses 9000; write a number from 1 to 65535`,
  );
  return { port: 9000 };
}
