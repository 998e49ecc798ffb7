// The longest body that is taken, as far as a request says how long its body is. What it does not say is counted as it comes (the exchange).
import { failures } from "../../failures.ts";
import { goOn, requestStep, type Step, type Verdict } from "./step.ts";

const tooLarge: Verdict = Object.freeze({ kind: "fail", failure: failures.bodyTooLarge, detail: "" });

export function bodyLimitStep(mostBytes: number): Step {
  return requestStep("body-limit", ({ bodyBytes }) => (bodyBytes > mostBytes ? tooLarge : goOn));
}
