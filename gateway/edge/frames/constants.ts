// Numbers of RFC 9113: frame types, flags, settings, error codes.

export const frameHeadBytes = 9;

/** The largest payload that every peer takes, and the largest that this engine takes and sends (RFC 9113 §4.2). */
export const framePayloadBytes = 16_384;

/** What a window may hold at most (RFC 9113 §6.9.1). */
export const mostWindow = 0x7fffffff;

/** Windows and the HPACK table before any SETTINGS. */
export const defaultWindow = 65_535;
export const defaultHeaderTableBytes = 4096;

export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

export const setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const;

export const errorCode = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  enhanceYourCalm: 11,
  http11Required: 13,
} as const;

/** What a client sends first (RFC 9113 §3.4). */
export const clientPreface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
