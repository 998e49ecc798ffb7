// What follows from the names in the table of annotations: sets of names, the name that a misspelt one seems to mean, and lookups by one annotation.
import { bare, nearWord } from "../../../routing/text/near-word.ts";
import { annotationsOf, fieldOf, recordOf, type UnknownRecord } from "../values/value.ts";
import { annotationOf, type Annotation, type DeploymentAnnotations, type WrittenAnnotation } from "./annotation.ts";
import { annotations } from "./annotations.ts";
import type { FieldKind } from "./field-kinds.ts";

type Kinds = Readonly<Record<string, FieldKind>>;

export const allAnnotations: readonly Annotation<unknown>[] = Object.values(annotations);

export const annotationKinds: Kinds = kindsOf(allAnnotations);

export const knownAnnotations: ReadonlySet<string> = new Set(Object.keys(annotationKinds));

/** Annotations that say who may call, and how much: read of every object whose Mappings are served. */
export const guardKinds: Kinds = kindsOf([
  annotations.auth,
  annotations.allow,
  annotations.deny,
  annotations.rateLimit,
]);

export const guardAnnotations: ReadonlySet<string> = new Set(Object.keys(guardKinds));

/** Annotations of an object with Mappings of its own: of those it has only these, and the others say nothing there. */
export const ownKinds: Kinds = {
  ...Object.fromEntries(Object.keys(annotationKinds).map((name): [string, FieldKind] => [name, "how"])),
  ...guardKinds,
};

function kindsOf(some: readonly Annotation<unknown>[]): Kinds {
  return Object.fromEntries(some.map(({ name, decides }) => [name, decides]));
}

/** It decides which requests come, how many, or where they go. */
export function isDecidingAnnotation(name: string): boolean {
  return Object.hasOwn(annotationKinds, name) && annotationKinds[name] !== "how";
}

/** Does it say something of who may call, or how much? */
export function hasGuardAnnotation({ spec, metadata }: DeploymentAnnotations): boolean {
  for (const texts of [spec, metadata]) for (const key in texts) if (guardAnnotations.has(key)) return true;
  return false;
}

/** Ids that a SeldonDeployment names as they can be read before anything else of it; null: none, or not so. */
export function namedIdsOf(object: unknown): readonly string[] | null {
  const of = (part: string): Readonly<Record<string, string>> =>
    annotationsOf(fieldOf(recordOf(fieldOf(recordOf(object), part)), "annotations"));
  const written = annotationOf({ spec: of("spec"), metadata: of("metadata") }, annotations.id);
  const parsed = written === null ? null : annotations.id.read(written.text, []);
  return parsed?.kind === "value" ? parsed.value : null;
}

/** Is it released by steps or by rewards? */
export function isReleased(object: UnknownRecord): boolean {
  return ["spec", "metadata"].some((part) => {
    const texts = recordOf(fieldOf(recordOf(fieldOf(object, part)), "annotations"));
    return Object.hasOwn(texts, annotations.rollout.name) || Object.hasOwn(texts, annotations.bandit.name);
  });
}

/** The first of the gateway's own ids that is among these: under it something is served that several may name. */
export function ownIdOf(
  ids: readonly string[],
  { ambassadorIds }: { readonly ambassadorIds: readonly string[] },
): string {
  return ambassadorIds.find((id) => ids.includes(id)) ?? "default";
}

/** `seldon.io/ambassador-config` when it is not empty. Blank text that holds no document counts, too. */
export function customConfigOf(texts: DeploymentAnnotations): WrittenAnnotation | null {
  const written = annotationOf(texts, annotations.config);
  return written?.text === "" ? null : written;
}

/** The documents of a Service. */
export const configKey = "getambassador.io/config";

/**
 * The known annotation that an unknown one seems to mean: a letter or two wrong, other letter case, or another prefix of ours before the same name
 * (`ambassador-header`, `seldon/ambassador-header`); null when none is near. Annotations of others do not count.
 */
export function nearAnnotation(key: string, known: Iterable<string>): string | null {
  const direct = nearWord(key, known);
  if (direct !== null) return direct;
  const slash = key.lastIndexOf("/");
  const name = bare(key.slice(slash + 1));
  if (!/sluice|seldon|ambassador/i.test(slash <= 0 ? name : key.slice(0, slash))) return null;
  return [...known].find((one) => bare(one.slice(one.indexOf("/") + 1)) === name) ?? null;
}
