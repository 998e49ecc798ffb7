// A change as an Event on its object, where its object asked for it.
import { whatChanged, type Change } from "../../api/changes.ts";
import { visible } from "../../../routing/text/visible.ts";
import type { ProblemEvent } from "../../../k8s/source/objects/source.ts";
import { eventName, shortened } from "./problem-events.ts";

const outcomes: Partial<Record<Change["outcome"], string>> = {
  live: "live",
  unchanged: "the routing table stays as it is",
};
/** Their objects ask for nothing: they follow pods, and other objects read them. */
const followers: ReadonlySet<string> = new Set(["Service", "Secret"]);

/** Of a rollout's steps each has an Event of its own. */
const ofSteps = "rollout";

/** The same on every replica, so that it counts once. null: there is none. What was not taken is a Problem, which has an Event of its own. */
export function changeEventOf(change: Change): ProblemEvent | null {
  const { object, outcome, to, field } = change;
  const words = outcomes[outcome];
  const isGone = field === "" && to === "deleted";
  if (words === undefined || object.namespace === "" || followers.has(object.kind) || isGone) return null;
  if (field === ofSteps) return null;
  return {
    name: eventName(object, "change"),
    subject: object,
    type: "Normal",
    reason: "Changed",
    message: shortened(visible(`${whatChanged(change)}, ${words}`)),
  };
}
