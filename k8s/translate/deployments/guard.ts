// What the annotations of an object say about who may call it: SeldonDeployments with and without documents of their own, Mapping objects, Services.
import { plainGuard, type Guard } from "../../../routing/model/guard.ts";
import type { ObjectRef, Problem } from "../../../routing/text/problem.ts";
import { annotationOf } from "../fields/annotation.ts";
import { guardAnnotations, knownAnnotations, nearAnnotation } from "../fields/annotation-names.ts";
import { AnnotationReader } from "../fields/annotation-reader.ts";
import { annotations as declared, type AnnotationValues } from "../fields/annotations.ts";
import type { DeploymentAnnotations } from "../model/deployment.ts";
import type { Report } from "../values/report.ts";
import { annotationsOf, fieldOf, isRecord, quoted, recordOf } from "../values/value.ts";

export interface DecodedGuard {
  readonly guard: Guard;
  /** false: a part of it cannot be read, and no caller is admitted. */
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

/** What cannot be read is an error. */
export function decodeGuard(annotations: DeploymentAnnotations, granted: boolean, report: Report): DecodedGuard {
  const reader = new AnnotationReader(annotations, report);
  const values = {
    auth: reader.read(declared.auth),
    allow: reader.read(declared.allow),
    deny: reader.read(declared.deny),
    rateLimit: reader.read(declared.rateLimit),
  };
  return { guard: guardOf(values, granted), readable: reader.served === "yes" };
}

/** Of an object of which no other annotation is read: what seems to be one of these and is not closes it, too. */
export function decodeLoneGuard(annotations: DeploymentAnnotations, granted: boolean, report: Report): DecodedGuard {
  const decoded = decodeGuard(annotations, granted, report);
  let { readable } = decoded;
  for (const [place, texts] of [
    ["spec", annotations.spec],
    ["metadata", annotations.metadata],
  ] as const) {
    for (const key in texts) {
      if (guardAnnotations.has(key)) continue;
      const near = nearAnnotation(key, guardAnnotations);
      if (near === null) {
        if (key.startsWith("sluice.io/")) {
          const isKnown = knownAnnotations.has(key);
          report(
            "warning",
            isKnown ? "replaced-annotation" : "unknown-annotation",
            `${place}.annotations["${key.slice(0, 120)}"]`,
            isKnown
              ? "the object's own Mappings say where its traffic goes, so Sluice ignores this annotation; remove it, or the Mappings"
              : "Sluice does not know this annotation and ignores it; correct its spelling or remove it",
          );
        }
        continue;
      }
      if (annotationOf(annotations, { name: near }) !== null) continue;
      readable = false;
      report(
        "error",
        "unknown-annotation",
        `${place}.annotations["${key.slice(0, 120)}"]`,
        `Sluice does not know this annotation, and it looks like one that restricts callers, so every request is rejected; write ${near}, or remove it`,
      );
    }
  }
  return { guard: decoded.guard, readable };
}

/** Of an object with documents that is no SeldonDeployment. `hadGuard`: it said who may call before. */
export function decodeObjectGuard(
  ref: ObjectRef,
  object: unknown,
  granted: boolean,
  hadGuard: boolean,
): { readonly guard: DecodedGuard; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const report: Report = (level, code, field, sentence) =>
    problems.push({ code, level, subject: ref, field, sentence });
  const written = fieldOf(recordOf(fieldOf(recordOf(object), "metadata")), "annotations");
  const annotations = written ?? {};
  const guard = decodeLoneGuard({ spec: {}, metadata: annotationsOf(annotations) }, granted, report);
  if (written === null && !hadGuard)
    report(
      "warning",
      "empty-field",
      "metadata.annotations",
      "Sluice ignores this field because it is empty; write its annotations, or remove it",
    );
  if (isRecord(annotations) && !(written === null && hadGuard)) return { guard, problems };
  report(
    "error",
    "bad-value",
    "metadata.annotations",
    `${quoted(written)} is not a map, and it may hide who is allowed to call, so every request is rejected; write names and texts`,
  );
  return { guard: { ...guard, readable: false }, problems };
}
