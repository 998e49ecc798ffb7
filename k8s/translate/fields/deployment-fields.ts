// Names of a SeldonDeployment's fields, and of annotations, that somebody probably misspelt: they would be ignored in silence.
import { bare, nearWord } from "../values/near-word.ts";
import { isRecord, recordOf, type UnknownRecord } from "../values/value.ts";

/** Fields of the schema of v1, and those of v1alpha1, by the part that they are in. Most say nothing to routing. */
export const deploymentSchema = {
  spec: [
    "name",
    "annotations",
    "predictors",
    "oauth_key",
    "oauth_secret",
    "protocol",
    "transport",
    "replicas",
    "serverType",
  ],
  predictor: [
    "name",
    "graph",
    "componentSpecs",
    "componentSpec",
    "replicas",
    "engineResources",
    "labels",
    "annotations",
    "traffic",
    "shadow",
    "explainer",
    "ssl",
    "svcOrchSpec",
    "progressDeadlineSeconds",
  ],
  explainer: [
    "type",
    "modelUri",
    "serviceAccountName",
    "containerSpec",
    "config",
    "endpoint",
    "envSecretRefName",
    "storageInitializerImage",
    "replicas",
    "initParameters",
  ],
  endpoint: ["type", "service_host", "service_port", "httpPort", "grpcPort"],
  ssl: ["certSecretName"],
} as const;

/** Say who gets how many requests, or that TLS is wanted. */
export const deciding: ReadonlySet<string> = new Set(["traffic", "shadow", "certSecretName"]);

/** Unknown fields that are told of one part. */
const mostTold = 8;

export interface UnknownField {
  readonly field: string;
  readonly key: string;
  /** What it seems to mean, or null. */
  readonly near: string | null;
  /** Ignored, it would change who gets requests. */
  readonly decides: boolean;
}

export function unknownSpecFields(spec: UnknownRecord): readonly UnknownField[] {
  return unknownIn(spec, "spec", deploymentSchema.spec);
}

/** `field`: where the predictor is. */
export function unknownPredictorFields(predictor: UnknownRecord, field: string): readonly UnknownField[] {
  const explainer = recordOf(predictor["explainer"]);
  return [
    ...unknownIn(predictor, field, deploymentSchema.predictor),
    ...unknownIn(explainer, `${field}.explainer`, deploymentSchema.explainer),
    ...unknownIn(recordOf(explainer["endpoint"]), `${field}.explainer.endpoint`, deploymentSchema.endpoint),
    ...unknownIn(isRecord(predictor["ssl"]) ? predictor["ssl"] : {}, `${field}.ssl`, deploymentSchema.ssl),
  ];
}

function unknownIn(record: UnknownRecord, field: string, known: readonly string[]): readonly UnknownField[] {
  return Object.keys(record)
    .filter((key) => !known.includes(key))
    .slice(0, mostTold)
    .map((key) => {
      const near = nearWord(key, known);
      return {
        field: `${field}.${key.slice(0, 60)}`,
        key,
        near,
        decides: near !== null && deciding.has(near) && !Object.hasOwn(record, near),
      };
    });
}

/**
 * The known annotation that an unknown one seems to mean: a letter or two wrong, other letter case, or another prefix before the same name
 * (`ambassador-header`, `seldon/ambassador-header`); null when none is near. Annotations of others are nobody's business here.
 */
export function nearAnnotation(key: string, known: ReadonlySet<string>): string | null {
  const [prefix, name] = key.includes("/")
    ? [key.slice(0, key.lastIndexOf("/")), key.slice(key.lastIndexOf("/") + 1)]
    : ["", key];
  const direct = nearWord(key, known);
  if (direct !== null) return direct;
  const ours = prefix === "" || /seldon|sluice|ambassador/i.test(prefix);
  if (
    !ours ||
    !/^(?:ambassador|(?:rest|grpc)[-_](?:read[-_])?timeout|traffic|auth|allow|deny|rate[-_]?limit)/i.test(name) ||
    (prefix === "" && /^(?:traffic|auth|allow|deny|rate)/i.test(name))
  )
    return null;
  const names = namesOf(known);
  const near = nearWord(name, names.keys());
  if (near !== null) return names.get(near)!;
  // Below our own prefix a longer word of the same beginning means ours: `sluice.io/authentication`, `sluice.io/allow-from`.
  const longer = /sluice/i.test(prefix)
    ? [...names].find(([short, whole]) => whole.startsWith("sluice.io/") && bare(name).startsWith(bare(short)))
    : undefined;
  return longer?.[1] ?? null;
}

/** Known annotations by what stands behind their prefix; the sets are constants. */
const namesByKnown = new WeakMap<ReadonlySet<string>, ReadonlyMap<string, string>>();

function namesOf(known: ReadonlySet<string>): ReadonlyMap<string, string> {
  let names = namesByKnown.get(known);
  if (names === undefined)
    namesByKnown.set(known, (names = new Map(Array.from(known, (key) => [key.slice(key.indexOf("/") + 1), key]))));
  return names;
}
