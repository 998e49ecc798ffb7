// Frames of HTTP/2 by structure, and their mutation, for both sides.
import { block, frame, settings, uint32 } from "../../load/peers/h2/frames.ts";
import type { Draws } from "./draws.ts";

export type FieldTexts = readonly (readonly [name: string, value: string])[];

export const types = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const flags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;
const codes = [0, 1, 2, 3, 5, 7, 8, 11, 13, 0xffffffff] as const;

/** A number with a prefix of seven bits (RFC 7541 §5.1). */
function textOf(text: string): Buffer {
  const length = Math.min(text.length, 126);
  return Buffer.concat([Buffer.from([length]), Buffer.from(text.slice(0, length), "latin1")]);
}

/** A header block: literals, some of them into the dynamic table, updates of its size, indexes; rarely no block at all. */
export function blockOf(draws: Draws, fields: FieldTexts): Buffer {
  if (draws.chance(0.03)) return Buffer.from(Array.from({ length: draws.below(60) }, () => draws.below(256)));
  const short = fields.filter(([name, value]) => name.length < 127 && value.length < 16_000);
  if (draws.chance(0.7)) return block(short);
  const update = draws.chance(0.2)
    ? [Buffer.from(draws.any([[0x20], [0x3f, 0xe1, 0x1f], [0x3f, 0xff, 0xff, 0xff, 0x0f]]))]
    : [];
  const lines = short.flatMap(([name, value]) =>
    draws.chance(0.03)
      ? [Buffer.from([0x80 | draws.below(128)])]
      : [Buffer.from([draws.any([0x40, 0x40, 0x10, 0])]), textOf(name), textOf(value)],
  );
  return Buffer.concat([...update, ...lines]);
}

/** HEADERS, and CONTINUATION where it is cut. */
export function headers(draws: Draws, streamId: number, fields: FieldTexts, ends: boolean): Buffer[] {
  const whole = blockOf(draws, fields);
  const end = ends ? flags.endStream : 0;
  if (draws.chance(0.05))
    return [
      frame(
        types.headers,
        end | flags.endHeaders | flags.priority,
        streamId,
        Buffer.concat([uint32(draws.chance(0.1) ? streamId : 0), Buffer.from([15]), whole]),
      ),
    ];
  if (draws.chance(0.05)) {
    const pad = draws.below(20);
    return [
      frame(
        types.headers,
        end | flags.endHeaders | flags.padded,
        streamId,
        Buffer.concat([Buffer.from([draws.chance(0.1) ? 255 : pad]), whole, Buffer.alloc(pad)]),
      ),
    ];
  }
  if (draws.chance(0.9)) return [frame(types.headers, end | flags.endHeaders, streamId, whole)];
  const cut = draws.below(whole.length + 1);
  const second = cut + draws.below(whole.length - cut + 1);
  return [
    frame(types.headers, end, streamId, whole.subarray(0, cut)),
    frame(types.continuation, 0, streamId, whole.subarray(cut, second)),
    frame(types.continuation, flags.endHeaders, streamId, whole.subarray(second)),
  ];
}

export function data(draws: Draws, streamId: number, payload: Buffer, ends: boolean): Buffer {
  const end = ends ? flags.endStream : 0;
  if (draws.chance(0.9)) return frame(types.data, end, streamId, payload);
  const pad = draws.below(200);
  return frame(
    types.data,
    end | flags.padded,
    streamId,
    Buffer.concat([Buffer.from([draws.chance(0.1) ? 255 : pad]), payload, Buffer.alloc(pad)]),
  );
}

export function reset(draws: Draws, streamId: number): Buffer {
  return frame(types.reset, 0, streamId, uint32(draws.any(codes)));
}

export function goAway(draws: Draws, lastId: number): Buffer {
  return frame(
    types.goAway,
    0,
    0,
    Buffer.concat([uint32(lastId), uint32(draws.any(codes)), Buffer.alloc(draws.below(50))]),
  );
}

