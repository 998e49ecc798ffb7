// Verdicts: for each deployment whether Sluice serves it as Ambassador did, before the Problems say why not.
import { objectKey, type SourceObject } from "../../../k8s/translate/model/object.ts";
import type { Translation } from "../../../k8s/translate/model/translation.ts";
import { compareText, isDifference, type ObjectRef, type Problem } from "../../../routing/text/problem.ts";

export interface Verdict {
  readonly ref: ObjectRef;
  /** `to-look-at`: a Problem at level error or warning concerns it, or Ambassador serves it in another way. `not-ours`: it has another ambassador-id. */
  readonly kind: "as-before" | "to-look-at" | "not-ours";
  /** Of the object, of the Services that its requests go to, and of the AuthService or RateLimitService that is asked about them. */
  readonly problems: readonly Problem[];
  /** Its ambassador-ids where it is not ours. */
  readonly ids: readonly string[];
}

const judged: ReadonlySet<string> = new Set(["SeldonDeployment", "Mapping"]);
const order: readonly Verdict["kind"][] = ["to-look-at", "not-ours", "as-before"];

/** One for each SeldonDeployment, then for each Mapping: those to look at first, by name. */
export function verdictsOf(
  objects: readonly SourceObject[],
  { mappings, upstreams, ofAnother }: Translation,
  problems: readonly Problem[],
): readonly Verdict[] {
  const others = new Map(ofAnother.map(({ ref, ids }) => [objectKey(ref), ids]));
  const bySubject = Map.groupBy(problems, ({ subject }) => objectKey(subject));
  const services = new Map<string, Set<string>>();
  const ofAsked = Map.groupBy(problems, askedService);
  const asking = new Map<string, Set<Problem>>();
  for (const { source, target } of mappings.values()) {
    if (target.kind === "forward") {
      const { bypassAuth, labels } = target.externalPolicy;
      const known = asking.get(objectKey(source)) ?? new Set();
      for (const problem of bypassAuth ? [] : (ofAsked.get("AuthService") ?? [])) known.add(problem);
      for (const problem of labels === null ? [] : (ofAsked.get("RateLimitService") ?? [])) known.add(problem);
      asking.set(objectKey(source), known);
    }
    const address = target.kind === "forward" ? upstreams.get(target.upstream)?.address : undefined;
    if (address?.kind !== "service") continue;
    const service = objectKey({ ...address, kind: "Service" });
    if (!bySubject.has(service)) continue;
    const key = objectKey(source);
    const known = services.get(key);
    if (known === undefined) services.set(key, new Set([service]));
    else known.add(service);
  }
  const verdicts = objects.flatMap(({ ref }): Verdict[] => {
    if (!judged.has(ref.kind)) return [];
    const key = objectKey(ref);
    const ids = others.get(key);
    const own = [key, ...(services.get(key) ?? [])].flatMap((subject) => bySubject.get(subject) ?? []);
    const concerning = [...new Set([...own, ...(asking.get(key) ?? [])])];
    const isClear = concerning.every((problem) => problem.level === "info" && !isDifference(problem));
    const kind = ids !== undefined ? "not-ours" : isClear ? "as-before" : "to-look-at";
    return [{ ref, kind, problems: concerning, ids: ids ?? [] }];
  });
  return verdicts.sort(
    (a, b) =>
      -compareText(a.ref.kind, b.ref.kind) ||
      order.indexOf(a.kind) - order.indexOf(b.kind) ||
      compareText(a.ref.namespace, b.ref.namespace) ||
      compareText(a.ref.name, b.ref.name),
  );
}

/** The kind that a Problem at level error or warning is about, where the gateway asks it about requests; null: another object. */
function askedService({ level, subject, field }: Problem): "AuthService" | "RateLimitService" | null {
  if (level === "info") return null;
  if (subject.kind === "AuthService" || subject.kind === "RateLimitService") return subject.kind;
  // In an annotation of a Service the document is of that kind.
  return field.endsWith(" auth_service") ? "AuthService" : null;
}
