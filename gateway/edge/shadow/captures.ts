// Captures: answers that are kept for comparison, of a primary and its shadows, until both are whole: a sample (`PairSample`), bounded for each worker; what does
// not fit is left out and counted. Nothing here can delay or change an answer: bytes are copied as they pass, and leave in a later turn.
import { fixed } from "../../shared/metrics/fixed.ts";
import {
  maxAnswerBytes,
  type ComparedSides,
  type ComparedSubject,
  type PairTaker,
  type PostedAnswer,
  type PostedPair,
} from "../../shared/compared-pairs.ts";
import type { LeftOut } from "../../shared/metrics/left-out.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import { mayTake } from "../../shared/fair-share.ts";
import { KeptPieces } from "../io/kept-pieces.ts";
import { PairSample } from "./pair-sample.ts";

/** All that a worker keeps. */
export const maxHeldCaptures = 16 * 1024 * 1024;

export class Captures {
  readonly worker: WorkerContext;
  readonly #taker: PairTaker;
  readonly #sample: PairSample;
  #heldBytes = 0;
  /** By slot of the shadow: one that is slow has a share and never all of it. */
  readonly #heldBy = new Map<number, number>();
  #whole: (() => void)[] = [];

  constructor(worker: WorkerContext, taker: PairTaker, workers: number) {
    this.worker = worker;
    this.#taker = taker;
    this.#sample = new PairSample(workers);
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** False: there is no room. */
  hold(slot: number, bytes: number): boolean {
    const own = this.#heldBy.get(slot) ?? 0;
    if (!mayTake(own, bytes, this.#heldBytes, maxHeldCaptures)) return false;
    this.#heldBytes += bytes;
    this.#heldBy.set(slot, own + bytes);
    this.worker.counters.set(fixed.comparedBytes, this.#heldBytes);
    return true;
  }

  release(slot: number, bytes: number): void {
    if (bytes === 0) return;
    this.#heldBytes -= bytes;
    const own = (this.#heldBy.get(slot) ?? 0) - bytes;
    if (own > 0) this.#heldBy.set(slot, own);
    else this.#heldBy.delete(slot);
    this.worker.counters.set(fixed.comparedBytes, this.#heldBytes);
  }

  leftOut(sides: ComparedSides, why: LeftOut): void {
    this.worker.counters.add(fixed.comparisonDrops[why], 1);
    this.#taker.leftOut(sides, why);
  }

  /** False: a pair that begins now is not in the sample. */
  takes(subject: ComparedSubject): boolean {
    return this.#sample.takes(subject, this.worker.nowMs);
  }

  /** In a later turn: primaries' bytes go first. `leave` is called once. */
  later(leave: () => void): void {
    if (this.#whole.push(leave) === 1) setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    const leaving = this.#whole;
    this.#whole = [];
    for (const leave of leaving) leave();
  };

  give(pair: PostedPair): void {
    if (!this.#taker.take(pair)) this.leftOut(pair, "hand_over");
  }
}

/** One answer as it passes. */
export class CapturedBody {
  readonly #captures: Captures;
  readonly #slot: number;
  status = 0;
  grpcStatus = -1;
  headerBytes = -1;
  encoding = "";
  /** `lost`: it is too large, there was no room for it, or it did not come to its end. */
  state: "coming" | "whole" | "lost" = "coming";
  /** null: it is not lost, or it is no longer wanted. */
  lostBy: LeftOut | null = null;
  readonly #kept = new KeptPieces();

  constructor(captures: Captures, slot: number) {
    this.#captures = captures;
    this.#slot = slot;
  }

  body(bytes: Buffer, start: number, end: number): void {
    if (this.state !== "coming") return;
    const count = end - start;
    if (this.#kept.bytes + count > maxAnswerBytes) this.lose("too_large");
    else if (!this.#captures.hold(this.#slot, count)) this.lose("memory");
    else this.#kept.add(bytes, start, end);
  }

  /** No byte of it is held. */
  forget(): void {
    this.#captures.release(this.#slot, this.#kept.bytes);
    this.#kept.clear();
  }

  lose(why: LeftOut | null): void {
    this.forget();
    this.state = "lost";
    this.lostBy = why;
  }

  /** Another answer comes in its place. */
  again(): void {
    this.forget();
    this.grpcStatus = -1;
  }

  /** A copy. */
  get captured(): PostedAnswer {
    const { status, grpcStatus, headerBytes, encoding } = this;
    const body = new Uint8Array(this.#kept.bytes);
    let at = 0;
    for (const piece of this.#kept.pieces) {
      body.set(piece, at);
      at += piece.length;
    }
    return { status, grpcStatus, headerBytes, encoding, body };
  }
}
