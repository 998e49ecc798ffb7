// Pairs of answers on their way from data workers to the thread that compares them.

/** An answer. Its body is `bytes[start..end)` of the batch. */
export interface PostedAnswer {
  /** Of HTTP. */
  readonly status: number;
  /** Of gRPC; −1: it is none, or said none. */
  readonly grpcStatus: number;
  /** `Inference-Header-Content-Length`; −1: it has none. */
  readonly headerBytes: number;
  /** `content-encoding`; "": none. */
  readonly encoding: string;
  /** The body was too long to be compared, and is left out. */
  readonly tooLong: boolean;
  readonly start: number;
  readonly end: number;
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

export interface PostedPair extends ComparedSubject {
  /** The predictor that answered the client. */
  readonly against: string;
  /** Epoch ms. */
  readonly atMs: number;
  readonly requestId: string;
  readonly isGrpc: boolean;
  /** Of the request, cut. */
  readonly path: string;
  readonly primary: PostedAnswer;
  /** null: the shadow gave none. */
  readonly shadow: PostedAnswer | null;
  /** False: the predictor was to be asked twice, and had no other Endpoint. */
  readonly isAsked: boolean;
  readonly primaryMs: number;
  readonly shadowMs: number;
}

/** Data worker to comparing thread. */
export interface PairBatch {
  readonly pairs: readonly PostedPair[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Comparing thread to data worker: so much of what it sent of this namespace is done with. */
export interface PairsTaken {
  readonly namespace: string;
  readonly pairs: number;
  readonly bytes: number;
}

/** A pair that a data worker hands over. Bodies are lists of pieces, which are not changed any more. */
export interface CapturedPair extends Omit<PostedPair, "primary" | "shadow"> {
  readonly primary: Captured;
  readonly shadow: Captured | null;
}

/** Who takes both answers to a request, which are compared elsewhere. */
export interface PairTaker {
  /** False: pairs of this namespace that begin now would be dropped, so their answers need not be kept. */
  hasRoom(namespace: string): boolean;
  /** Copies what it keeps. */
  take(pair: CapturedPair): void;
}

export interface Captured extends Omit<PostedAnswer, "start" | "end"> {
  readonly pieces: readonly Buffer[];
  readonly bytes: number;
}

/** Why a pair was not compared. */
export type PairDrop = "memory" | "queue" | "incomplete" | "ended";
