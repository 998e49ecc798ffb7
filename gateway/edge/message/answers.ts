// Answers that the gateway gives itself.
import { visible } from "../../../routing/text/visible.ts";
import { failures, type Failure } from "../../failures.ts";
import { grpcMessage } from "./grpc-message.ts";

/** An answer of the gateway itself, whatever protocol the client speaks. */
export interface Answer {
  readonly code: number;
  /** Of the body; not sent where there is none. */
  readonly contentType: string;
  readonly body: string | Buffer;
  /** Further fields, names in lower case, values without CTL. */
  readonly fields: readonly (readonly [name: string, value: string])[];
}

const noBody = Buffer.alloc(0);

/** What of it is sent: some statuses have no body (RFC 9110 §6.4.1), and what came behind their head would be the next answer. */
export function bodyOf({ code, body }: Answer): Buffer {
  if (code === 204 || code === 205 || code === 304) return noBody;
  return typeof body === "string" ? Buffer.from(body) : body;
}

const noFields: Answer["fields"] = Object.freeze([]);
const overloaded: Answer["fields"] = Object.freeze([["x-envoy-overloaded", "true"] as const]);
const soon: Answer["fields"] = Object.freeze([["retry-after", "1"] as const]);
const allowed: Answer["fields"] = Object.freeze([["allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"] as const]);

/**
 * The answer to a failure. `detail` says what exactly, or what to change; where it repeats the sentence it stands alone. gRPC callers get
 * 200 and a status in the head, which their libraries read. `retried`: it was tried more than once.
 */
export function failureAnswer(failure: Failure, detail: string, json: boolean, grpc: boolean, retried = false): Answer {
  const sentence = sentenceOf(failure, detail, retried);
  if (grpc) {
    const fields = [
      ["content-type", "application/grpc"],
      ["grpc-status", String(failure.grpcStatus)],
      ["grpc-message", grpcMessage(sentence)],
    ] as const;
    return { code: 200, contentType: "application/grpc", body: "", fields: [...fields, ...fieldsOf(failure)] };
  }
  return {
    code: failure.httpStatus,
    contentType: json ? "application/json" : "text/plain",
    body: json ? bodyInJson(failure, sentence) : sentence,
    fields: fieldsOf(failure),
  };
}

/** `{"status":…}`, as Seldon's clients read it. */
function bodyInJson({ httpStatus, name }: Failure, info: string): string {
  return JSON.stringify({ status: { code: httpStatus, info, reason: name, status: "FAILURE" } });
}

/** The answer with the id of its request, by which it is found in the log. */
export function identified(answer: Answer, requestId: string): Answer {
  return { ...answer, fields: [...answer.fields, ["x-request-id", requestId]] };
}

function fieldsOf(failure: Failure): Answer["fields"] {
  if (failure === failures.overflow) return overloaded;
  if (failure === failures.notRead) return soon;
  return failure === failures.methodRefused ? allowed : noFields;
}

export function sentenceOf(failure: Failure, detail: string, retried = false): string {
  const sentence = retried
    ? failure.sentence.replace("reset reason", "retried and the latest reset reason")
    : failure.sentence;
  if (detail === "") return sentence;
  // A detail may name what somebody wrote: it goes into bodies, grpc-message and the log.
  const shown = visible(detail);
  return shown.startsWith(sentence) ? shown : `${sentence}: ${shown}`;
}
