// A request to an Endpoint, whatever protocol that speaks: what forwarding, and copies for shadows, need of a connection to it.
import type { HeadEdits } from "../message/head-edits.ts";
import type { Failure } from "../../failures.ts";
import type { RequestFraming } from "../fields/framing.ts";
import type { MessageTaker } from "../message/message-taker.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import type { EndpointView } from "./endpoint-view.ts";

/** A head as it goes to an upstream, but for its framing: `bytes[0..length)`. */
export interface EncodedHead {
  readonly bytes: Buffer;
  readonly length: number;
}

/**
 * One request at one Endpoint. `head` takes one as `encodeHead` made it for this protocol, `bytes[0..length)`, which stay the caller's;
 * `bodyBytes` is the length of the body where `framing` is `length`. Only HTTP/1.1 can be asked for a tunnel (`upgrade`). `abort`: its user
 * needs it no longer, and is told nothing more. After that, and after the user was told of an abort, it must be forgotten.
 */
export interface UpstreamRequest extends MessageTaker<
  [bytes: Buffer, length: number, framing: RequestFraming, bodyBytes: number],
  []
> {
  readonly kind: "request";
  readonly endpoint: EndpointView;
  /** It serves its user still: false once request and response are complete, or nobody reads the rest of the request. */
  readonly bound: boolean;
  /** The upstream takes less than was sent: wait for `drained`. */
  readonly congested: boolean;
  /** In place of `head`: encodes it straight from the client's. `requestId` is used unless a trusted proxy sent an id. */
  encodeHead(
    head: WireRequestHead,
    edits: HeadEdits,
    facts: ClientFacts,
    requestId: Buffer,
    framing: RequestFraming,
    bodyBytes: number,
  ): void;
  /** Bytes of the body that nobody will change: they may be kept by reference as long as need be. */
  give(bytes: Buffer): void;
  pauseResponse(): void;
  resumeResponse(): void;
}

/** A place in a queue for a request: a connection that is dialled, or addresses that are awaited. */
export interface Waiting {
  readonly kind: "waiting";
  /** Where it is dialled, if that is decided. */
  readonly endpoint: EndpointView | null;
  /** Gives the place up. The user is told nothing more. */
  cancel(): void;
}

/** What became of asking for an Endpoint. `waiting`: `connected` or `connectFailed` follows, never during the call. */
export type Acquired =
  | UpstreamRequest
  | Waiting
  | { readonly kind: "failed"; readonly failure: Failure; readonly detail: string };
