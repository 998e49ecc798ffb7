// The times of one exchange: which of its limits is due first (routing rule 17), and for whom it waited.
import type { EdgeLimits } from "../../options/limits.ts";
import type { CompiledMapping } from "../policy/compiled-mapping.ts";
import { WriteStall } from "../io/write-stall.ts";

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
  /** The answer began to come; Infinity: it has not, or was taken back. */
  answerBeganMs = Infinity;
  /** The model was asked to hold its answer back, as the client does not take it; Infinity: it is not. */
  #answerHeldMs = Infinity;
  /** What came of that before. */
  #answerHoldsMs = 0;
  /** A step that waited let the request go on; 0: none has waited. */
  #goesOnMs = 0;
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
    this.answerBeganMs = Infinity;
    this.#answerHeldMs = Infinity;
    this.#answerHoldsMs = 0;
    this.#goesOnMs = 0;
    this.#pauses = grpc;
    this.#callerDueMs = grpc ? nowMs + callerMs : Infinity;
    this.#tunnel = false;
    this.requestPaused = false;
    this.stall.end();
  }

  /** A tunnel is open: its request goes on. */
  openTunnel(nowMs: number): void {
    this.answerBeganMs = nowMs;
    this.lastByteMs = nowMs;
    this.#pauses = true;
    this.#tunnel = true;
  }

  /** The last byte of the request came; that of a tunnel is its client's end of it. */
  endRequest(nowMs: number): void {
    if (!this.#tunnel) this.requestDoneMs = nowMs;
    this.lastByteMs = nowMs;
  }

  resumeRequest(nowMs: number): void {
    this.requestPaused = false;
    this.requestByteMs = nowMs;
  }

  /** The steps that waited let the request go on. */
  endWait(nowMs: number): void {
    this.waitingSinceMs = Infinity;
    this.#goesOnMs = nowMs;
  }

  /** The model is asked to hold its answer back: the client does not take it now. */
  holdAnswer(nowMs: number): void {
    if (this.#answerHeldMs === Infinity) this.#answerHeldMs = nowMs;
  }

  resumeAnswer(nowMs: number): void {
    this.#answerHoldsMs = this.#heldTo(nowMs);
    this.#answerHeldMs = Infinity;
  }

  #heldTo(untilMs: number): number {
    return this.#answerHoldsMs + Math.max(0, untilMs - this.#answerHeldMs);
  }

  /** From the last byte of the request to the first of the answer, or to `untilMs` where none has come; null: the request has not ended, or its answer began before that. Waits of steps are not in it. */
  latencyMs(untilMs: number): number | null {
    const ms = Math.min(this.answerBeganMs, untilMs) - Math.max(this.requestDoneMs, this.#goesOnMs);
    return ms >= 0 ? ms : null;
  }

  /**
   * How long the model had up to `untilMs`: since the last byte of the request, but for the time in which its client did not take the answer. Before that byte: since the last byte that came, where
   * the model takes no more.
   */
  modelMs(untilMs: number): number {
    if (this.requestDoneMs > untilMs) return this.requestPaused ? untilMs - this.lastByteMs : 0;
    return Math.max(0, untilMs - Math.max(this.requestDoneMs, this.#goesOnMs) - this.#heldTo(untilMs));
  }

  /** How long the client may have let the gateway wait up to `untilMs`: until the last byte of its request, and while it did not take the answer. */
  clientMs(untilMs: number): number {
    const sendsMs = this.requestPaused
      ? 0
      : Math.min(this.requestDoneMs, untilMs) - Math.max(this.startedMs, this.#goesOnMs);
    return Math.max(0, sendsMs) + this.#heldTo(untilMs);
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
    if (compiled.timeoutMs === 0 || this.#tunnel || (this.answerBeganMs !== Infinity && !compiled.timeoutWritten))
      return Infinity;
    return Math.min(this.requestDoneMs, this.waitingSinceMs) + compiled.timeoutMs;
  }

  #idleDueMs(compiled: CompiledMapping): number {
    return compiled.idleTimeoutMs === 0 ? Infinity : this.lastByteMs + compiled.idleTimeoutMs;
  }
}
