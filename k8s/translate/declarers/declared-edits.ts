// What one object declares otherwise than before, field by field, from what is kept of it in any case: the decoded form.
import { sameValue } from "../../../routing/text/diff.ts";
import type { Configuration } from "../documents/documents.ts";
import { annotationOf } from "../fields/annotation.ts";
import { allAnnotations } from "../fields/annotation-names.ts";
import { annotations } from "../fields/annotations.ts";
import type { RawMapping } from "../mappings/mapping.ts";
import type { Deployment, Predictor } from "../model/deployment.ts";
import { isRecord } from "../values/value.ts";
import type { Declared } from "./declarer.ts";

export interface Difference {
  readonly field: string;
  /** The field of its Problem `bad-value`, where a text is kept that cannot be read. null: what is kept holds. */
  readonly problem: string | null;
  readonly from: string;
  readonly to: string;
}

/** Of one object no more are told; the last one counts the rest. */
export const maxDifferences = 16;
const maxValueLength = 80;
const absent = "absent";
/** Conditions may compare a header that is a credential, and documents may write one. */
const unshownAnnotations: ReadonlySet<string> = new Set(
  [annotations.config, annotations.header, annotations.regexHeader].map(({ name }) => name),
);
/** Parts of a raw Mapping whose texts are shown; elsewhere they may be values of headers. */
const shownParts: ReadonlySet<string> = new Set(["path", "host", "method", "service", "redirect", "tls", "dial"]);
/** Parts of a raw Mapping that follow from others, or say where it stands. */
const innerParts: ReadonlySet<string> = new Set(["kind", "name", "field", "id", "said", "regexes"]);

/** In the order in which people write them; at most `maxDifferences`. */
export function differencesOf(before: Declared, after: Declared): readonly Difference[] {
  const found: Difference[] = [];
  if (before.deployment !== null && after.deployment !== null)
    addDeployment(before.deployment, after.deployment, found);
  addConfiguration(before.configuration, after.configuration, found);
  if (found.length <= maxDifferences) return found;
  const more = found.length - maxDifferences + 1;
  return [...found.slice(0, maxDifferences - 1), { field: `${more} more fields`, problem: null, from: "", to: "" }];
}

/** What differs between two plain values, part by part; each value is shown. */
export function partsThatDiffer(before: object, after: object): readonly Difference[] {
  const found: Difference[] = [];
  addParts("", before, after, () => true, found);
  return found;
}

function addDeployment(before: Deployment, after: Deployment, found: Difference[]): void {
  if (!sameValue(before.predictors, after.predictors)) addPredictors(before.predictors, after.predictors, found);
  for (const one of before.annotations === after.annotations ? [] : allAnnotations) {
    const [old, now] = [annotationOf(before.annotations, one), annotationOf(after.annotations, one)];
    if (old?.text === now?.text) continue;
    const isShown = !unshownAnnotations.has(one.name);
    found.push({
      field: `annotation ${one.name}`,
      problem: now?.field ?? null,
      from: isShown ? shownText(old?.text ?? null) : "",
      to: isShown ? shownText(now?.text ?? null) : "",
    });
  }
  if (before.specName !== after.specName)
    found.push({ field: "spec.name", problem: null, from: shown(before.specName), to: shown(after.specName) });
  if (!sameValue(before.oauth, after.oauth)) found.push({ field: "spec.oauth_key", problem: null, from: "", to: "" });
}

function addPredictors(before: readonly Predictor[], after: readonly Predictor[], found: Difference[]): void {
  const old = new Map(before.map((one) => [one.name, one]));
  for (const { field: _, ...now } of after) {
    const field = `predictors[${now.name}]`;
    const was = old.get(now.name);
    old.delete(now.name);
    if (was === undefined) found.push({ field, problem: null, from: absent, to: `traffic ${shown(now.traffic)}` });
    else {
      const same = { field: "", model: "" };
      addParts(`${field}.`, { ...was, ...same }, { ...now, ...same }, () => true, found);
      // A digest, which is there while a release is: only another model is a change, and its digest says nothing to a person.
      if (was.model !== "" && now.model !== "" && was.model !== now.model)
        found.push({ field: `${field}.graph or its pods`, problem: null, from: "", to: "" });
    }
  }
  for (const { name, traffic } of old.values())
    found.push({ field: `predictors[${name}]`, problem: null, from: `traffic ${shown(traffic)}`, to: absent });
}

function addConfiguration(before: Configuration | null, after: Configuration | null, found: Difference[]): void {
  if (before === after) return;
  const old = new Map(before?.mappings.map((one) => [one.name, one]));
  for (const now of after?.mappings ?? []) {
    const was = old.get(now.name);
    old.delete(now.name);
    if (was === undefined) found.push({ field: `Mapping ${now.name}`, problem: null, from: absent, to: "created" });
    else addMapping(was, now, found);
  }
  for (const name of old.keys()) found.push({ field: `Mapping ${name}`, problem: null, from: "", to: absent });
  if (!sameValue(before?.guard, after?.guard)) found.push({ field: "who may call", problem: null, from: "", to: "" });
  for (const [part, kind] of platformParts)
    if (!sameValue(before?.[part] ?? [], after?.[part] ?? []))
      found.push({ field: kind, problem: null, from: "", to: "" });
}

const platformParts = [
  ["contexts", "TLSContext"],
  ["modules", "Module"],
  ["services", "AuthService or RateLimitService"],
  ["hosts", "Host"],
] as const;

function addMapping(before: RawMapping, after: RawMapping, found: Difference[]): void {
  const [was, now] = [partsOf(before), partsOf(after)];
  addParts(`Mapping ${after.name} `, was, now, (part) => shownParts.has(part), found);
}

/** A raw Mapping with the parts of its conditions, policy and limits beside the others. */
function partsOf({ match, target, limits, ...others }: RawMapping): object {
  const parts = { ...others, ...match, ...target, ...limits };
  return Object.fromEntries(Object.entries(parts).filter(([part]) => !innerParts.has(part)));
}

/** `showsTexts`: may texts of this part be shown? Numbers and booleans always are. */
function addParts(
  prefix: string,
  before: object,
  after: object,
  showsTexts: (part: string) => boolean,
  found: Difference[],
): void {
  const was = new Map<string, unknown>(Object.entries(before));
  for (const [part, now] of Object.entries(after) as [string, unknown][]) {
    const old = was.get(part);
    if (sameValue(old, now)) continue;
    const isShown = showsTexts(part) || (isTextless(old) && isTextless(now));
    found.push({ field: prefix + part, problem: null, from: isShown ? shown(old) : "", to: isShown ? shown(now) : "" });
  }
}

function isTextless(value: unknown): boolean {
  if (isRecord(value) || Array.isArray(value)) return Object.values(value).every(isTextless);
  return typeof value !== "string" || value === "";
}

function shown(value: unknown): string {
  if (value === null || value === undefined || value === "") return absent;
  if (isRecord(value))
    return shownText(
      Object.entries(value)
        .map(([key, part]) => `${key} ${typeof part === "string" ? part : JSON.stringify(part)}`)
        .join(", "),
    );
  return shownText(typeof value === "string" ? value : JSON.stringify(value));
}

function shownText(text: string | null): string {
  if (text === null) return absent;
  if (text === "") return '""';
  return text.length <= maxValueLength ? text : `${text.slice(0, maxValueLength)}…`;
}
