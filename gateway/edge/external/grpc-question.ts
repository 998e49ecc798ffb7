// Calls of gRPC to external services: one message there, one back (gRPC over HTTP/2).
import { declaredBytes, framed, prefixBytes } from "../message/grpc-message.ts";
import { grpcStatusNames } from "../../grpc-statuses.ts";
import { staticEntry, staticName } from "../hpack/hpack-encode.ts";
import type { UpstreamContext } from "../upstream/upstream-context.ts";
import type { CallOutcome, ServiceAnswer, ServiceField } from "./service-call.ts";

/** The head of a call, encoded: the same for every call to the service. */
export function grpcHead(
  { http2: { writer } }: UpstreamContext,
  path: string,
  authority: string,
  secure: boolean,
  timeoutMs: number,
): Buffer {
  writer.clear();
  writer.indexed(staticEntry.methodPost);
  writer.indexed(secure ? staticEntry.schemeHttps : staticEntry.schemeHttp);
  writer.namedText(staticName.path, path);
  writer.namedText(staticName.authority, authority);
  writer.namedText(staticName.contentType, "application/grpc");
  writer.fieldText("te", "trailers");
  if (timeoutMs > 0) writer.fieldText("grpc-timeout", `${Math.min(timeoutMs, 99_999_999)}m`);
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

/** Its one message. */
export function grpcBody(message: readonly Buffer[]): Buffer {
  return framed(0, Buffer.concat(message));
}

/** The one message of an answer, or why there is none. */
export function grpcMessageOf(outcome: CallOutcome): Buffer | string {
  if (outcome.kind === "failed") return outcome.sentence;
  const { answer } = outcome;
  if (answer.status !== 200) return `it answered with status ${answer.status}, which is not gRPC`;
  const status = grpcStatus(answer);
  if (status !== 0)
    return `it answered ${status < 0 ? "without a grpc-status" : (grpcStatusNames[status] ?? `grpc-status ${status}`)}`;
  const { body } = answer;
  return body[0] === 0 && declaredBytes(body, 0, body.length) === body.length
    ? body.subarray(prefixBytes)
    : "its answer is not one message of gRPC";
}

/** −1: it has none. */
function grpcStatus({ fields, trailers }: ServiceAnswer): number {
  const text = valueOf(trailers, "grpc-status") ?? valueOf(fields, "grpc-status") ?? "";
  return /^\d{1,3}$/.test(text) ? Number(text) : -1;
}

function valueOf(fields: readonly ServiceField[], name: string): string | null {
  return fields.find(([one]) => one === name)?.[1] ?? null;
}
