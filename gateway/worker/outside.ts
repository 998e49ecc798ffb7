// Questions over HTTP: a data worker asks through the control worker, which alone knows which addresses may be dialled.
import { MessageChannel, type MessagePort } from "node:worker_threads";
import type { DataToControl, HttpAnswer, HttpQuestion } from "../shared/messages.ts";

/** Questions of one worker that wait at once. */
export const maxWaiting = 256;

/** Asks one question a call. Never rejects; the control worker answers each in its time, and its end ends those that wait. */
export function outsideAsker(control: () => MessagePort | null): (question: HttpQuestion) => Promise<HttpAnswer> {
  let waiting = 0;
  return async (question) => {
    const port = control();
    if (port === null || waiting >= maxWaiting)
      return { kind: "failed", reason: port === null ? "the control worker is away" : "too many questions wait" };
    const { port1, port2 } = new MessageChannel();
    waiting += 1;
    const answer = await new Promise<HttpAnswer>((resolve) => {
      port1.once("message", resolve);
      port1.once("close", () => resolve({ kind: "failed", reason: "the control worker has ended" }));
      port.postMessage({ kind: "ask", question, answer: port2 } satisfies DataToControl, [port2]);
    });
    waiting -= 1;
    port1.close();
    return answer;
  };
}
