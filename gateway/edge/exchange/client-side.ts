// The client's side of an exchange, whatever protocol it speaks.
import type { Answer } from "../message/answers.ts";
import type { AnswerId, HeadForm } from "../message/answer-id.ts";
import type { Failure } from "../../failures.ts";
import type { CompiledEdits } from "../message/header-edits.ts";
import type { MessageTaker } from "../message/message-taker.ts";
import type { ResponseHead } from "../message/response-head.ts";
import type { CompiledMapping } from "../policy/compiled-mapping.ts";
import type { WriteQueue } from "../io/write-stall.ts";

/**
 * Takes the answer. With the head of an upstream's response `edits` are those of this answer, `id` is that of its request (null: it is not said), and `serviceTimeMs` is what the upstream took.
 * `abort`: the answer cannot be completed; the client must see that it is cut, and of what if its protocol can say so. The exchange is not told.
 *
 * `queued` and `unsent` are of what waits for the client.
 */
export interface ClientAnswer
  extends
    MessageTaker<
      [
        head: ResponseHead,
        compiled: CompiledMapping,
        edits: CompiledEdits | null,
        serviceTimeMs: number,
        id: AnswerId | null,
      ],
      [failure: Failure, detail: string]
    >,
    WriteQueue {
  /** The client takes less than was written: wait for it. */
  readonly congested: boolean;
  informational(head: ResponseHead): void;
  /** The upstream has agreed to a tunnel, which only a request of HTTP/1.1 can ask for: bytes pass as they are, both ways. */
  upgraded(head: ResponseHead, id: AnswerId | null): void;
  /** Forgets the head of the answer and what follows it, if nothing of them was sent: another answer may come. False: the client may have seen it. */
  takeBack(): boolean;
  /** Sends an answer of the gateway itself, whole. `last`: no further request is read on this connection. */
  sendOwn(answer: Answer, last: boolean): void;
}

export interface ClientSide {
  /** Address of the client. */
  readonly peer: string;
  readonly secure: boolean;
  readonly answer: ClientAnswer;
  readonly headForm: HeadForm;
  pauseRequest(): void;
  resumeRequest(): void;
  /** The answer is whole, and nobody takes the rest of the request. */
  requestUnwanted(): void;
  /** Both directions are done: the next exchange may begin. */
  exchangeOver(): void;
}
