// What the annotations of an object say about who may call it: SeldonDeployments with and without documents of their own, Mapping objects, Services.
import { plainGuard, type Guard } from "../../../routing/model/guard.ts";
import type { ObjectRef, Problem } from "../../../routing/text/problem.ts";
import { guardAnnotations, knownAnnotations } from "../fields/annotation-names.ts";
import { guardKeys, readAnnotations } from "../fields/read-annotations.ts";
import type { AnnotationValues } from "../fields/annotations.ts";
import type { DeploymentAnnotations } from "../fields/annotation.ts";
import type { Report } from "../values/report.ts";
import { annotationsOf, fieldOf, isRecord, quoted, recordOf } from "../values/value.ts";

export interface DecodedGuard {
  readonly guard: Guard;
  /** false: a part of it cannot be read, so the Mappings of the object are not valid. */
  readonly readable: boolean;
}

/** An object that says who may call. */
export interface DeclaredGuard {
  readonly ref: ObjectRef;
  readonly guard: Guard;
  /** Where it names providers. */
  readonly authField: string;
}

/** `granted`: a Grant lets the namespace be called by anybody. */
export function guardOf(
  { auth, allow, deny, rateLimit: limits }: Pick<AnnotationValues, "auth" | "allow" | "deny" | "rateLimit">,
  granted: boolean,
): Guard {
  if (auth === null && allow === null && deny === null && limits === null) return plainGuard;
  return { auth: auth?.kind === "open" ? { kind: "open", granted } : auth, allow, deny, limits };
}

/** Of an object with Mappings of its own no other annotation of ours is read. */
export function reportReplaced(annotations: DeploymentAnnotations, report: Report): void {
  for (const [place, texts] of [
    ["spec", annotations.spec],
    ["metadata", annotations.metadata],
  ] as const)
    for (const key in texts)
      if (key.startsWith("sluice.io/") && knownAnnotations.has(key) && !guardAnnotations.has(key))
        report(
          "warning",
          "replaced-annotation",
          `${place}.annotations["${key}"]`,
          "the object's own Mappings say where its traffic goes, so Sluice ignores this annotation; remove it, or the Mappings",
        );
}

/** Of an object with documents that is no SeldonDeployment. */
export function decodeObjectGuard(
  ref: ObjectRef,
  object: unknown,
  granted: boolean,
): { readonly guard: DecodedGuard; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const report: Report = (level, code, field, sentence) =>
    problems.push({ code, level, subject: ref, field, sentence });
  const written = fieldOf(recordOf(fieldOf(recordOf(object), "metadata")), "annotations") ?? null;
  const annotations = { spec: {}, metadata: annotationsOf(written) };
  reportReplaced(annotations, report);
  const outcome = "the Mappings of the object are not valid";
  const { values, isValid } = readAnnotations(guardKeys, annotations, [], outcome, report);
  const guard = { guard: guardOf(values, granted), readable: isValid };
  if (written === null || isRecord(written)) return { guard, problems };
  report(
    "error",
    "bad-value",
    "metadata.annotations",
    `${quoted(written)} is not a map, and it may hide who is allowed to call, so ${outcome}; write names and texts`,
  );
  return { guard: { ...guard, readable: false }, problems };
}
