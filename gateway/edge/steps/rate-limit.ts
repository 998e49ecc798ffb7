// Limits of rate: a request goes on when each limit of its Mapping has a permit for it. What one of them refuses takes none of the others.
import type { CompiledLimit } from "../limits/compiled-limit.ts";
import { KeyedHash } from "../limits/keyed-hash.ts";
import type { Limiter } from "../limits/limiter.ts";
import { policiesOf, refusal, stateOf } from "./rate-limit-answer.ts";
import { goOn, requestStep, type Step, type StepRequest, type Verdict } from "./step.ts";

/** `limits`: one or more. */
export function rateLimitStep(limits: readonly CompiledLimit[], limiter: Limiter): Step {
  const counted = limits.map((limit) => new Counted(limit));
  const policies = policiesOf(limits);
  const [only] = counted;
  if (counted.length === 1) {
    return requestStep("rate-limit", (request) => {
      limiter.identify(only!.limit, request, only!.hash);
      return limiter.table.take(only!.limit, only!.hash, limiter.nowMs) >= 0
        ? goOn
        : refuse(request, counted, policies, limiter);
    });
  }
  return requestStep("rate-limit", (request) => {
    for (const { limit, hash } of counted) limiter.identify(limit, request, hash);
    return takeAll(counted, limiter) ? goOn : refuse(request, counted, policies, limiter);
  });
}

/** A limit, and whose cell of it the request is counted in that is looked at: steps do not nest. */
class Counted {
  readonly limit: CompiledLimit;
  readonly hash = new KeyedHash();

  constructor(limit: CompiledLimit) {
    this.limit = limit;
  }
}

/** Of each or of none: whoever is refused by one, however often it asks, uses up no other. */
function takeAll(counted: readonly Counted[], { table, nowMs }: Limiter): boolean {
  for (const { limit, hash } of counted) if (table.look(limit, hash, nowMs) < 0) return false;
  for (let at = 0; at < counted.length; at++) {
    const { limit, hash } = counted[at]!;
    if (table.take(limit, hash, nowMs) >= 0) continue;
    // Another worker was faster.
    for (const taken of counted.slice(0, at)) table.giveBack(taken.limit, taken.hash);
    return false;
  }
  return true;
}

function refuse(
  request: StepRequest,
  counted: readonly Counted[],
  policies: string,
  { table, nowMs }: Limiter,
): Verdict {
  let waitMs = 0;
  let refusing = counted[0]!.limit;
  const states = counted.map(({ limit, hash }) => {
    const left = table.look(limit, hash, nowMs);
    if (left >= 0)
      return stateOf(
        limit,
        Math.floor(left / limit.permit) + 1,
        (limit.tolerance - limit.permit - left) / limit.unitsPerMs,
      );
    const missingMs = -left / limit.unitsPerMs;
    if (missingMs > waitMs) refusing = limit;
    waitMs = Math.max(waitMs, missingMs);
    return stateOf(limit, 0, missingMs);
  });
  return refusal(request, refusing, waitMs, policies, states.join(", "));
}
