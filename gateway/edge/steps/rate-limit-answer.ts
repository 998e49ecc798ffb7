// What whoever is refused by a limit of rate is told, in the fields of the IETF draft (draft-ietf-httpapi-ratelimit-headers-10).
import { failures } from "../../failures.ts";
import type { CompiledLimit } from "../limits/compiled-limit.ts";
import { sentenceOf } from "../message/answers.ts";
import { retryDetails } from "../message/grpc-status-details.ts";
import type { StepRequest, Verdict } from "./step.ts";

/** `RateLimit-Policy` of these limits. */
export function policiesOf(limits: readonly CompiledLimit[]): string {
  return limits.map(({ text, limit }) => `"${text}";q=${limit.permits};w=${limit.periodMs / 1000}`).join(", ");
}

/** One member of `RateLimit`: so many are left, and in so long there are more. */
export function stateOf({ text }: CompiledLimit, left: number, moreMs: number): string {
  return `"${text}";r=${left};t=${secondsOf(moreMs)}`;
}

/** `limit` is the one that has nothing for so long. */
export function refusal(
  request: StepRequest,
  limit: CompiledLimit,
  waitMs: number,
  policies: string,
  states: string,
): Verdict {
  const seconds = Math.max(1, secondsOf(waitMs));
  const detail = `the limit is ${limit.text}; try again in ${seconds} s`;
  const failure = failures.rateLimited;
  const fields: (readonly [string, string])[] = [
    ["retry-after", String(seconds)],
    ["ratelimit-policy", policies],
    ["ratelimit", states],
  ];
  if (request.head.grpc)
    fields.push(["grpc-status-details-bin", retryDetails(failure.grpcStatus, sentenceOf(failure, detail), waitMs)]);
  request.addToAnswer({ instead: [], fields });
  return { kind: "fail", failure, detail };
}

/** Rounded up, but for what is lost in the last bits. */
function secondsOf(ms: number): number {
  return Math.ceil(ms / 1000 - 1e-6);
}
