// Messages of `envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit`. Numbers of fields are those of Envoy's published protos.
import { isFieldName, isSettable, mostChangedFields } from "./auth-verdict.ts";
import { grpcMessageOf } from "./grpc-question.ts";
import {
  entryField,
  fieldsOf,
  lastField,
  messageField,
  numberOfField,
  textField,
  textOfField,
  type ProtoField,
} from "../../../routing/text/protobuf.ts";
import type { CallOutcome, ServiceField } from "./service-call.ts";

export const rateLimitPath = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit";

/** One descriptor: what a limit is counted by. */
export type Descriptor = readonly (readonly [key: string, value: string])[];

/** A RateLimitRequest, in parts. */
export function rateLimitRequest(domain: string, descriptors: readonly Descriptor[]): readonly Buffer[] {
  return [
    textField(1, domain),
    ...descriptors.map((entries) =>
      messageField(
        2,
        entries.map(([key, value]) => entryField(1, key, value)),
      ),
    ),
  ];
}

export type RateLimitVerdict =
  /** `answer`: what the client's answer gets. `request`: what the model's request gets. `body`: of the refusal; empty: the gateway's own. */
  | { readonly kind: "within"; readonly answer: readonly ServiceField[]; readonly request: readonly ServiceField[] }
  | { readonly kind: "over"; readonly answer: readonly ServiceField[]; readonly body: Buffer }
  | { readonly kind: "failed"; readonly sentence: string };

/** `RateLimitResponse.Code`. */
const code = { ok: 1, overLimit: 2 } as const;

export function rateLimitVerdict(outcome: CallOutcome): RateLimitVerdict {
  const message = grpcMessageOf(outcome);
  if (typeof message === "string") return { kind: "failed", sentence: message };
  const response = fieldsOf(message);
  const answer = response === null ? null : headersOf(response, 3);
  const request = response === null ? null : headersOf(response, 4);
  if (response === null || answer === null || request === null)
    return { kind: "failed", sentence: "its answer is no RateLimitResponse" };
  const overall = numberOfField(response, 1);
  if (overall !== code.ok && overall !== code.overLimit)
    return { kind: "failed", sentence: "it does not say whether the limit is reached" };
  return overall === code.ok
    ? { kind: "within", answer, request }
    : { kind: "over", answer, body: lastField(response, 5)?.bytes ?? Buffer.alloc(0) };
}

/** null: they are no headers. What frames a message is left out. */
function headersOf(response: readonly ProtoField[], number: number): readonly ServiceField[] | null {
  const headers = response.filter((field) => field.number === number).map(({ bytes }) => fieldsOf(bytes));
  if (headers.length > mostChangedFields || !headers.every((header) => header !== null)) return null;
  const fields = headers.map((header): ServiceField => [
    textOfField(header, 1).toLowerCase(),
    textOfField(header, 2) || textOfField(header, 3),
  ]);
  if (fields.some(([name, value]) => isFieldName(name) && !isSettable(["x", value]))) return null;
  return fields.filter(isSettable);
}
