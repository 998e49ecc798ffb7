// Releases of which a replica leaves out evidence, as Problems.
import { releaseKey, type PlannedRelease } from "../../../k8s/translate/model/release.ts";
import type { Problem } from "../../../routing/text/problem.ts";

/** `leftOut`: deployments as `NAMESPACE/NAME`, and others than releases among them. */
export function withoutRoomProblems(
  planned: Iterable<PlannedRelease>,
  leftOut: ReadonlySet<string>,
): readonly Problem[] {
  if (leftOut.size === 0) return [];
  return Array.from(planned)
    .filter(({ ref, plan }) => plan.kind !== "stopped" && leftOut.has(releaseKey(ref)))
    .map(({ ref, field }) => ({
      code: "rollout-without-room",
      level: "warning",
      subject: ref,
      field,
      sentence: `Sluice leaves out requests of this release, because namespace ${ref.namespace} has too many releases, and does not promote it; end other releases of the namespace`,
    }));
}
