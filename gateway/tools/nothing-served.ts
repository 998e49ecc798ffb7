// Manifests of which a gateway would serve nothing: without this they would end in "no Problems".
import { objectKey, type SourceObject } from "../../k8s/translate/model/object.ts";
import type { Translation } from "../../k8s/translate/model/translation.ts";
import { compareText, type ObjectRef, type Problem } from "../../routing/text/problem.ts";
import type { Settings } from "../options/settings.ts";

/** Objects beside those that count. */
interface NotRead {
  readonly unwatched: number;
  readonly otherKinds: number;
}

/** Kinds whose objects say what is served. */
const declaring: ReadonlySet<string> = new Set([
  "SeldonDeployment",
  "Mapping",
  "Host",
  "TLSContext",
  "Module",
  "AuthService",
  "RateLimitService",
]);

/** That there is nothing to check, nothing that declares a Route, or nothing of this gateway. `subject`: where it was read. */
export function nothingServed(
  subject: ObjectRef,
  watched: readonly SourceObject[],
  { unwatched, otherKinds }: NotRead,
  { mappings, ofAnother }: Translation,
  { ambassadorIds, namespaces, mappings: readsMappings }: Settings,
): readonly Problem[] {
  const problem = (sentence: string): Problem => ({
    code: "nothing-read",
    level: "error",
    subject,
    field: "",
    sentence,
  });
  if (watched.length === 0 && subject.kind === "Cluster") {
    const where = namespaces.length === 0 ? "any namespace" : `the namespaces ${namespaces.join(", ")}`;
    const kinds = readsMappings
      ? "SeldonDeployments, Ambassador's objects and Services"
      : "SeldonDeployments and Services";
    return [
      problem(
        `Sluice found none of the ${kinds} that it looked for in ${where}, so nothing is checked; name the cluster and the namespaces that hold the SeldonDeployments`,
      ),
    ];
  }
  if (watched.length === 0) {
    const there =
      unwatched > 0
        ? `${allOf(unwatched)} in ${unwatched === 1 ? "a namespace that is" : "namespaces that are"} not watched`
        : otherKinds > 0
          ? `${allOf(otherKinds)} of ${otherKinds === 1 ? "a kind" : "kinds"} that routing does not read`
          : "there is no object";
    return [problem(`${there}, so there is nothing to check; name the files of the SeldonDeployments`)];
  }
  const others = new Set(ofAnother.map(({ ref }) => objectKey(ref)));
  if (mappings.size > 0 || watched.some(({ ref }) => declaring.has(ref.kind) && !others.has(objectKey(ref)))) return [];
  if (others.size === 0) {
    const none =
      watched.length === 1
        ? "the one object declares no Route"
        : `none of the ${watched.length} objects declares a Route`;
    return [problem(`${none}, so nothing is served; name what holds the SeldonDeployments`)];
  }
  const ids = [...new Set(ofAnother.flatMap((one) => one.ids))].sort(compareText);
  const more = ids.length > maxIds ? ` and ${ids.length - maxIds} more` : "";
  return [
    problem(
      `${allOf(others.size)} of the ambassador-id ${ids.slice(0, maxIds).join(", ")}${more}, and this gateway's is ${ambassadorIds.join(", ")}, so nothing is served; write --ambassador-id with theirs to check them`,
    ),
  ];
}

/** Without that nothing is served where an error of what would have declared Routes says why: of an annotation, or of a file or an object that is not read. */
export function withoutEcho(problems: readonly Problem[]): readonly Problem[] {
  const isSaid = problems.some(
    ({ level, field, subject, code }) =>
      level === "error" &&
      code !== "nothing-read" &&
      (field.includes('"getambassador.io/config"') || subject.kind === "File"),
  );
  return isSaid ? problems.filter(({ code }) => code !== "nothing-read") : problems;
}

/** Ids that one sentence names. */
const maxIds = 8;

function allOf(count: number): string {
  return count === 1 ? "the one object is" : `all ${count} objects are`;
}
