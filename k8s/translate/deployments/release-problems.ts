// Problems of a release that is under way: what its record says that the spec does not, and that it was aborted.
import type { PlannedRelease, ReleaseEntry } from "../model/release.ts";
import type { Report } from "../values/report.ts";

/** Predictors that one sentence names. */
const maxNamed = 5;

export function reportRelease(
  { plan, models, arms, field }: PlannedRelease,
  entry: ReleaseEntry | null,
  report: Report,
): void {
  if (entry === null || plan.kind === "stopped" || entry.models !== models) return;
  const unknown = Object.keys(entry.shares).filter((name) => !arms.includes(name));
  if (unknown.length > 0)
    report(
      "warning",
      "release-conflict",
      field,
      `the record of releases gives traffic to ${unknown.slice(0, maxNamed).join(", ")}${unknown.length > maxNamed ? ` and ${unknown.length - maxNamed} more` : ""}, which the spec does not name, so Sluice ignores that`,
    );
  if (entry.kind !== "rollout" || entry.state !== "aborted") return;
  report("warning", "rollout-aborted", field, abortSentence(entry));
}

/** Of the Problem `rollout-aborted`, and of the Event of that step. */
export function abortSentence({ why }: Pick<ReleaseEntry, "why">): string {
  return `the rollout was aborted: ${why.replace(/\.$/, "")}; its predictor gets no traffic until this annotation or the model changes`;
}