/** SETTINGS with a few values, legal and not. */
export function someSettings(draws: Draws): Buffer {
  const pairs = Array.from(
    { length: draws.below(4) },
    () =>
      [
        draws.any([1, 2, 3, 4, 4, 5, 6, 8, 9, 0xff]),
        draws.any([0, 0, 1, 1, 100, 1000, 16_384, 65_535, 1 << 20, 0x7fffffff, 0xffffffff]),
      ] as const,
  );
  return draws.chance(0.6)
    ? settings([
        [3, 100],
        [4, 1 << 20],
      ])
    : settings(pairs);
}

/** A frame that nobody waits for. */
export function noise(draws: Draws, streamId: number): Buffer {
  switch (draws.below(10)) {
    case 0:
      return frame(
        types.ping,
        draws.chance(0.7) ? 0 : flags.ack,
        0,
        Buffer.alloc(draws.chance(0.9) ? 8 : draws.below(12)),
      );
    case 1:
      return frame(types.settings, flags.ack, 0, Buffer.alloc(0));
    case 2:
      return someSettings(draws);
    case 3:
      return frame(
        types.windowUpdate,
        0,
        draws.chance(0.5) ? 0 : streamId,
        uint32(draws.any([0, 1, 1000, 65_535, 0x7fffffff])),
      );
    case 4:
      return frame(types.priority, 0, streamId, Buffer.alloc(5));
    case 5:
      return reset(draws, draws.chance(0.7) ? streamId : draws.below(20));
    case 6:
      return goAway(draws, draws.below(10));
    case 7:
      return frame(
        draws.below(256),
        draws.below(256),
        draws.chance(0.5) ? 0 : streamId,
        Buffer.alloc(draws.below(100)),
      );
    case 8:
      return data(draws, streamId, Buffer.alloc(draws.below(20)), draws.chance(0.3));
    default:
      return draws.chance(0.5)
        ? frame(types.continuation, flags.endHeaders, streamId, Buffer.alloc(0))
        : frame(types.pushPromise, flags.endHeaders, streamId, Buffer.concat([uint32(2), block([[":path", "/"]])]));
  }
}

/** One to three frames changed: length, type, flags, stream, a byte, gone, doubled, moved. */
export function mutatedFrames(draws: Draws, frames: readonly Buffer[]): readonly Buffer[] {
  const list = [...frames];
  for (let count = 1 + draws.below(3); count > 0 && list.length > 0; count--) {
    const at = draws.below(list.length);
    const one = Buffer.from(list[at]!);
    if (one.length >= 9) {
      switch (draws.below(9)) {
        case 0:
          one.writeUIntBE(draws.any([0, 1, 5, 16_384, 16_385, 0xffffff, one.length]), 0, 3);
          break;
        case 1:
          one[3] = draws.below(12);
          break;
        case 2:
          one[4] = draws.below(256);
          break;
        case 3:
          one.writeUInt32BE(draws.any([0, 1, 2, 3, 5, 0x7fffffff, 0x80000001]), 5);
          break;
        case 4:
        case 5:
          one[draws.below(one.length)] = draws.below(256);
          break;
        default:
      }
    }
    const how = draws.random();
    if (how < 0.1) list.splice(at, 1);
    else if (how < 0.2) list.splice(at, 1, one, one);
    else if (how < 0.3) {
      list.splice(at, 1);
      list.splice(draws.below(list.length + 1), 0, one);
    } else list[at] = one;
  }
  return list;
}

/** The lists in one, each in its own order. */
export function interleaved(draws: Draws, lists: readonly (readonly Buffer[])[]): Buffer[] {
  const left = lists.map((list) => [...list]).filter((list) => list.length > 0);
  const merged: Buffer[] = [];
  // Mostly some frames of one after the other, as peers write them.
  for (let at = 0; left.length > 0; at = draws.chance(0.5) ? at : draws.below(left.length)) {
    at %= left.length;
    const list = left[at]!;
    merged.push(list.shift()!);
    if (list.length === 0) left.splice(at, 1);
  }
  return merged;
}
