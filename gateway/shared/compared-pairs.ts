// Pairs of answers on their way from data workers to the control worker, which compares them.

import type { LeftOut } from "./metrics/left-out.ts";

/** Longest body of a pair, bytes. */
export const maxAnswerBytes = 256 * 1024;

export interface PostedAnswer {
  /** Of HTTP. */
  readonly status: number;
  /** Of gRPC; −1: it is none, or said none. */
  readonly grpcStatus: number;
  /** `Inference-Header-Content-Length`; −1: it has none. */
  readonly headerBytes: number;
  /** `content-encoding`; "": none. */
  readonly encoding: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Whose answers are compared. */
export interface ComparedSubject {
  readonly namespace: string;
  readonly deployment: string;
  /** The shadow. */
  readonly predictor: string;
  /** Text of sluice.io/compare. */
  readonly rules: string;
}

export interface ComparedSides extends ComparedSubject {
  /** The predictor that answered the client. */
  readonly against: string;
}

export interface PostedPair extends ComparedSides {
  /** Epoch ms. */
  readonly atMs: number;
  readonly requestId: string;
  readonly isGrpc: boolean;
  /** Of the request, cut. */
  readonly path: string;
  readonly primary: PostedAnswer;
  /** null: the shadow gave none. */
  readonly shadow: PostedAnswer | null;
}

/** Of both bodies. */
export function bytesOf({ primary, shadow }: PostedPair): number {
  return primary.body.length + (shadow?.body.length ?? 0);
}

/** Pairs that were left out for one reason. */
export interface PairsLeftOut extends ComparedSides {
  readonly why: LeftOut;
  readonly count: number;
}

/** Who takes both answers to a request, which are compared elsewhere. */
export interface PairTaker {
  /** False: there is no room, and it is left out. */
  take(pair: PostedPair): boolean;
  leftOut(sides: ComparedSides, why: LeftOut): void;
}
