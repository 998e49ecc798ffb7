// What stands in a SeldonDeployment where nobody reads it, as its reader reports it: with the codes of the maps that it stands in.
import { deciding } from "./deployment-fields.ts";
import { deploymentPlaces } from "./deployment-places.ts";
import { annotations } from "./annotations.ts";
import { mappingFields } from "./mapping-fields.ts";
import { misplacedSentence, type Misplaced } from "./places.ts";
import type { Report } from "../values/report.ts";
import { fieldOf, isRecord, recordOf, type UnknownRecord } from "../values/value.ts";

/** Lines of a configuration that are told of one object. */
const mostLines = 8;

/** Reports them; true: one decides, and the SeldonDeployment is not served in this form. */
export function reportMisplaced(object: UnknownRecord, outcome: string, report: Report): boolean {
  const found = [...deploymentPlaces.misplacedIn(object).filter(isReportedHere), ...configurationLines(object)];
  for (const one of found) {
    const isAnnotation = one.level.endsWith("annotations") && one.place !== "value";
    if (one.level.endsWith("predictors[].annotations") && isAnnotation)
      report("error", "annotation-misplaced", one.field, misplacedSentence(one, outcome));
    else if (isAnnotation && one.place === "here")
      report(
        "error",
        "unknown-annotation",
        one.field,
        `this annotation is unknown, and it seems to decide which requests come here, so ${outcome}; ${one.write}`,
      );
    else
      report(
        one.decides ? "error" : "warning",
        one.place === "value" ? "bad-value" : "misplaced-field",
        one.field,
        misplacedSentence(one, outcome),
      );
  }
  return found.some(({ decides }) => decides);
}

/** Not those that the readers of predictors and of `spec` report: what they can do without costs a predictor and not the whole. */
function isReportedHere({ place, level, near, decides }: Misplaced): boolean {
  if (place === "value") return near === null;
  if (place === "here" && near !== null && deciding.has(near)) return false;
  return decides || !level.startsWith("spec");
}

/** Lines of `seldon.io/ambassador-config` that are indented as the annotations are. */
function configurationLines(object: UnknownRecord): readonly Misplaced[] {
  const lines: Misplaced[] = [];
  for (const place of ["spec", "metadata"]) {
    const texts = fieldOf(recordOf(fieldOf(object, place)), "annotations");
    if (!isRecord(texts) || !Object.hasOwn(texts, annotations.config.name)) continue;
    for (const key of Object.keys(texts)) {
      if (!Object.hasOwn(mappingFields, key) || mappingFields[key] === "how" || lines.length === mostLines) continue;
      lines.push({
        field: `${place}.annotations["${key}"]`,
        key,
        near: key,
        place: "elsewhere",
        level: `${place}.annotations`,
        write: `indent it as the other lines of ${annotations.config.name}`,
        decides: true,
      });
    }
  }
  return lines;
}
