// What a rewrite may make of a path: no dot segment, nothing too long, at no more work than is due.
import { textOf } from "../../../routing/request/bytes.ts";
import { rewriteRefusal, type CompiledRewrite, type RewriteRefusal } from "../../../routing/route/rewrite.ts";
import { failures, type Failure } from "../../failures.ts";
import { goOn, requestStep, type Step } from "./step.ts";

/** What becomes of a request whose path cannot be rewritten. */
export const rewriteFailures: Readonly<Record<RewriteRefusal, Failure>> = {
  climbs: failures.pathClimbs,
  "too-long": failures.rewriteTooLong,
  "too-much-work": failures.rewriteTooExpensive,
};

/** Refuses requests whose path cannot be rewritten. `mostLength`: of the path that a regex makes. */
export function rewriteStep(rewrite: CompiledRewrite, mostLength: number): Step {
  return requestStep("rewrite", ({ head: { pathBytes, pathStart, pathEnd } }) => {
    const refusal = rewriteRefusal(rewrite, textOf(pathBytes, pathStart, pathEnd), mostLength);
    return refusal === null ? goOn : { kind: "fail", failure: rewriteFailures[refusal], detail: "" };
  });
}
