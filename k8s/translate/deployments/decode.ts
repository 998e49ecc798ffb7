// Decoding SeldonDeployments: unknown to Deployment. The only reader of raw SDs; later code sees typed values.
import type { Problem, ProblemCode, ProblemLevel } from "../../../routing/text/problem.ts";
import { isDecidingAnnotation, isReleased } from "../fields/annotation-names.ts";
import { modelDigest } from "./model-digest.ts";
import { reportMisplacedAnnotations } from "./misplaced-annotations.ts";
import { keepLastGood } from "./last-good-annotations.ts";
import { predictorAnnotations, unknownPredictorFields, unknownSpecFields } from "../fields/deployment-fields.ts";
import type { Deployment, Explainer, Predictor } from "../model/deployment.ts";
import { decodeOAuthKey } from "../model/oauth-key.ts";
import { enginePorts, NoEnginePorts } from "./ports.ts";
import { isScaledToZero } from "./replicas.ts";
import type { SourceObject } from "../model/object.ts";
import { reportMisplaced } from "../fields/stray-fields.ts";
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
  /** The last good form when this one cannot be served; null: there was none. */
  readonly deployment: Deployment | null;
  /** `deletionTimestamp` is set: it ends for new requests. */
  readonly deleting: boolean;
  readonly problems: readonly Problem[];
}

/**
 * Decodes an SD of `machinelearning.seldon.io/v1alpha1` (one `componentSpec` a predictor), `v1alpha2`, `v1alpha3` or `v1`. Wrong types are
 * tolerated: a part that cannot be read makes a Problem and gets what the kind of its field says, the rest holds. `lastGood`: what the object meant before.
 */
export function decodeDeployment(
  { ref, apiVersion, object }: Pick<SourceObject, "ref" | "apiVersion" | "object">,
  lastGood: Deployment | null,
): DecodedDeployment {
  const problems: Problem[] = [];
  const report = (level: ProblemLevel, code: ProblemCode, field: string, sentence: string): void => {
    problems.push({ code, level, subject: ref, field, sentence });
  };
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
  const isMisplaced = reportMisplaced(
    root,
    lastGood === null ? "the SeldonDeployment is not served" : "Sluice serves its last good form",
    report,
  );
  for (const { field, near } of unknownSpecFields(spec))
    report("warning", "unknown-field", field, unknownSentence("the spec of a SeldonDeployment", near));
  const predictors: Predictor[] = [];
  const modelOf = isReleased(root) ? modelDigest : (): string => "";
  const names = new Set<string>();
  const noEngine = new NoEnginePorts(written);
  let before: ReadonlyMap<string, Predictor> | null = null;
  const lastPredictor = (name: string): Predictor | undefined =>
    (before ??= new Map(lastGood?.predictors.map((predictor) => [predictor.name, predictor]))).get(name);
  for (const [index, value] of written.entries()) {
    const predictor = decodePredictor(value, index, noEngine, lastPredictor, modelOf, report);
    if (predictor === null) continue;
    if (names.has(predictor.name)) {
      report(
        "error",
        "declared-twice",
        `${predictor.field}.name`,
        `another predictor has the name ${quoted(predictor.name)}, so only the first one is served; give each predictor a name of its own`,
      );
    } else {
      names.add(predictor.name);
      predictors.push(predictor);
    }
  }
  const outcome = lastGood === null ? "the SeldonDeployment is not served" : "Sluice serves its last good form";
  if (predictors.length === 0) {
    report(
      "error",
      "no-predictors",
      "spec.predictors",
      `no predictor has a name, so ${outcome}; write one or more, each with a name and a graph`,
    );
    return { deployment: lastGood, deleting, problems };
  }
  if (isMisplaced) return { deployment: lastGood, deleting, problems };
  for (const [place, parent] of [
    ["spec", spec],
    ["metadata", metadata],
  ] as const) {
    const annotations = fieldOf(parent, "annotations");
    const emptied = annotations === null && Object.keys(lastGood?.annotations[place] ?? {}).some(isDecidingAnnotation);
    if (annotations === null && !emptied)
      report(
        "warning",
        "empty-field",
        `${place}.annotations`,
        "Sluice ignores this field because it is empty; write its annotations, or remove it",
      );
    if (((annotations ?? null) === null && !emptied) || isRecord(annotations)) continue;
    report(
      "error",
      "bad-value",
      `${place}.annotations`,
      `${quoted(annotations)} is not a map, and it may hide a condition, so ${outcome}; write names and texts`,
    );
    return { deployment: lastGood, deleting, problems };
  }
  const deployment: Deployment = {
    ref,
    createdAt: textOf(fieldOf(metadata, "creationTimestamp")),
    specName: textOf(fieldOf(spec, "name")),
    annotations: {
      spec: annotationsOf(fieldOf(spec, "annotations")),
      metadata: annotationsOf(fieldOf(metadata, "annotations")),
    },
    oauth: decodeOAuthKey(ref, spec),
    predictors,
    isScaledToZero: isScaledToZero(spec, predictors),
  };
  return { deployment: keepLastGood(deployment, lastGood, report), deleting, problems };
}

