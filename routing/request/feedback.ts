// Which requests are feedback: by the paths and the method of Seldon's executor and engine.
import { standsAt } from "./bytes.ts";
import type { RequestHead } from "./head.ts";

const restPaths = ["/api/v1.0/feedback", "/api/v0.1/feedback"] as const;
const grpcMethod = "/SendFeedback";
/** All of them end in it. */
const lastByte = 0x6b;

/** Is it feedback as Seldon's clients send it? By its canonical path, before it is rewritten. */
export function isFeedback(head: RequestHead): boolean {
  return head.pathBytes[head.pathEnd - 1] === lastByte && isFeedbackPath(head);
}

function isFeedbackPath({ pathBytes, pathStart, pathEnd, grpc, bytes, methodStart, methodEnd }: RequestHead): boolean {
  const endsWith = (text: string): boolean =>
    pathEnd - pathStart >= text.length && standsAt(pathBytes, pathEnd - text.length, text);
  if (grpc) return endsWith(grpcMethod);
  return methodEnd - methodStart === 4 && standsAt(bytes, methodStart, "POST") && restPaths.some(endsWith);
}
