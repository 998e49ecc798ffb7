// The step that measures a release: how long the model took, from here to the end of its answer.
import type { Clock } from "../../shared/clock.ts";
import type { Latencies } from "../../shared/latencies.ts";
import { goOn, type Step } from "./step.ts";

/** A request that ends without an answer has no latency: it is among those that failed. */
export function latencyStep(slot: number, latencies: Pick<Latencies, "take">, clock: Pick<Clock, "now">): Step {
  return Object.freeze<Step>({
    name: "latency",
    take: (request) => {
      request.keep(clock.now());
      return goOn;
    },
    answered: null,
    ended: ({ code }, beganMs) => {
      if (code > 0) latencies.take(slot, clock.now() - (beganMs as number));
    },
  });
}
