// Limits of rate: a request goes on when each limit of its Mapping has a permit for it. What one of them refuses takes none of the others.
import { failures } from '../../failures.ts';
import type { CompiledLimit } from '../limits/compiled-limit.ts';
import { KeyedHash } from '../limits/keyed-hash.ts';
import type { Limiter } from '../limits/limiter.ts';
import { sentenceOf } from '../message/answers.ts';
import { retryDetails } from '../message/grpc-status-details.ts';
import { goOn, requestStep } from './step.ts';
import type { Step, StepRequest, Verdict } from './step.ts';

/** `limits`: one or more. */
export function rateLimitStep(limits: readonly CompiledLimit[], limiter: Limiter): Step {
  const counted = limits.map((limit) => new Counted(limit));
  const policies = limits.map(({ text, limit }) => `"${text}";q=${limit.permits};w=${limit.periodMs / 1000}`).join(', ');
  const [only] = counted;
  if (counted.length === 1) {
    return requestStep('rate-limit', (request) => {
      limiter.identify(only!.limit, request, only!.hash);
      return limiter.table.take(only!.limit, only!.hash, limiter.nowMs) >= 0 ? goOn : refuse(request, counted, policies, limiter);
    });
  }
  return requestStep('rate-limit', (request) => {
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

/** With what of each limit is left, in the fields of the IETF draft (draft-ietf-httpapi-ratelimit-headers-10). */
function refuse(request: StepRequest, counted: readonly Counted[], policies: string, { table, nowMs }: Limiter): Verdict {
  let waitMs = 1;
  let refusing: CompiledLimit | null = null;
  const states = counted.map(({ limit, hash }) => {
    const left = table.look(limit, hash, nowMs);
    const missingMs = left < 0 ? -left / limit.unitsPerMs : 0;
    if (refusing === null || missingMs > waitMs) refusing = limit;
    waitMs = Math.max(waitMs, missingMs);
    const usedMs = (limit.tolerance - limit.permit - left) / limit.unitsPerMs;
    return `"${limit.text}";r=${left < 0 ? 0 : Math.floor(left / limit.permit) + 1};t=${secondsOf(left < 0 ? missingMs : usedMs)}`;
  });
  const seconds = Math.max(1, secondsOf(waitMs));
  const detail = `${refusing!.text} may come; try again in ${seconds} s`;
  const fields: (readonly [string, string])[] = [['retry-after', String(seconds)], ['ratelimit-policy', policies], ['ratelimit', states.join(', ')]];
  const failure = failures.rateLimited;
  if (request.head.grpc) fields.push(['grpc-status-details-bin', retryDetails(failure.grpcStatus, sentenceOf(failure, detail), waitMs)]);
  request.addToAnswer({ instead: [], fields });
  return { kind: 'fail', failure, detail };
}

/** Rounded up, but for what is lost in the last bits. */
function secondsOf(ms: number): number {
  return Math.ceil(ms / 1000 - 1e-6);
}
