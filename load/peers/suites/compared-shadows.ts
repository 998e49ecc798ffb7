// compared-shadows: what comparing the answers of a shadow does to the primary: the same shadow with `sluice.io/compare` and without it, each in turns with a
// gateway that has no shadow, as in `shadow-isolation`.
import { join } from "node:path";
import { startChild } from "../child.ts";
import { predictionOf, type FaultyQuestion, type FaultyReport } from "../origins/behaviours.ts";
import { loadCore } from "../process.ts";
import { runStates, type ShadowState } from "./shadow-isolation.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const states: readonly ShadowState[] = [
  { name: "none again", behaviour: null, endpoint: "none" },
  { name: "healthy", behaviour: "healthy", endpoint: "listening" },
  { name: "healthy, compared", behaviour: "healthy", endpoint: "listening", compares: true },
  { name: "huge, compared", behaviour: "huge", endpoint: "listening", compares: true },
  { name: "hanging, compared", behaviour: "hanging", endpoint: "listening", compares: true },
  { name: "garbled, compared", behaviour: "garbled", endpoint: "listening", compares: true },
  { name: "deep, compared", behaviour: "deep", endpoint: "listening", compares: true },
];

/** Lengths of the answers of a model and its healthy shadow. */
const lengths = [1000, 100_000];

/** nginx takes no answer of 100 kB in its configuration: the model's server is one of ours. */
async function run(options: SuiteOptions): Promise<string> {
  const parts: string[] = [];
  for (const answerBytes of lengths) {
    const main = startChild<FaultyQuestion, FaultyReport>(
      new URL("../origins/faulty-origin.ts", import.meta.url),
      loadCore,
    );
    const { ports } = await main.ask({ behaviours: ["healthy"], answerBytes });
    const text = predictionOf(answerBytes);
    const folder = join(options.folder, String(answerBytes));
    const part = await runStates({ ...options, folder }, states, ports.healthy!, text, answerBytes);
    await main.stop();
    parts.push(`## Answers of ${text.length} bytes`, part);
  }
  return parts.join("\n\n");
}

export const comparedShadows: Suite = {
  name: "compared-shadows",
  does: "the same with sluice.io/compare and without, of answers of 1 kB and 100 kB",
  deployments: 1000,
  run,
};