type Report = (level: ProblemLevel, code: ProblemCode, field: string, sentence: string) => void;

/** Part of the names of Services and Deployments, where the label of RFC 1123 is what Kubernetes takes. */
const namePattern = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/;
const longestName = 253;
const serviceNamePattern = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

function decodePredictor(
  value: unknown,
  index: number,
  noEnginePorts: NoEnginePorts,
  lastPredictor: (name: string) => Predictor | undefined,
  modelOf: (predictor: UnknownRecord) => string,
  report: Report,
): Predictor | null {
  const field = `spec.predictors[${index}]`;
  const name = isRecord(value) ? textOf(fieldOf(value, "name")) : "";
  if (!isRecord(value) || name === "") {
    report("error", "bad-predictor", field, "the predictor has no name and is not served; write a name");
    return null;
  }
  if (name.length > longestName || !namePattern.test(name)) {
    report(
      "error",
      "bad-name",
      `${field}.name`,
      `${quoted(name)} cannot be part of the name of a Service, so the predictor is not served; write lower-case letters, digits and "-" between them, at most ${longestName}`,
    );
    return null;
  }
  const annotations = annotationsOf(fieldOf(value, "annotations"));
  reportMisplacedAnnotations(value, field, report);
  const unreadable = { count: 0 };
  const refuse: Refuse = (code, part, written, wrong, write) => {
    unreadable.count += 1;
    report(
      "error",
      code,
      `${field}.${part}`,
      `${quoted(written)} ${wrong}, so Sluice does not serve this form of the predictor; write ${write}`,
    );
  };
  const unknownFields = unknownPredictorFields(value, field);
  for (const unknown of unknownFields) {
    if (unknown.decides)
      refuse(
        "unknown-field",
        unknown.field.slice(field.length + 1),
        unknown.key,
        "is not a field, and it looks like one that decides where requests go",
        unknown.near!,
      );
    else report("warning", "unknown-field", unknown.field, unknownSentence("a predictor", unknown.near));
  }
  const lastForm = lastPredictor(name);
  for (const key of ["traffic", "shadow", "ssl"] as const) {
    if (fieldOf(value, key) !== null) continue;
    if (lastForm !== undefined && saidBefore(lastForm)[key])
      refuse("empty-field", key, null, "is empty and had a value before", "its value, or remove it");
    else
      report(
        "warning",
        "empty-field",
        `${field}.${key}`,
        "Sluice ignores this field because it is empty; write its value, or remove it",
      );
  }
  const ssl = fieldOf(value, "ssl");
  const strange =
    isRecord(ssl) && (fieldOf(ssl, "certSecretName") ?? "") === ""
      ? Object.keys(ssl).find((key) => key !== "certSecretName")
      : undefined;
  if (
    strange !== undefined &&
    !unknownFields.some((unknown) => unknown.decides && unknown.field.startsWith(`${field}.ssl.`))
  )
    refuse("bad-value", "ssl", ssl, "names no Secret for TLS", "{ certSecretName: NAME }");
  // A misspelt one is refused already.
  if (
    isRecord(ssl) &&
    lastForm !== undefined &&
    saidBefore(lastForm).ssl &&
    (fieldOf(ssl, "certSecretName") ?? "") === ""
  )
    refuse(
      "empty-field",
      "ssl.certSecretName",
      fieldOf(ssl, "certSecretName") ?? null,
      "names no Secret and named one before",
      "the name of a Secret, or remove ssl",
    );
  else if (
    isRecord(ssl) &&
    (fieldOf(ssl, "certSecretName") ?? "") === "" &&
    !unknownFields.some((unknown) => unknown.decides && unknown.field.startsWith(`${field}.ssl.`))
  ) {
    report(
      "warning",
      "empty-field",
      `${field}.ssl.certSecretName`,
      "it is empty, so Sluice connects to the predictor without TLS; write the name of a Secret, or remove ssl",
    );
  }
  // Presence was enough up to 1.4; "true" in any case since 1.5.
  const noEngine = annotations[predictorAnnotations.noEngine.name]?.toLowerCase() === "true";
  const predictor: Predictor = {
    name,
    field,
    traffic: decodeTraffic(value, refuse),
    shadow: decodeShadow(value, refuse),
    explainer: decodeExplainer(value, field, report),
    certSecretName: decodeCertSecretName(value, refuse),
    serviceName: decodeServiceName(value, annotations, refuse),
    ports: noEngine ? noEnginePorts.of(index) : enginePorts,
    withheld: false,
    model: modelOf(value),
  };
  if (unreadable.count === 0) return predictor;
  const last = lastForm;
  if (last === undefined || last.withheld) return { ...predictor, withheld: true };
  report(
    "error",
    "bad-predictor",
    field,
    `the predictor ${quoted(name)} is not valid, so Sluice serves its last good form; correct the fields that the other Problems name`,
  );
  return { ...last, field };
}

