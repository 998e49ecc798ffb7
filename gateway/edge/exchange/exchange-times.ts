// The times of one exchange: which of its limits is due first (routing rule 17), and for whom it waited.
import type { EdgeLimits } from "../../options/limits.ts";
import type { CompiledMapping } from "../policy/compiled-mapping.ts";
import { WriteStall } from "../io/write-stall.ts";
import type { SpentTime } from "../steps/step.ts";

/** What was due: the client does not read; it does not send its body; the caller's grpc-timeout; the Mapping's limit; no byte either way. */
export type DueLimit = "write-stall" | "body" | "caller" | "timeout" | "idle";

/** All times in ms of the edge's clock; Infinity where something has not happened. */
export class ExchangeTimes {
  readonly #limits: EdgeLimits;
  /** The head was read. */
  startedMs = 0;
  /** The last byte of the request came. */
  requestDoneMs = Infinity;
  /** A step waits since then: the Mapping's limit runs from there at the latest. */
  waitingSinceMs = Infinity;
  /** A byte of the request came, or the client was asked for more. */
  requestByteMs = 0;
  /** A byte came, either way. */
  lastByteMs = 0;
  /** The response has begun. */
  responseStarted = false;
  /** A stream of messages, or a tunnel: its request may pause as long as there are bytes the other way. */
  #pauses = false;
  /** When the caller no longer wants the answer. */
  #callerDueMs = Infinity;
  /** Bytes pass both ways until somebody ends it: only silence has a limit. */
  #tunnel = false;
  /** The client is asked to hold its body back. */
  requestPaused = false;
  /** Whether the client takes its answer. */
  readonly stall: WriteStall;
  // What follows means something only after `measure`, which sets all of it: other exchanges pay nothing for it.
  #measuredMs = 0;
  /** The client was asked to hold its body back; what came of that before. */
  #requestHeldMs = 0;
  #holdsRequestMs = 0;
  /** The model was asked to hold its answer back, Infinity: it is not; what came of that before. */
  #answerHeldMs = Infinity;
  #holdsAnswerMs = 0;

  constructor(limits: EdgeLimits) {
    this.#limits = limits;
    this.stall = new WriteStall(limits.writeStallTimeoutMs);
  }

  /** `grpc`: a call, which the caller gives so many ms; Infinity: any time. */
  begin(nowMs: number, grpc: boolean, callerMs: number): void {
    this.startedMs = nowMs;
    this.requestDoneMs = Infinity;
    this.waitingSinceMs = Infinity;
    this.requestByteMs = nowMs;
    this.lastByteMs = nowMs;
    this.responseStarted = false;
    this.#pauses = grpc;
    this.#callerDueMs = grpc ? nowMs + callerMs : Infinity;
    this.#tunnel = false;
    this.requestPaused = false;
    this.stall.end();
  }

  /** A tunnel is open: its request goes on. */
  openTunnel(nowMs: number): void {
    this.responseStarted = true;
    this.requestDoneMs = Infinity;
    this.lastByteMs = nowMs;
    this.#pauses = true;
    this.#tunnel = true;
  }

  /** From here on it is told for whom the exchange waits. */
  measure(nowMs: number): void {
    this.#measuredMs = nowMs;
    this.#requestHeldMs = nowMs;
    this.#holdsRequestMs = 0;
    this.#answerHeldMs = Infinity;
    this.#holdsAnswerMs = 0;
  }

  /** The client is asked to hold its body back: nobody takes it now. */
  holdRequest(nowMs: number): void {
    if (this.requestPaused) return;
    this.requestPaused = true;
    this.#requestHeldMs = nowMs;
  }

  resumeRequest(nowMs: number): void {
    this.#holdsRequestMs += this.#requestHoldTo(nowMs);
    this.requestPaused = false;
    this.requestByteMs = nowMs;
  }

