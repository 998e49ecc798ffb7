// Probes on the traffic port: health of this worker, for paths that no Route claims.
import { isText } from "../../../routing/request/bytes.ts";
import type { RequestHead } from "../../../routing/request/head.ts";
import type { Answer } from "../message/answers.ts";
import { goOn, requestStep, type Step } from "../steps/step.ts";

const alive = "/ambassador/v0/check_alive";
const readyPaths: readonly string[] = ["/ambassador/v0/check_ready", "/readyz"];

/**
 * Health on the traffic port, from this worker itself: `check_alive`, `check_ready` and `/readyz`. null: another path. Asked for only when no
 * Route claims the path.
 */
function probeAnswer(head: RequestHead, state: ProbedState): Answer | null {
  const { pathBytes, pathStart, pathEnd } = head;
  const is = (path: string): boolean => isText(pathBytes, pathStart, pathEnd, path);
  if (is(alive)) return text(200, "alive\n");
  if (!readyPaths.some(is)) return null;
  const { notReady } = state;
  return notReady === null ? text(200, "ready\n") : text(503, `not ready: ${notReady}\n`);
}

function text(code: number, body: string): Answer {
  return { code, contentType: "text/plain", body, fields: [] };
}

export interface ProbedState {
  /** Why this worker is not ready, for people; null: it is. */
  readonly notReady: string | null;
}

/** Answers probes, uncounted: kubelets ask every few seconds. For requests that no Route takes. */
export function probeStep(state: ProbedState): Step {
  return requestStep("probe", ({ head }) => {
    const answer = probeAnswer(head, state);
    return answer === null ? goOn : { kind: "answer", answer, counted: false };
  });
}
