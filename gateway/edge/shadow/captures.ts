// Captures: answers that are kept for comparison, of a primary and its shadows, until both are whole. Bounded for each worker; what does not fit is
// dropped and counted. Nothing here can delay or change an answer: bytes are copied as they pass, and leave in a later turn.
import { fixed } from "../../shared/metrics/fixed.ts";
import type { CapturedPair, Captured, ComparedSubject, PairDrop, PairTaker } from "../../shared/compared-pairs.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import { mayTake } from "../io/fair-share.ts";
import { KeptPieces } from "../io/kept-pieces.ts";

/** Longest body that is kept. */
export const maxCapturedBytes = 8 * 1024 * 1024;
/** All that a worker keeps. */
export const maxHeldCaptures = 64 * 1024 * 1024;

const noAnswer: Captured = Object.freeze({
  status: 0,
  grpcStatus: -1,
  headerBytes: -1,
  encoding: "",
  tooLong: false,
  pieces: [],
  bytes: 0,
});

export class Captures {
  readonly worker: WorkerContext;
  readonly #taker: PairTaker;
  #heldBytes = 0;
  /** By slot of the shadow: one that is slow has a share and never all of it. */
  readonly #heldBy = new Map<number, number>();
  #whole: (() => void)[] = [];

  constructor(worker: WorkerContext, taker: PairTaker) {
    this.worker = worker;
    this.#taker = taker;
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

  dropped(why: PairDrop): void {
    this.worker.counters.add(fixed.comparisonDrops[why], 1);
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

  give(pair: CapturedPair): void {
    this.#taker.take(pair);
  }

  /** False: a pair of this namespace that begins now would be dropped. */
  mayBegin({ namespace }: ComparedSubject): boolean {
    return this.#taker.hasRoom(namespace);
  }

  /** A predictor was to be asked twice, and had no other Endpoint. */
  giveUnasked(subject: ComparedSubject): void {
    this.later(() =>
      this.#taker.take({
        ...subject,
        against: subject.predictor,
        atMs: Date.now(),
        requestId: "",
        isGrpc: false,
        path: "",
        primary: noAnswer,
        shadow: null,
        isAsked: false,
        primaryMs: 0,
        shadowMs: 0,
      }),
    );
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
  startedMs = 0;
  tookMs = 0;
  /** `lost`: there was no room for it, or it did not come to its end. */
  state: "coming" | "whole" | "lost" = "coming";
  /** null: it is not lost, or it is no longer wanted. */
  lostBy: PairDrop | null = null;
  #tooLong = false;
  readonly #kept = new KeptPieces();

  constructor(captures: Captures, slot: number) {
    this.#captures = captures;
    this.#slot = slot;
  }

  body(bytes: Buffer, start: number, end: number): void {
    if (this.state !== "coming" || this.#tooLong) return;
    const count = end - start;
    if (this.#kept.bytes + count > maxCapturedBytes) {
      this.forget();
      this.#tooLong = true;
      return;
    }
    if (!this.#captures.hold(this.#slot, count)) {
      this.lose("memory");
      return;
    }
    this.#kept.add(bytes, start, end);
  }

  /** No byte of it is held. */
  forget(): void {
    this.#captures.release(this.#slot, this.#kept.bytes);
    this.#kept.clear();
  }

  lose(why: PairDrop | null): void {
    this.forget();
    this.state = "lost";
    this.lostBy = why;
  }

  /** Another answer comes in its place. */
  again(): void {
    this.forget();
    this.#tooLong = false;
    this.grpcStatus = -1;
  }

  tooLong(): void {
    this.forget();
    this.#tooLong = true;
  }

  get captured(): Captured {
    const { status, grpcStatus, headerBytes, encoding } = this;
    return {
      status,
      grpcStatus,
      headerBytes,
      encoding,
      tooLong: this.#tooLong,
      pieces: this.#kept.pieces,
      bytes: this.#kept.bytes,
    };
  }
}
