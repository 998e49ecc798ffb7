// What follows from the names in the table of annotations: sets of names, the name that a misspelt one seems to mean, and lookups by one annotation.
import type { Deployment, DeploymentAnnotations } from "../model/deployment.ts";
import { bare, nearWord } from "../../../routing/text/near-word.ts";
import { annotationsOf, fieldOf, recordOf, type UnknownRecord } from "../values/value.ts";
import { annotationOf, valueOf, type Annotation, type WrittenAnnotation } from "./annotation.ts";
import { annotations } from "./annotations.ts";
import type { FieldKind } from "./field-kinds.ts";

type Kinds = Readonly<Record<string, FieldKind>>;

export const allAnnotations: readonly Annotation<unknown>[] = Object.values(annotations);

export const annotationKinds: Kinds = kindsOf(allAnnotations);

export const knownAnnotations: ReadonlySet<string> = new Set(Object.keys(annotationKinds));

/** Annotations that say who may call, and how much: read of every object whose Mappings are served. */
export const guardKinds: Kinds = kindsOf(allAnnotations.filter(({ bad }) => bad.kind === "no-callers"));

export const guardAnnotations: ReadonlySet<string> = new Set(Object.keys(guardKinds));

function kindsOf(some: readonly Annotation<unknown>[]): Kinds {
  return Object.fromEntries(some.map(({ name, decides }) => [name, decides]));
}

/** It decides which requests come, how many, or where they go. */
export function isDecidingAnnotation(name: string): boolean {
  return Object.hasOwn(annotationKinds, name) && annotationKinds[name] !== "how";
}

/** Keys of a predictor's annotations that are only read on the SD, or (getambassador.io/config) not at all. */
export function misplacedAnnotations(texts: Readonly<Record<string, string>>): readonly string[] {
  return Object.keys(texts).filter((key) => knownAnnotations.has(key) || key === "getambassador.io/config");
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
  return valueOf(annotations.id, { spec: of("spec"), metadata: of("metadata") });
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

/** The name in its paths. */
export function externalNameOf({ annotations: texts, ref }: Deployment): string {
  return valueOf(annotations.serviceName, texts) ?? ref.name;
}

/** Names without their prefix, and each with what may stand for it: all that begin with `ambassador` stand for each other. */
const beginnings = (prefix: string): RegExp => {
  const names = allAnnotations.flatMap(({ name }) =>
    name.startsWith(prefix) ? [name.slice(name.indexOf("/") + 1)] : [],
  );
  const words = names.map((name) => (name.startsWith("ambassador") ? "ambassador" : name.replaceAll("-", "[-_]?")));
  return new RegExp(`^(?:${[...new Set(words)].join("|")})`, "i");
};
const ofSeldon = beginnings("seldon.io/");
const ofEither = beginnings("");

/**
 * The known annotation that an unknown one seems to mean: a letter or two wrong, other letter case, or another prefix before the same name
 * (`ambassador-header`, `seldon/ambassador-header`); null when none is near. Annotations of others do not count.
 */
export function nearAnnotation(key: string, known: ReadonlySet<string>): string | null {
  const { names, found } = lookedUpOf(known);
  const before = found.get(key);
  if (before !== undefined) return before;
  const near = lookUp(key, known, names);
  if (found.size === maxFound) found.clear();
  if (key.length <= maxKeyLength) found.set(key, near);
  return near;
}

function lookUp(key: string, known: ReadonlySet<string>, names: ReadonlyMap<string, string>): string | null {
  const slash = key.lastIndexOf("/");
  const [prefix, name] = [key.slice(0, Math.max(0, slash)), key.slice(slash + 1)];
  const direct = nearWord(key, known);
  if (direct !== null) return direct;
  if (prefix === "" ? !ofSeldon.test(name) : !/seldon|sluice|ambassador/i.test(prefix) || !ofEither.test(name))
    return null;
  const near = nearWord(name, names.keys());
  if (near !== null) return names.get(near)!;
  // Below our own prefix a longer word of the same beginning means ours: `sluice.io/authentication`, `sluice.io/allow-from`.
  const longer = /sluice/i.test(prefix)
    ? [...names].find(([short, whole]) => whole.startsWith("sluice.io/") && bare(name).startsWith(bare(short)))
    : undefined;
  return longer?.[1] ?? null;
}

/** Answers that are kept for one set of names: several readers ask about a key, and ask again at each edit. */
const maxFound = 4096;
/** Kubernetes allows 253 characters of prefix, a slash and 63 of name. */
const maxKeyLength = 317;

interface LookedUp {
  /** Known annotations by what stands behind their prefix. */
  readonly names: ReadonlyMap<string, string>;
  readonly found: Map<string, string | null>;
}

/** The sets are constants. */
const lookedUp = new WeakMap<ReadonlySet<string>, LookedUp>();

function lookedUpOf(known: ReadonlySet<string>): LookedUp {
  let of = lookedUp.get(known);
  if (of === undefined) {
    of = { names: new Map(Array.from(known, (key) => [key.slice(key.indexOf("/") + 1), key])), found: new Map() };
    lookedUp.set(known, of);
  }
  return of;
}
