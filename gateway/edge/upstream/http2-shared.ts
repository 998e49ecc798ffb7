// What all HTTP/2 sessions to upstreams of one worker share, and the limits that hold for each of them.
import type { EdgeLimits } from "../../options/limits.ts";
import { fieldRoom } from "../fields/fields.ts";
import { ResponseHead } from "../message/response-head.ts";
import { upstreamFloodLimits } from "../frames/floods.ts";
import { BlockWriter } from "../hpack/hpack-encode.ts";
import { Http2Shared, type Http2Host } from "../http2/shared.ts";
import type { Http2Limits } from "../frames/limits.ts";

/** What one response may send ahead of its client: 4 clients with 100 streams each that do not read then hold 12.5 MiB. */
const streamWindowBytes = 32 * 1024;

/**
 * gRPC's servers take a PING every five minutes, only while there are calls, and end the connection of whoever asks more often
 * (gRPC proposal A8). Whether the peer is there at all the kernel asks more often: see `dial.ts`.
 */
const pingAfterMs = 5 * 60_000;
const pingTimeoutMs = 10_000;

function limitsOf(limits: EdgeLimits): Http2Limits {
  return {
    concurrentStreams: 100,
    streamWindowBytes,
    connectionWindowBytes: 1024 * 1024,
    // Clients that do not read share sessions with those that do.
    connectionCreditAtOnce: true,
    list: { bytes: limits.headBytes, fields: fieldRoom },
    requestLineBytes: limits.requestLineBytes,
    framesATurn: 512,
    framesAHead: 1,
    headTimeoutMs: limits.headTimeoutMs,
    settingsTimeoutMs: limits.headTimeoutMs,
    writeStallTimeoutMs: limits.writeStallTimeoutMs,
    // Age and idleness are the Upstream's, so sessions keep them themselves.
    idleTimeoutMs: Infinity,
    maxAgeMs: Infinity,
    pingAfterMs,
    pingsIdle: false,
    pingTimeoutMs,
    floods: upstreamFloodLimits,
  };
}

export class Http2UpstreamShared {
  readonly http2: Http2Shared;
  /** Filled anew for each response. */
  readonly responseHead = new ResponseHead();
  /** For blocks that are sent, or copied, at once. */
  readonly writer = new BlockWriter();

  constructor(limits: EdgeLimits, home: Http2Host) {
    this.http2 = new Http2Shared(limitsOf(limits), home);
  }
}