  /** The model is asked to hold its answer back: the client does not take it now. */
  holdAnswer(nowMs: number): void {
    if (this.#answerHeldMs !== Infinity) return;
    this.#holdsRequestMs += this.#requestHoldTo(nowMs);
    this.#answerHeldMs = nowMs;
  }

  resumeAnswer(nowMs: number): void {
    if (this.#answerHeldMs === Infinity) return;
    this.#holdsAnswerMs += this.#answerHoldTo(nowMs);
    this.#answerHeldMs = Infinity;
    this.#requestHeldMs = nowMs;
  }

  /** A model that may not answer takes no more of the request: where both are held, it waits for its client. */
  #requestHoldTo(untilMs: number): number {
    return this.requestPaused && this.#answerHeldMs === Infinity
      ? Math.max(0, Math.min(untilMs, this.requestDoneMs) - this.#requestHeldMs)
      : 0;
  }

  #answerHoldTo(untilMs: number): number {
    return Math.max(0, untilMs - Math.max(this.#answerHeldMs, this.requestDoneMs));
  }

  /**
   * For whom the exchange waited from `measure` to `untilMs`. Until the last byte of the request it waits for the client, but for the time in which the client
   * was asked to hold its body back, because the model took no more of it and could answer. From there on it waits for the model, but for the time in which the model was asked to hold its answer back,
   * because the client took no more of it.
   */
  spentTo(untilMs: number): SpentTime {
    const fromMs = this.#measuredMs;
    const doneMs = Math.min(Math.max(fromMs, this.requestDoneMs), untilMs);
    const forModelMs = this.#holdsRequestMs + this.#requestHoldTo(untilMs);
    const forClientMs = this.#holdsAnswerMs + this.#answerHoldTo(untilMs);
    const modelMs = Math.max(0, untilMs - doneMs - forClientMs + forModelMs);
    return { modelMs, clientMs: Math.max(0, untilMs - fromMs - modelMs), isWhole: this.requestDoneMs <= untilMs };
  }

  /** When the first limit is due. `attachment` null: no Mapping limits anything. */
  nextDueMs(compiled: CompiledMapping | null): number {
    const dueMs = Math.min(this.stall.nextMs, this.#bodyDueMs(), this.#callerDueMs);
    return compiled === null ? dueMs : Math.min(dueMs, this.#timeoutDueMs(compiled), this.#idleDueMs(compiled));
  }

  /** The limit that is due now; null: none yet. */
  due(nowMs: number, compiled: CompiledMapping | null): DueLimit | null {
    if (this.stall.isOver(nowMs)) return "write-stall";
    if (nowMs >= this.#bodyDueMs()) return "body";
    if (nowMs >= this.#callerDueMs) return "caller";
    if (compiled === null) return null;
    if (nowMs >= this.#timeoutDueMs(compiled)) return "timeout";
    return nowMs >= this.#idleDueMs(compiled) ? "idle" : null;
  }

  /** Until the limit of the whole request; Infinity: it has none, or none yet. */
  remainingMs(nowMs: number, compiled: CompiledMapping): number {
    return Math.min(this.#callerDueMs, this.#timeoutDueMs(compiled)) - nowMs;
  }

  #bodyDueMs(): number {
    return this.requestDoneMs !== Infinity || this.requestPaused || this.#pauses
      ? Infinity
      : this.requestByteMs + this.#limits.bodyIdleTimeoutMs;
  }

  /** A written limit ends with the last byte of the answer, the default with its head. Neither begins before the request is complete. */
  #timeoutDueMs(compiled: CompiledMapping): number {
    if (compiled.timeoutMs === 0 || this.#tunnel || (this.responseStarted && !compiled.timeoutWritten)) return Infinity;
    return Math.min(this.requestDoneMs, this.waitingSinceMs) + compiled.timeoutMs;
  }

  #idleDueMs(compiled: CompiledMapping): number {
    return compiled.idleTimeoutMs === 0 ? Infinity : this.lastByteMs + compiled.idleTimeoutMs;
  }
}
