// What clients of a run ask for, and how their models answer.
import * as fc from "fast-check";
import type { Asking } from "./asking.ts";
import { callPlans, restPlans } from "./scripted-models.ts";

export interface Step {
  readonly to: string;
  readonly plan: string;
  readonly leaving: Asking["leaving"];
}

const leaving = fc.constantFrom<Asking["leaving"]>("after", "after", "after", "before", "during");
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      to: fc.constantFrom("rest", "rest", "again"),
      plan: fc.constantFrom(...restPlans),
      leaving,
    }),
  },
  { weight: 3, arbitrary: fc.record({ to: fc.constant("call"), plan: fc.constantFrom(...callPlans), leaving }) },
  {
    weight: 3,
    arbitrary: fc.record({
      to: fc.constantFrom(
        "dead",
        "empty",
        "locked",
        "opened",
        "limited",
        "dead-call",
        "empty-call",
        "no-call",
        "nowhere",
        "http10",
        "websocket",
        "moved",
        "preflight",
        "broken-call",
        "web-call",
        "broken",
      ),
      plan: fc.constantFrom("200", "5"),
      leaving: fc.constant<"after">("after"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      to: fc.constant("rest-call"),
      plan: fc.constantFrom("200", "500", "hang", "nothing"),
      leaving: fc.constant<"after">("after"),
    }),
  },
);