/** What a predictor said with a value that is not the default. */
function saidBefore({
  traffic,
  shadow,
  certSecretName,
}: Predictor): Readonly<Record<"traffic" | "shadow" | "ssl", boolean>> {
  return { traffic: traffic !== null, shadow, ssl: certSecretName !== "" };
}

function unknownSentence(of: string, near: string | null): string {
  return `${of} has no such field, so Sluice ignores it; ${near === null ? "correct its spelling or remove it" : `write ${near}, or remove it`}`;
}

type Refuse = (code: ProblemCode, part: string, written: unknown, wrong: string, write: string) => void;

function decodeTraffic(predictor: UnknownRecord, refuse: Refuse): number | null {
  const written = fieldOf(predictor, "traffic");
  if (written === undefined || written === null) return null;
  const traffic = numberOf(written);
  if (traffic !== null && traffic >= 0) return traffic;
  refuse("bad-value", "traffic", written, "is not a number of 0 or more", "a percentage");
  return 0;
}

function decodeShadow(predictor: UnknownRecord, refuse: Refuse): boolean {
  const written = fieldOf(predictor, "shadow") ?? false;
  const shadow = booleanOf(typeof written === "string" ? written.trim() : written);
  if (shadow === null) refuse("bad-value", "shadow", written, "is neither true nor false", "true or false");
  return shadow ?? false;
}

function decodeCertSecretName(predictor: UnknownRecord, refuse: Refuse): string {
  const ssl = fieldOf(predictor, "ssl") ?? null;
  const written = isRecord(ssl) ? (fieldOf(ssl, "certSecretName") ?? "") : ssl;
  if (typeof written === "string" && (ssl === null || isRecord(ssl))) return written;
  if (ssl === null) return "";
  refuse("bad-value", "ssl", ssl, "names no Secret for TLS", "{ certSecretName: NAME }");
  return "";
}

function decodeServiceName(
  predictor: UnknownRecord,
  annotations: Readonly<Record<string, string>>,
  refuse: Refuse,
): string | null {
  const all = fieldOf(predictor, "annotations") ?? null;
  if (all !== null && !isRecord(all)) refuse("bad-value", "annotations", all, "is not a map", "names and texts");
  const written = annotations[predictorAnnotations.serviceName.name];
  if (written === undefined) return null;
  if (serviceNamePattern.test(written)) return written;
  refuse(
    "bad-name",
    `annotations["${predictorAnnotations.serviceName.name}"]`,
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
