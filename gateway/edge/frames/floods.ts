// Floods: frames that cost this side more than the peer are counted in windows of time. A client over a limit is closed with
// ENHANCE_YOUR_CALM; nobody else notices. An upstream's connection carries the calls of many clients: over a limit it is drained, and read
// from no more until the window is over, but none of its calls is lost. No limits for the lifetime of a connection: they would end
// long-lived gRPC channels that cancel a lot. (The limits are of the size that Envoy, HAProxy and Sozu have.)

/** How many of each a peer may send within a window. */
export interface FloodLimits {
  readonly windowMs: number;
  /**
   * RST_STREAM for a stream that has no response head yet and is younger than `hastyMs`, unless its caller's own time is over (CVE-2023-44487);
   * a flood only where more than half of the client's streams end so.
   */
  readonly resets: number;
  /** RST_STREAM for closed streams, beyond one for each that ended otherwise. */
  readonly lateResets: number;
  /** RST_STREAM that this side sends for the peer's mistakes (MadeYouReset, CVE-2025-8671). */
  readonly forcedResets: number;
  /** CONTINUATION frames of one header block. */
  readonly continuations: number;
  /** PING, beyond one for each frame with content that it is sent: gRPC measures the bandwidth so. */
  readonly pings: number;
  readonly settings: number;
  readonly priorities: number;
  /** DATA without content and without END_STREAM. */
  readonly emptyData: number;
  /** WINDOW_UPDATE, beyond ten for each DATA frame that it is sent. */
  readonly windowUpdates: number;
  /** DATA that this side sends in tiny pieces, because the peer's window is no larger. */
  readonly tinyPieces: number;
  /** Header lists over their limit. */
  readonly largeLists: number;
  /** Frames that are read and thrown away: unknown types, acknowledgements that nobody waits for, GOAWAY, what comes late for a closed stream. */
  readonly ignored: number;
}

export const defaultFloodLimits: FloodLimits = {
  windowMs: 1000,
  resets: 200,
  lateResets: 200,
  forcedResets: 100,
  continuations: 20,
  pings: 100,
  settings: 50,
  priorities: 100,
  emptyData: 100,
  windowUpdates: 1000,
  tinyPieces: 100,
  largeLists: 10,
  // Browsers send PRIORITY_UPDATE, which is unknown here, with each request (RFC 9218).
  ignored: 1000,
};

/**
 * Of an upstream. More than clients may send, since it is only slowed: an odd peer that means well stays below. What it did to a stream of its
 * own costs that stream, and drains the connection as for clients.
 */
export const upstreamFloodLimits: FloodLimits = {
  ...defaultFloodLimits,
  lateResets: 1000,
  pings: 1000,
  settings: 100,
  priorities: 1000,
  emptyData: 1000,
  windowUpdates: 10_000,
  tinyPieces: 1000,
};

export type Flood = Exclude<keyof FloodLimits, "windowMs">;

/** A reset later than this is no attack: so long each stream has a place of those that are allowed at once. */
export const hastyMs = 50;
/**
 * A call whose grpc-timeout is so long or longer may be reset when that is nearly over, which is when its caller's clock says so. A shorter one
 * would be a way around the limit.
 */
export const leastCallerMs = 10;
export const callerShare = 0.8;

/** DATA pieces below this count as tiny. */
export const tinyPieceBytes = 16;
/** WINDOW_UPDATE frames that a DATA frame excuses. */
const updatesAFrame = 10;

/** Counters of one connection. */
export class FloodCounters {
  readonly #limits: FloodLimits;
  #windowStartMs: number;
  // Made when they are first needed: most connections never count anything.
  #counts: Partial<Record<Flood, number>> | null = null;
  /** Streams that had ended when the window began. */
  #endedBefore = 0;

  constructor(limits: FloodLimits, nowMs: number) {
    this.#limits = limits;
    this.#windowStartMs = nowMs;
  }

  /** When the counts begin anew. */
  get windowEndMs(): number {
    return this.#windowStartMs + this.#limits.windowMs;
  }

  /** Counts one; true: the peer is over the limit. `ended`: streams of the connection that have ended so far. */
  add(flood: Flood, nowMs: number, ended: number): boolean {
    if (this.#counts === null || nowMs - this.#windowStartMs >= this.#limits.windowMs) {
      this.#windowStartMs = nowMs;
      this.#counts = {};
      this.#endedBefore = ended;
    }
    const count = (this.#counts[flood] ?? 0) + 1;
    this.#counts[flood] = count;
    return count > this.#limits[flood];
  }

  /** More than half of the streams that ended in this window were counted so. */
  isMost(flood: Flood, ended: number): boolean {
    return 2 * (this.#counts?.[flood] ?? 0) > ended - this.#endedBefore;
  }

  /** This side has sent HEADERS or DATA: that excuses some frames of the peer. */
  sentContent(): void {
    const counts = this.#counts;
    if (counts === null) return;
    if (counts.pings !== undefined && counts.pings > 0) counts.pings -= 1;
    if (counts.windowUpdates !== undefined) counts.windowUpdates = Math.max(0, counts.windowUpdates - updatesAFrame);
  }
}
