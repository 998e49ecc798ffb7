// What simulated rollouts came to, as a page.
import type { Tally } from "./rollout.ts";
import type { Scenario } from "./scenarios.ts";

export function rolloutReport(_command: string, _results: readonly (readonly [Scenario, Tally])[]): string {
  return "";
}
