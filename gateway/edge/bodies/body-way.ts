// BodyWay: where the body of a message goes on, one hook after the other.
import type { FieldList } from "../fields/fields.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { BodyEnd, BodyRefusal } from "../steps/body-hook.ts";

/** Bytes and trailers are valid during the call. */
export interface BodyWay {
  /** The head may leave: the body has this many bytes; −1: nobody knows. */
  begin(bytes: number): void;
  body(bytes: Buffer, start: number, end: number): void;
  end(trailers: FieldList | null): void;
}

/** One hook on the way. */
export interface HookedWay extends BodyWay {
  /** The hook sees no more of the body. Calls its `ended`, unless that was called before. */
  leave(end: BodyEnd, trailers: FieldList | null): void;
}

/** The way as a whole, as its hooks need it. */
export interface WholeWay {
  readonly worker: WorkerContext;
  /** Nothing of the body goes on any more. */
  readonly over: boolean;
  /** The message fails, and no more of it goes on. */
  fail(refusal: BodyRefusal | "too-long" | "no-messages" | "no-room"): void;
  /** The same: a hook has thrown. */
  fault(error: unknown): void;
}
