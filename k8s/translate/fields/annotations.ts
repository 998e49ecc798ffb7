// The annotations of an SD that routing reads: their names, where each is looked up, and what some of them say by themselves.
import type { Deployment, DeploymentAnnotations } from "../model/deployment.ts";
import { annotationsOf, fieldOf, notText, numberOf, recordOf } from "../values/value.ts";

/** Where an annotation was found: its text and its field for Problems. */
export interface WrittenAnnotation {
  readonly text: string;
  readonly field: string;
}

export const keys = {
  weight: "seldon.io/ambassador-weight",
  serviceName: "seldon.io/ambassador-service-name",
  header: "seldon.io/ambassador-header",
  regexHeader: "seldon.io/ambassador-regex-header",
  shadow: "seldon.io/ambassador-shadow",
  config: "seldon.io/ambassador-config",
  id: "seldon.io/ambassador-id",
  retries: "seldon.io/ambassador-retries",
  maxConnections: "seldon.io/ambassador-circuit-breakers-max-connections",
  maxPending: "seldon.io/ambassador-circuit-breakers-max-pending-requests",
  maxRequests: "seldon.io/ambassador-circuit-breakers-max-requests",
  maxRetries: "seldon.io/ambassador-circuit-breakers-max-retries",
  restTimeout: "seldon.io/rest-timeout",
  restReadTimeout: "seldon.io/rest-read-timeout",
  grpcTimeout: "seldon.io/grpc-timeout",
  grpcReadTimeout: "seldon.io/grpc-read-timeout",
  traffic: "sluice.io/traffic",
  auth: "sluice.io/auth",
  allow: "sluice.io/allow",
  deny: "sluice.io/deny",
  rateLimit: "sluice.io/rate-limit",
} as const;

/** Every name in `keys`. */
export const knownAnnotations: ReadonlySet<string> = new Set(Object.values(keys));

/** What says who may call, and how much: read of every object whose Mappings are served. The text "" cannot be read. */
export const guardAnnotations: ReadonlySet<string> = new Set([keys.auth, keys.allow, keys.deny, keys.rateLimit]);

/** Without these a SeldonDeployment would get requests that were not meant for it. */
export const wideningAnnotations: ReadonlySet<string> = new Set([
  keys.header,
  keys.regexHeader,
  keys.shadow,
  keys.weight,
  ...guardAnnotations,
]);

/**
 * Deciding annotations whose text "" counts as not written: Seldon's operator asks each for "" before it reads it, and templates write so what has no
 * value. (The text of `seldon.io/ambassador-service-name` is told to be no name.)
 */
export const emptiableAnnotations: readonly string[] = [
  ...wideningAnnotations,
  keys.id,
  keys.config,
  keys.traffic,
].filter((key) => !guardAnnotations.has(key));

/** Keys of a predictor's annotations that are only read on the SD, or (getambassador.io/config) not at all. */
export function misplacedAnnotations(annotations: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(annotations).filter((key) => knownAnnotations.has(key) || key === "getambassador.io/config");
}

/** Does it say something of who may call, or how much? */
export function hasGuardAnnotation({ spec, metadata }: DeploymentAnnotations): boolean {
  for (const texts of [spec, metadata]) for (const key in texts) if (guardAnnotations.has(key)) return true;
  return false;
}

/** The annotation where it counts: in `spec` when the key is there, even empty, else in `metadata`. */
export function annotationOf(annotations: DeploymentAnnotations, key: string): WrittenAnnotation | null {
  const spec = annotations.spec[key];
  if (spec !== undefined) return { text: spec, field: `spec.annotations["${key}"]` };
  const metadata = annotations.metadata[key];
  return metadata === undefined ? null : { text: metadata, field: `metadata.annotations["${key}"]` };
}

/** `seldon.io/ambassador-id`: ids, or null when the annotation is absent or empty. */
export function ambassadorIdsOf(annotations: DeploymentAnnotations): readonly string[] | null {
  const written = annotationOf(annotations, keys.id);
  const ids = written === null ? [] : parseIds(written.text);
  return ids.length === 0 ? null : ids;
}

/** Ids that a SeldonDeployment names as they can be read before anything else of it; null: none, or not so. */
export function namedIdsOf(object: unknown): readonly string[] | null {
  const of = (part: string): Readonly<Record<string, string>> =>
    annotationsOf(fieldOf(recordOf(fieldOf(recordOf(object), part)), "annotations"));
  const written = annotationOf({ spec: of("spec"), metadata: of("metadata") }, keys.id);
  const ids = written === null || written.text === notText ? [] : parseIds(written.text);
  return ids.length === 0 ? null : ids;
}

/** The first of the gateway's own ids that is among these: under it something is served that several may name. */
export function ownIdOf(
  ids: readonly string[],
  { ambassadorIds }: { readonly ambassadorIds: readonly string[] },
): string {
  return ambassadorIds.find((id) => ids.includes(id)) ?? "default";
}

/** A comma list or a YAML flow list of ids. */
export function parseIds(text: string): readonly string[] {
  const list = /^\s*\[(.*)\]\s*$/s.exec(text)?.[1] ?? text;
  return list
    .split(/[,\n]/)
    .map((id) =>
      id
        .trim()
        .replace(/^-\s+/, "")
        .replace(/^(["'])(.*)\1$/, "$2"),
    )
    .filter((id) => id !== "");
}

/** `seldon.io/ambassador-config` when it is not empty: it replaces everything that Sluice would make, and blank text that holds nothing does so too. */
export function customConfigOf(annotations: DeploymentAnnotations): WrittenAnnotation | null {
  const written = annotationOf(annotations, keys.config);
  return written === null || written.text === "" ? null : written;
}

/** `seldon.io/ambassador-service-name` without a Problem, for the index of names; else the SD's own name. */
export function externalNameOf(deployment: Deployment): string {
  const written = annotationOf(deployment.annotations, keys.serviceName);
  return written !== null && isExternalName(written.text) ? written.text : deployment.ref.name;
}

/** One or more path segments. A name with dot segments could never match a canonical path, one with `?` or `#` no path at all. */
export function isExternalName(text: string): boolean {
  return (
    text.length <= 1024 &&
    text
      .split("/")
      .every((segment) => /^[A-Za-z0-9._~!$&'()*+,;=:@%-]+$/.test(segment) && segment !== "." && segment !== "..")
  );
}

export function isWeight(text: string): boolean {
  return !/\s/.test(text) && (numberOf(text) ?? -1) >= 0;
}
