// Retry policies, compiled: which answers and failures of an upstream are tried again. The words are Envoy's, as
// Ambassador's `retry_policy` takes them; what they mean follows Envoy's RetryStateImpl.
import type { RetryPolicy } from "../../../routing/model/mapping.ts";
import type { Failure } from "../../failures.ts";
import { readLength } from "../fields/fields.ts";
import { fieldAt, grpcStatusOf } from "../message/response-fields.ts";
import type { ResponseHead } from "../message/response-head.ts";

/** Retries of one request, whatever its policy says. `Differs:` Envoy has no bound. */
const mostRetries = 25;

export interface CompiledRetry {
  /** 1..25. */
  readonly retries: number;
  /** From the end of the request, or the beginning of the try where that is later, to the response head; 0: no limit of its own. */
  readonly perTryTimeoutMs: number;
  /** 1 for a status, by code, that is tried again. */
  readonly statuses: Uint8Array;
  /** 1 for a gRPC status, 0..16, that is tried again where it stands in the head of an answer. */
  readonly grpcStatuses: Uint8Array;
  readonly asksGrpc: boolean;
  /** Whatever ends a try before its response head: a reset, a closed connection, the limit of a try. */
  readonly resets: boolean;
  readonly connectFailures: boolean;
  /** Requests that the upstream has certainly not worked on. */
  readonly refusedStreams: boolean;
}

/** Words for gRPC statuses. `Differs:` Ambassador refuses a Mapping with these. */
const grpcWords: ReadonlyMap<string, number> = new Map([
  ["cancelled", 1],
  ["deadline-exceeded", 4],
  ["resource-exhausted", 8],
  ["internal", 13],
  ["unavailable", 14],
]);

/**
 * Compiles a policy; null where it tries nothing again. `timeoutMs` is the Mapping's limit of all tries together, 0 for none: a limit of one
 * try that is not below it is ignored. `retriable-status-codes` names no code, as in Ambassador, and so adds none.
 */
export function compileRetry(policy: RetryPolicy | null, timeoutMs: number): CompiledRetry | null {
  if (policy === null) return null;
  const words = new Set(policy.retryOn);
  const retries = Math.min(policy.numRetries, mostRetries);
  if (retries < 1 || words.size === 0) return null;
  const statuses = new Uint8Array(600);
  if (words.has("5xx")) statuses.fill(1, 500);
  if (words.has("gateway-error")) statuses.fill(1, 502, 505);
  if (words.has("retriable-4xx")) statuses[409] = 1;
  const grpcStatuses = new Uint8Array(17);
  for (const word of words) {
    const status = grpcWords.get(word);
    if (status !== undefined) grpcStatuses[status] = 1;
  }
  const resets = words.has("5xx") || words.has("gateway-error") || words.has("reset");
  const perTryMs = policy.perTryTimeoutMs ?? 0;
  return Object.freeze({
    retries,
    perTryTimeoutMs: timeoutMs > 0 && perTryMs >= timeoutMs ? 0 : perTryMs,
    statuses,
    grpcStatuses,
    asksGrpc: grpcStatuses.includes(1),
    resets,
    connectFailures: resets || words.has("connect-failure"),
    refusedStreams: resets || words.has("refused-stream"),
  });
}

/** Is a try that failed so tried again? `unprocessed`: the upstream has certainly not worked on it. */
export function retriesFailure(retry: CompiledRetry, { retryability }: Failure, unprocessed: boolean): boolean {
  if (unprocessed && retry.refusedStreams) return true;
  return retryability === "unsent" ? retry.connectFailures : retryability === "policy" && retry.resets;
}

/** Is this answer tried again? An upstream that says it is overloaded is left alone (Envoy). */
export function retriesAnswer(retry: CompiledRetry, head: ResponseHead): boolean {
  const asked = retry.statuses[head.status] === 1 || (retry.asksGrpc && retry.grpcStatuses[grpcStatusOf(head)] === 1);
  return asked && fieldAt(head, "x-envoy-overloaded") < 0 && fieldAt(head, "x-envoy-ratelimited") < 0;
}

/** What the upstream asks to wait before another try, ms; −1: no other try is wanted; null: it says nothing (gRFC A6). */
export function pushbackMs(head: ResponseHead): number | null {
  const slot = fieldAt(head, "grpc-retry-pushback-ms");
  // What is no number, or below 0, asks for no retry.
  return slot < 0 ? null : readLength(head.bytes, head.fields[slot + 2]!, head.fields[slot + 3]!);
}
