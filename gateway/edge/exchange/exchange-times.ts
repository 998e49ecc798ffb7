// The times of one exchange, and which of its limits is due first (routing rule 17).
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
