// HTTP/2 frames and header blocks to send, whole and made beforehand: for clients, origins and attackers that must not cost more than what they test.
import { flag, frameType, setting } from "../../../gateway/edge/frames/constants.ts";

export function frame(type: number, flags: number, streamId: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(9 + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  bytes.set(payload, 9);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function settings(pairs: readonly (readonly [id: number, value: number])[]): Buffer {
  return frame(
    frameType.settings,
    0,
    0,
    Buffer.concat(pairs.map(([id, value]) => Buffer.concat([Buffer.from([id >> 8, id & 255]), uint32(value)]))),
  );
}

export const settingsAck = frame(frameType.settings, flag.ack, 0, Buffer.alloc(0));

export function windowUpdate(streamId: number, bytes: number): Buffer {
  return frame(frameType.windowUpdate, 0, streamId, uint32(bytes));
}

function length(text: string): Buffer {
  const bytes = Buffer.byteLength(text, "latin1");
  // A number with a prefix of seven bits (RFC 7541 §5.1), no Huffman code.
  return bytes < 127
    ? Buffer.from([bytes])
    : Buffer.from([
        127,
        ((bytes - 127) & 127) | (bytes - 127 > 127 ? 128 : 0),
        ...(bytes - 127 > 127 ? [(bytes - 127) >> 7] : []),
      ]);
}

/** A header block of literals that are not indexed: it fits every connection. Values shorter than 16 kB. */
export function block(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [
      Buffer.from([0]),
      length(name),
      Buffer.from(name, "latin1"),
      length(value),
      Buffer.from(value, "latin1"),
    ]),
  );
}

/** What this side lets the peer send at once: no message here is larger. */
export const streamWindowBytes = 1 << 20;
export const connectionWindowBytes = 0x7fffffff;

/** Settings of a client or origin here: no dynamic table, so that what comes is the same for the same headers and can be remembered. */
export const ownSettings = settings([
  [setting.headerTableSize, 0],
  [setting.initialWindowSize, streamWindowBytes],
  [setting.maxConcurrentStreams, 100_000],
]);

/** A gRPC message: flag, length, bytes. */
export function message(bytes: number, fill: string): Buffer {
  const whole = Buffer.alloc(5 + bytes, fill);
  whole[0] = 0;
  whole.writeUInt32BE(bytes, 1);
  return whole;
}
