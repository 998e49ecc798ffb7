// BodyHook: how a step sees the body of one message, a request or an answer, as it passes. A look sees pieces and changes nothing; a hold keeps
// a unit back until the unit is whole, and says what goes on in its place.
import type { Failure } from "../../failures.ts";
import type { FieldList } from "../fields/fields.ts";

/**
 * Bytes are those of the message: chunks are taken apart, padding is gone, and gRPC-Web is gRPC. A content-encoding and the compression of a
 * message of gRPC stay as they are: the gateway decompresses nothing. Any call that throws ends its request with a fault of the gateway
 * (500), and nothing else. A body of no bytes has no piece and no unit. Tunnels have no hooks.
 */
export type BodyHook = BodyLook | BodyHold;

/**
 * How the body ended for its hook. `complete`: it came to its end. `unseen`: the hold has given up, and the body goes on without it. `cut`: no
 * more of it comes, because the request failed, the client left, the model broke off, or the answer of another try takes its place.
 */
export type BodyEnd = "complete" | "unseen" | "cut";

interface Seen {
  /** Called once, whatever happens. `trailers`: of a complete message, valid during the call; null: it has none. */
  ended(end: BodyEnd, trailers: FieldList | null): void;
}

/** Delays nothing and copies nothing: whoever wants to keep bytes copies them, within a bound of its own. */
export interface BodyLook extends Seen {
  readonly kind: "look";
  /** `bytes[start..end)`, valid during the call. Cut anywhere. */
  piece(bytes: Buffer, start: number, end: number): void;
}

/**
 * What is held counts as held by the worker (`--retry-total-bytes`). A message with a hold loses its content-length, or gets the right one
 * where the unit is the whole body; an answer to HEAD and a 304 lose it too.
 */
export interface BodyHold extends Seen {
  readonly kind: "hold";
  /** `message`: each message of gRPC. `body`: all of it; the head waits with it, so that a failure is still an answer. */
  readonly unit: "message" | "body";
  /** Of one unit, above 0; of a message without its prefix. */
  readonly maxBytes: number;
  /**
   * Where a unit is longer, or the worker holds too much already, or the bytes are no messages. `fail`: the request fails. `pass`: the hold gives
   * up for the rest of the body. Where there is no room even for a head that waits with its body, the request fails.
   */
  readonly beyond: "fail" | "pass";
  /**
   * A whole unit: its bytes are the hook's own. `compressed`: it is a compressed message of gRPC. Returns what goes on in its place, with the same
   * compression; null: the unit as it is; or why the request fails.
   */
  take(unit: Buffer, compressed: boolean): Buffer | null | BodyRefusal;
}

export interface BodyRefusal {
  readonly kind: "fail";
  readonly failure: Failure;
  readonly detail: string;
}
