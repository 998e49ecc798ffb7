// Steps of rollouts as Events on their SDs: each one has a name of its own, which follows from the record, so that any number of replicas and leaders makes one of it.
import { visible } from "../../../routing/text/visible.ts";
import type { ProblemEvent } from "../../../k8s/source/objects/source.ts";
import { abortSentence } from "../../../k8s/translate/deployments/release-problems.ts";
import { percentShown, type ReleaseEntry, type ReleaseRecord } from "../../../k8s/translate/model/release.ts";
import { eventName, eventOf as eventOfProblem, shortened } from "../status/problem-events.ts";

/** Of rollouts that stand elsewhere than before. A bandit moves each minute: its Event is that of the SD's changes. `fieldOf`: the annotation of a release, by its key. */
export function stepEvents(
  before: ReleaseRecord,
  after: ReleaseRecord,
  fieldOf: (key: string) => string,
): readonly ProblemEvent[] {
  return [...after].flatMap(([key, entry]) => {
    const old = before.get(key) ?? null;
    const isSame =
      old !== null && old.sinceMs === entry.sinceMs && old.state === entry.state && old.step === entry.step;
    return entry.kind === "bandit" || isSame ? [] : [stepEvent(old, entry, fieldOf(key))];
  });
}

/** That a person paused it. */
export function pauseEvent(entry: ReleaseEntry): ProblemEvent {
  const message = `sluice.io/rollout-pause holds the rollout: ${sharesOf(entry)}.`;
  return eventOf(entry, "Normal", "RolloutPaused", message);
}

function stepEvent(before: ReleaseEntry | null, entry: ReleaseEntry, field: string): ProblemEvent {
  const { text, models, state, why } = entry;
  switch (state) {
    case "stepping":
      if (before?.kind !== "rollout" || before.text !== text || before.models !== models || before.state !== "stepping")
        return eventOf(entry, "Normal", "RolloutBegan", `${sharesOf(entry)}: ${why}.`);
      return eventOf(entry, "Normal", before.step < entry.step ? "RolloutWentOn" : "RolloutWentBack", why);
    case "held":
      return eventOf(entry, "Warning", "RolloutHeld", why);
    case "promoted":
      return eventOf(entry, "Normal", "RolloutPromoted", why);
    case "aborted":
      // The same as of its Problem, which stays: one Event of both, at once.
      return eventOfProblem({
        code: "rollout-aborted",
        level: "warning",
        subject: subjectOf(entry),
        field,
        sentence: abortSentence(entry),
      });
  }
}

function eventOf(entry: ReleaseEntry, type: ProblemEvent["type"], reason: string, message: string): ProblemEvent {
  const { text, models, step, sinceMs } = entry;
  const subject = subjectOf(entry);
  const identity = [reason, text, models, String(step), String(sinceMs)];
  return {
    name: eventName(subject, ...identity),
    subject,
    type,
    reason,
    message: shortened(visible(message)),
  };
}

function subjectOf({ namespace, name }: ReleaseEntry): ProblemEvent["subject"] {
  return { kind: "SeldonDeployment", namespace, name };
}

/** `canary gets 5% of the traffic`. */
function sharesOf({ shares }: ReleaseEntry): string {
  return Object.entries(shares)
    .map(([name, percent]) => `${name} gets ${percentShown(percent)} of the traffic`)
    .join(", ");
}
