// What a client reads of a failure; what there is to fail of says gateway/failures.ts.
export { failures } from '../../failures.ts';
export type { Failure } from '../../failures.ts';

/** The HTTP body of a failure: `{"status":…}` as Seldon's clients read it, or the sentence alone. */
export function failureBody(code: number, name: string, sentence: string, json: boolean): string {
  if (!json) return sentence;
  return JSON.stringify({ status: { code, info: sentence, reason: name, status: 'FAILURE' } });
}

/** A grpc-message: percent-encoded where it is not printable ASCII (gRPC over HTTP/2 protocol, "Status-Message"). */
export function grpcMessage(sentence: string): string {
  return sentence.toWellFormed().replace(/[^ -$&-~]/gu, (character) => encodeURIComponent(character));
}
