// What a frame must be whatever the state of its connection: its length, its stream, its padding (RFC 9113 §6).
import { errorCode, flag, frameType } from "./constants.ts";
import type { FrameReader } from "./frames.ts";

/** A connection error. */
export interface FrameFault {
  readonly code: number;
  readonly sentence: string;
}

function protocolFault(sentence: string): FrameFault {
  return Object.freeze({ code: errorCode.protocolError, sentence });
}

function sizeFault(sentence: string): FrameFault {
  return Object.freeze({ code: errorCode.frameSizeError, sentence });
}

const noStream = protocolFault("a frame of a stream is on stream 0");
const onStream = protocolFault("a frame of the connection is on a stream");
const wrongLength = sizeFault("a frame has the wrong length");
const longPadding = protocolFault("padding is longer than its frame");
const ownParent = protocolFault("a stream depends on itself");
// Clients do not push, and servers were told not to (RFC 9113 §8.4).
const push = protocolFault("PUSH_PROMISE");

/** null: the frame is well formed. Of HEADERS padding and priority are cut off: the reader's range is the fragment of the header block. */
export function faultOf(reader: FrameReader): FrameFault | null {
  const { type, streamId, length, flags } = reader;
  switch (type) {
    case frameType.data:
    case frameType.continuation:
      return streamId === 0 ? noStream : null;
    case frameType.headers:
      return streamId === 0 ? noStream : cutFragment(reader);
    case frameType.priority:
      if (streamId === 0) return noStream;
      if (length !== 5) return wrongLength;
      return uint31(reader.bytes, reader.start) === streamId ? ownParent : null;
    case frameType.rstStream:
      if (streamId === 0) return noStream;
      return length === 4 ? null : wrongLength;
    case frameType.settings:
      if (streamId !== 0) return onStream;
      return length % 6 !== 0 || ((flags & flag.ack) !== 0 && length > 0) ? wrongLength : null;
    case frameType.pushPromise:
      return push;
    case frameType.ping:
      if (streamId !== 0) return onStream;
      return length === 8 ? null : wrongLength;
    case frameType.goAway:
      if (streamId !== 0) return onStream;
      return length >= 8 ? null : wrongLength;
    case frameType.windowUpdate:
      return length === 4 ? null : wrongLength;
    default:
      return null;
  }
}

function cutFragment(reader: FrameReader): FrameFault | null {
  const { flags, bytes } = reader;
  if ((flags & flag.padded) !== 0) {
    if (reader.start >= reader.end) return wrongLength;
    const padding = bytes[reader.start++]!;
    if (padding > reader.end - reader.start) return longPadding;
    reader.end -= padding;
  }
  if ((flags & flag.priority) !== 0) {
    if (reader.end - reader.start < 5) return wrongLength;
    if (uint31(bytes, reader.start) === reader.streamId) return ownParent;
    reader.start += 5;
  }
  return null;
}

/** 32 bits, big endian. */
export function uint32(bytes: Buffer, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** 31 bits, without the reserved one. */
export function uint31(bytes: Buffer, at: number): number {
  return uint32(bytes, at) & 0x7fffffff;
}
