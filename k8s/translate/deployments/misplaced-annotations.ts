// Annotations that Sluice knows, on a predictor or on its pods, where it does not read them.
import { isDecidingAnnotation, misplacedAnnotations } from "../fields/annotation-names.ts";
import { annotationsOf, arrayOf, fieldOf, recordOf, type UnknownRecord } from "../values/value.ts";
import type { Report } from "../values/report.ts";

/** Of those that do not decide which requests come. The others keep the whole from being served, and are told with it. */
export function reportMisplacedAnnotations(predictor: UnknownRecord, field: string, report: Report): void {
  const tell = (
    texts: Readonly<Record<string, string>>,
    place: string,
    on: string,
    isTold: (key: string) => boolean,
  ) => {
    for (const key of misplacedAnnotations(texts))
      if (!isDecidingAnnotation(key) && isTold(key))
        report(
          "warning",
          "annotation-misplaced",
          `${place}.annotations["${key}"]`,
          `Sluice ignores this annotation on ${on}; write it in spec.annotations or metadata.annotations of the SeldonDeployment`,
        );
  };
  tell(annotationsOf(fieldOf(predictor, "annotations")), field, "a predictor", () => true);
  for (const [at, component] of arrayOf(fieldOf(predictor, "componentSpecs")).entries()) {
    const texts = annotationsOf(fieldOf(recordOf(fieldOf(recordOf(component), "metadata")), "annotations"));
    // Seldon's own may be there for what runs in the pod.
    tell(texts, `${field}.componentSpecs[${at}].metadata`, "pods", (key) => key.startsWith("sluice.io/"));
  }
}
