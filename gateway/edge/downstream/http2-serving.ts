// Serving: what the HTTP/2 clients of one worker share.
import type { EdgeLimits } from "../../options/limits.ts";
import { WireRequestHead } from "../message/request-head.ts";
import { defaultFloodLimits } from "../frames/floods.ts";
import { BlockWriter } from "../hpack/hpack-encode.ts";
import { Http2Shared, type Http2Host } from "../http2/shared.ts";
import type { Http2Limits } from "../frames/limits.ts";

/** Frames of one connection in a turn: 20 requests, or 17 with a message each, which take about half a millisecond. */
const framesATurn = 160;
const framesAHead = 8;
/** A peer acknowledges SETTINGS as soon as it reads them. */
const settingsTimeoutMs = 10_000;

/** Whose header block is put together and not sent yet. */
export interface BlockHolder {
  sendHead(): void;
}

export class Http2Serving {
  readonly shared: Http2Shared;
  /** Filled anew for each request: callbacks do not nest. */
  readonly head = new WireRequestHead();
  readonly #writer = new BlockWriter();
  #holder: BlockHolder | null = null;

  constructor(home: Http2Host, limits: EdgeLimits, idleMs: () => number) {
    this.shared = new Http2Shared(servingLimits(limits, idleMs), home);
  }

  /** The writer of all header blocks. What stands in it for another holder leaves first. */
  takeWriter(): BlockWriter {
    this.#holder?.sendHead();
    return this.#writer;
  }

  /** What was put together is sent when `holder` says, or when another block is needed: so that the end of an answer can go with its head. */
  hold(holder: BlockHolder): void {
    this.#holder = holder;
  }

  letGo(): BlockWriter {
    this.#holder = null;
    return this.#writer;
  }
}

/** What clients may do: Envoy's advice for an edge, and the limits that hold for HTTP/1.1 too. */
function servingLimits(limits: EdgeLimits, idleMs: () => number): Http2Limits {
  return {
    concurrentStreams: limits.http2Streams,
    streamWindowBytes: limits.http2StreamWindowBytes,
    connectionWindowBytes: limits.http2ConnectionWindowBytes,
    connectionCreditAtOnce: false,
    list: { bytes: limits.headBytes, fields: limits.headFields },
    requestLineBytes: limits.requestLineBytes,
    framesATurn,
    framesAHead,
    headTimeoutMs: limits.headTimeoutMs,
    settingsTimeoutMs,
    writeStallTimeoutMs: limits.writeStallTimeoutMs,
    get idleTimeoutMs() {
      return idleMs();
    },
    maxAgeMs: limits.connectionMaxAgeMs === 0 ? Infinity : limits.connectionMaxAgeMs,
    // An idle client is closed by its age, one with streams by the limits of these.
    pingAfterMs: Infinity,
    pingsIdle: true,
    pingTimeoutMs: Infinity,
    floods: defaultFloodLimits,
  };
}
