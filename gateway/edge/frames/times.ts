// When something is due on a connection. Plain times, one deadline for the first of them.
import type { Http2Limits } from "./limits.ts";

/** What is due. */
export type Due =
  | "nothing"
  /** The preface, or a header block, is not complete in time. */
  | "head"
  /** SETTINGS were not acknowledged. */
  | "settings"
  /** The peer takes nothing of what it is sent. */
  | "stall"
  /** No answer to a PING. */
  | "silence"
  /** Silence long enough to ask. */
  | "ping"
  /** The peer sends no more: is it still there? */
  | "probe"
  /** A peer that sent too much may be read from again. */
  | "calm"
  /** A stream whose answer has left has waited long enough for its request to end. */
  | "linger"
  /** The round trip of a graceful end has taken long enough. */
  | "drained"
  /** Too old, or idle for too long. */
  | "retire";

/** A round trip of a graceful end takes no longer than this. */
const drainRoundTripMs = 1000;

/** Whoever is gone answers the first with a reset, which shows with the next. Ms between them. */
const probeAfterMs: readonly number[] = [0, 10, 50, 250, 1000];

/** The times of one connection, ms. */
export class ConnectionTimes {
  readonly #limits: Http2Limits;
  readonly #retireAtMs: number;
  lastReadMs: number;
  /** Since when it has had no stream; Infinity: it has some. */
  idleSinceMs: number;
  /** When the peer's first SETTINGS, and the acknowledgement of ours, are due; Infinity: they came. */
  prefaceDueMs: number;
  settingsDueMs: number;
  /** When the header block that is being put together began. */
  blockSinceMs = Infinity;
  /** When something last moved towards a peer that does not take all it is sent; Infinity: it takes all. */
  movedMs = Infinity;
  pingDueMs = Infinity;
  /** Until when the peer is not read from. */
  calmDueMs = Infinity;
  lingerDueMs = Infinity;
  drainDueMs = Infinity;
  #probeDueMs = Infinity;
  #probes = 0;
  retired = false;

  /** `draw`, in [0, 1), moves the end of its age by ± 10 %: connections that came together do not go together. */
  constructor(limits: Http2Limits, nowMs: number, draw: number) {
    this.#limits = limits;
    this.#retireAtMs = nowMs + limits.maxAgeMs * (0.9 + 0.2 * draw);
    this.lastReadMs = nowMs;
    this.idleSinceMs = nowMs;
    this.prefaceDueMs = nowMs + limits.headTimeoutMs;
    this.settingsDueMs = nowMs + limits.settingsTimeoutMs;
  }

  /** The peer was heard. */
  read(nowMs: number): void {
    this.lastReadMs = nowMs;
    this.pingDueMs = Infinity;
  }

  pinged(nowMs: number): void {
    this.pingDueMs = nowMs + this.#limits.pingTimeoutMs;
  }

  /** The peer sends no more, or was asked since whether it is there: when to ask next. */
  probing(nowMs: number): void {
    const afterMs = probeAfterMs[this.#probes++];
    this.#probeDueMs = afterMs === undefined ? Infinity : nowMs + afterMs;
  }

  draining(nowMs: number): void {
    this.retired = true;
    this.drainDueMs = nowMs + drainRoundTripMs;
  }

  get #headDueMs(): number {
    return Math.min(this.prefaceDueMs, this.blockSinceMs + this.#limits.headTimeoutMs);
  }

  get #retireDueMs(): number {
    return this.retired ? Infinity : Math.min(this.#retireAtMs, this.idleSinceMs + this.#limits.idleTimeoutMs);
  }

  get #askDueMs(): number {
    return this.pingDueMs === Infinity ? this.lastReadMs + this.#limits.pingAfterMs : Infinity;
  }

  /** Nobody asks an idle peer, unless the limits say so. */
  get #mayAsk(): boolean {
    return this.#limits.pingsIdle || this.idleSinceMs === Infinity;
  }

  /** When `due` is to be asked next. */
  nextMs(nowMs: number): number {
    const stallDueMs = this.movedMs + this.#limits.writeStallTimeoutMs;
    // A connection that is busy becomes idle at the earliest now: so it need not be set anew with every stream.
    const idleDueMs = this.retired ? Infinity : nowMs + this.#limits.idleTimeoutMs;
    // As for idleness: streams begin without setting it anew.
    const askDueMs = this.#mayAsk ? this.#askDueMs : nowMs + this.#limits.pingAfterMs;
    return Math.min(
      this.#headDueMs,
      this.settingsDueMs,
      stallDueMs,
      this.pingDueMs,
      askDueMs,
      this.#probeDueMs,
      this.calmDueMs,
      this.lingerDueMs,
      this.drainDueMs,
      this.#retireDueMs,
      idleDueMs,
    );
  }

  due(nowMs: number): Due {
    if (nowMs >= this.#headDueMs) return "head";
    if (nowMs >= this.settingsDueMs) return "settings";
    if (nowMs >= this.movedMs + this.#limits.writeStallTimeoutMs) return "stall";
    if (nowMs >= this.pingDueMs) return "silence";
    if (nowMs >= this.calmDueMs) return "calm";
    if (nowMs >= this.lingerDueMs) return "linger";
    if (nowMs >= this.drainDueMs) return "drained";
    if (nowMs >= this.#retireDueMs) return "retire";
    if (this.#mayAsk && nowMs >= this.#askDueMs) return "ping";
    if (nowMs >= this.#probeDueMs) return "probe";
    return "nothing";
  }
}
