// Roles of the predictors of an SD: what share of the live traffic each takes, or of what percent it gets copies.
import type { Role } from "../../../routing/model/mapping.ts";
import { predictorShares } from "../../../routing/route/weights.ts";
import { annotationOf } from "../fields/annotation.ts";
import { annotations as declared } from "../fields/annotations.ts";
import { commonPart } from "../collections/common-part.ts";
import type { DeploymentPolicy } from "./deployment-policy.ts";
import type { Deployment } from "../model/deployment.ts";
import type { PlannedRelease, ReleaseEntry } from "../model/release.ts";
import { releasedShares } from "./released-shares.ts";
import type { Report } from "../values/report.ts";

/** Of a Deployment's only predictor, with nothing written about its share. */
const soleRole: Role = commonPart({ kind: "live", weight: null, share: 1 });

/** Role of each predictor, in order. */
export function predictorRoles(
  { predictors, annotations }: Deployment,
  policy: DeploymentPolicy,
  release: { readonly planned: PlannedRelease; readonly entry: ReleaseEntry | null } | null,
  report: Report,
): readonly Role[] {
  const { shares: traffic, trafficField, weight } = policy;
  const live = predictors.flatMap(({ shadow }, index) => (shadow ? [] : [index]));
  const liveTraffic = live.map((index) => traffic[index]!);
  const { shares: declaredShares, note } = predictorShares(liveTraffic);
  const shares = release === null ? declaredShares : releasedShares(release.planned, liveTraffic, release.entry);
  if (note?.kind === "scaled") {
    report(
      "warning",
      "shares-scaled",
      trafficField ?? "spec.predictors",
      `the traffic of the predictors after the first sums to ${note.sum}, so Sluice scales it to 100 and the first gets none; make it sum to 100`,
    );
  } else if (note?.kind === "remainder") {
    report(
      "warning",
      "traffic-remainder",
      trafficField ?? `${predictors[live[0]!]!.field}.traffic`,
      `the first predictor gets the remainder, ${note.remainder}, instead of its own ${note.declared}; make the traffic of all predictors sum to 100`,
    );
  }
  const shadowWeight = policy.shadow
    ? shadowPercent(weight ?? 100, annotationOf(annotations, declared.weight)?.field ?? "", report)
    : 0;
  let nextLive = 0;
  return predictors.map(({ shadow, field }, index): Role => {
    if (predictors.length === 1 && !shadow && !policy.shadow && weight === null) return soleRole;
    if (shadow)
      return {
        kind: "shadow",
        percent: shadowPercent(traffic[index] ?? 100, trafficField ?? `${field}.traffic`, report),
      };
    const share = shares[nextLive++]!;
    return policy.shadow ? { kind: "shadow", percent: share * shadowWeight } : { kind: "live", weight, share };
  });
}

/** A request is copied to a shadow once at most. */
function shadowPercent(percent: number, field: string, report: Report): number {
  if (percent <= 100) return percent;
  report(
    "warning",
    "bad-value",
    field,
    `a shadow gets at most one copy of each request, so ${percent} counts as 100; write a percentage from 0 to 100`,
  );
  return 100;
}
