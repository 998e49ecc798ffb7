// `sluice.io/rollout-pause`, `-promote` and `-abort` where there is nothing that they could order: a person who writes one waits for something to happen.
import { annotationOf, type DeploymentAnnotations } from "../fields/annotation.ts";
import { annotations as declared } from "../fields/annotations.ts";
import type { ReleaseKind } from "../model/release.ts";
import type { Report } from "../values/report.ts";

/** `asked`: what moves traffic; null: nothing does. */
export function reportIdleOrders(annotations: DeploymentAnnotations, asked: ReleaseKind | null, report: Report): void {
  if (asked === "rollout") return;
  for (const one of [declared.rolloutPause, declared.rolloutPromote, declared.rolloutAbort]) {
    const written = annotationOf(annotations, one);
    if (written?.text !== "true" || (asked === "bandit" && one === declared.rolloutPause)) continue;
    report(
      "warning",
      "release-conflict",
      written.field,
      asked === "bandit"
        ? `it orders a rollout, and a bandit goes on, so Sluice ignores it; remove it, or to end the bandit remove ${declared.bandit.name}`
        : `it orders nothing, because this SeldonDeployment has no ${declared.rollout.name} and no ${declared.bandit.name}; write one of them, or remove it`,
    );
  }
}
