// The client's side of an exchange, whatever protocol it speaks.
import type { Answer } from '../message/answers.ts';
import type { Failure } from '../message/failure.ts';
import type { FieldList } from '../message/fields.ts';
import type { CompiledEdits } from '../message/header-edits.ts';
import type { ResponseHead } from '../message/response-head.ts';
import type { CompiledMapping } from '../policy/compiled-mapping.ts';
import type { WriteQueue } from '../io/write-stall.ts';

/** `queued` and `unsent` are of what waits for the client. */
export interface ClientSide extends WriteQueue {
  /** Address of the client. */
  readonly peer: string;
  readonly secure: boolean;
  /** The client takes less than was written: wait for it. */
  readonly congested: boolean;
  informational(head: ResponseHead): void;
  /** Puts the head of an upstream's response together; `edits` are those of this answer, `serviceTimeMs` is what the upstream took. */
  responseHead(head: ResponseHead, compiled: CompiledMapping, edits: CompiledEdits | null, serviceTimeMs: number): void;
  /** The upstream has agreed to a tunnel, which only a request of HTTP/1.1 can ask for: bytes pass as they are, both ways. */
  upgraded(head: ResponseHead): void;
  responseBody(bytes: Buffer, start: number, end: number): void;
  responseEnd(trailers: FieldList | null): void;
  /** Sends what was put together. */
  flush(): void;
  /** Forgets the head of the answer and what follows it, if nothing of them was sent: another answer may come. False: the client may have seen it. */
  takeBack(): boolean;
  /** Sends an answer of the gateway itself, whole. `last`: no further request is read on this connection. */
  answer(answer: Answer, last: boolean): void;
  /** The answer cannot be completed: the client must see that it is cut, and of what if its protocol can say so. Tells the exchange nothing. */
  abort(failure: Failure, detail: string): void;
  /** The answer is whole, and nobody takes the rest of the request. */
  requestUnwanted(): void;
  pauseRequest(): void;
  resumeRequest(): void;
  /** Both directions are done: the next exchange may begin. */
  exchangeOver(): void;
}
