// The last good text of each annotation that decides which requests reach a SeldonDeployment, or how many: it stays when the annotation becomes unreadable.
import { annotationOf, writeOf, wrongText, type Annotation, type WrittenAnnotation } from "../fields/annotation.ts";
import { allAnnotations } from "../fields/annotation-names.ts";
import { annotations as declared } from "../fields/annotations.ts";
import type { Deployment, DeploymentAnnotations } from "../model/deployment.ts";
import type { Report } from "../values/report.ts";
import { quoted } from "../values/value.ts";

/** The documents of `seldon.io/ambassador-config` have last good forms of their own. */
const ofReleases: readonly Annotation<unknown>[] = [declared.rollout, declared.bandit];
/** What a release has come to is in its record, which does not move while its text cannot be read. */
const deciding = allAnnotations.filter(
  (one) => one.decides !== "how" && one !== declared.config && !ofReleases.includes(one),
);
/** A SeldonDeployment with one that could not be read was not served. */
const needed = deciding.filter(({ bad }) => bad.kind !== "default");

/**
 * The Deployment with the last good text of each deciding annotation that cannot be read now; none counts where there was none. Where there is
 * no last good form the text stays, and its reader does not serve it. null: the gateway that it is for cannot be read.
 */
export function keepLastGood(deployment: Deployment, lastGood: Deployment | null, report: Report): Deployment | null {
  const unreadable = deciding.flatMap((one) => {
    const reason =
      wrongIn(one, deployment) ?? (lastGood !== null && isEmptied(one, deployment, lastGood) ? "is empty" : null);
    return reason === null ? [] : [{ one, reason }];
  });
  if (unreadable.length === 0) return deployment;
  const good = lastGood !== null && needed.every((one) => wrongIn(one, lastGood) === null) ? lastGood : null;
  let { annotations } = deployment;
  for (const { one, reason } of unreadable) {
    const written = annotationOf(deployment.annotations, one)!;
    const before = good === null ? null : annotationOf(good.annotations, one);
    const isKept =
      good !== null &&
      (before === null || before.text === "" || one.read(before.text, deployment.predictors).kind === "value");
    if (!isKept && one !== declared.id) continue;
    const outcome = !isKept
      ? "the SeldonDeployment is not served"
      : before === null || before.text === ""
        ? "it counts as absent, as before"
        : `Sluice keeps the last good text ${quoted(before.text)}`;
    report(
      "error",
      "bad-value",
      written.field,
      `${wrongText(written.text, reason)}, so ${outcome}; write ${writeOf(one, deployment.predictors)}`,
    );
    if (!isKept) return null;
    annotations = replaced(annotations, one.name, before);
  }
  return { ...deployment, annotations };
}

/** It has no text any more, and had one. */
function isEmptied(one: Annotation<unknown>, deployment: Deployment, lastGood: Deployment): boolean {
  return (
    annotationOf(deployment.annotations, one)?.text === "" &&
    (annotationOf(lastGood.annotations, one)?.text ?? "") !== ""
  );
}

/** The reason why its text cannot be read; null: it can, or there is none. */
function wrongIn(one: Annotation<unknown>, { annotations, predictors }: Deployment): string | null {
  const written = annotationOf(annotations, one);
  if (written === null || (written.text === "" && one.empty !== "text")) return null;
  const parsed = one.read(written.text, predictors);
  return parsed.kind === "wrong" ? parsed.reason : null;
}

function replaced(
  { spec, metadata }: DeploymentAnnotations,
  key: string,
  before: WrittenAnnotation | null,
): DeploymentAnnotations {
  const inSpec = before?.field.startsWith("spec.") === true;
  return {
    spec: withText(spec, key, inSpec ? before.text : null),
    metadata: withText(metadata, key, before !== null && !inSpec ? before.text : null),
  };
}

function withText(
  texts: Readonly<Record<string, string>>,
  key: string,
  text: string | null,
): Readonly<Record<string, string>> {
  const { [key]: _, ...others } = texts;
  return text === null ? others : { ...others, [key]: text };
}
