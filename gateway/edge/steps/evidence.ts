// The step that gathers the evidence of a release: which requests count, which of them failed, and how long the model took.
import { releaseEvidence } from "../../failure-flags.ts";
import { failures, type Failure } from "../../failures.ts";
import type { EvidenceCounts, EvidenceOwner } from "../../shared/evidence-counts.ts";
import { callerBucket } from "./caller-bucket.ts";
import { goOn, type Step } from "./step.ts";

/** Of this predictor, in ms; 0: none. */
export interface ModelLimits {
  /** Of one try, or of the whole answer: the shorter one. */
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
}

/** Whoever lets the gateway wait so long in all may have met a limit of the model server: how its request ended says nothing of the model. */
export const slowClientMs = 10_000;
/** A limit that ran out counts where the model had at least this part of it. */
export const modelPart = 0.9;
const switchingProtocols = 101;

/**
 * What a client can cause alone is no evidence: it leaves, sends what the gateway rejects, is told by the model that it may not call or sends too much (`denied`, which is counted beside the evidence), lets the gateway wait for `slowClientMs`, or lets a limit run out of which the model did not have
 * `modelPart`. Nor is a WebSocket connection, which lasts as long as both sides like.
 *
 * The latency is that of `ExchangeTimes.latencyMs`, and of a failure the time that the model had: waits for a connection and all tries are in it.
 */
export function evidenceStep(owner: EvidenceOwner, evidence: Pick<EvidenceCounts, "take">, limits: ModelLimits): Step {
  return Object.freeze<Step>({
    name: "evidence",
    take: (request) => {
      request.keep(callerBucket(request));
      return goOn;
    },
    answered: null,
    ended: (
      { code, failure: last },
      bucket,
      { failure, isModelError, refusal, isCallersLimit, latencyMs, modelMs, clientMs },
    ) => {
      // Of a client that stalls, what it has of its answer counts first.
      if (code === switchingProtocols || last === failures.clientStalled) return;
      if (failure === null && refusal === "of-client") {
        evidence.take(owner, "denied", null, bucket as number);
        return;
      }
      // The model is told of the caller's limit, and may be first to say that it ran out.
      const told = failure ?? (isCallersLimit ? failures.upstreamTimeout : null);
      if (clientMs >= slowClientMs || (told !== null && !isEvidence(told, modelMs, limits))) return;
      const isFailed = failure !== null || isModelError;
      const outcome = isFailed ? "failed" : refusal === "of-request" ? "refused" : "answered";
      const measuredMs = outcome === "failed" ? modelMs : outcome === "answered" ? latencyMs : null;
      evidence.take(owner, outcome, measuredMs, bucket as number);
    },
  });
}

function isEvidence({ flag }: Failure, modelMs: number, { timeoutMs, idleTimeoutMs }: ModelLimits): boolean {
  const evidence = releaseEvidence[flag];
  if (evidence !== "limit") return evidence === "always";
  const limitMs = flag === "SI" ? idleTimeoutMs : timeoutMs;
  return limitMs > 0 && modelMs >= limitMs * modelPart;
}
