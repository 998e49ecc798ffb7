// What a hostile client of HTTP/2 does, one function a flood.
import { errorCode, flag, frameType, setting } from "../../../../gateway/edge/frames/constants.ts";
import type { Flood } from "../../../../gateway/edge/frames/floods.ts";
import { blockOf } from "./peers.ts";
import { frame, frames, requestBlock, type RawPeer } from "./raw-peer.ts";

/** How to send `count` of a kind. The peer has sent its preface and SETTINGS; tinyPieces needs an answer with a body of 100 bytes or more. */
export const attacks: Readonly<Record<Flood, (peer: RawPeer, count: number) => void | Promise<void>>> = {
  resets: (peer, count) => {
    for (let i = 0; i < count; i++)
      peer.send(frames.request(2 * i + 1, false), frames.reset(2 * i + 1, errorCode.cancel));
  },
  lateResets: (peer, count) => {
    peer.send(
      frames.request(1, false),
      frames.reset(1, errorCode.cancel),
      ...Array.from({ length: count }, () => frames.reset(1, errorCode.cancel)),
    );
  },
  forcedResets: (peer, count) => {
    // MadeYouReset: a request is served, and then this side is made to reset it.
    for (let i = 0; i < count; i++) peer.send(frames.request(2 * i + 1, false), frames.windowUpdate(2 * i + 1, 0));
  },
  continuations: (peer, count) => {
    peer.send(frames.headers(1, requestBlock(), flag.endStream));
    for (let i = 0; i < count; i++)
      peer.send(frames.continuation(1, blockOf([[`x-${i}`, "v"]]), i === count - 1 ? flag.endHeaders : 0));
  },
  pings: (peer, count) => peer.send(...Array.from({ length: count }, () => frames.ping())),
  settings: (peer, count) =>
    peer.send(...Array.from({ length: count - 1 }, () => frames.settings([setting.maxFrameSize, 16_384]))),
  priorities: (peer, count) => peer.send(...Array.from({ length: count }, (_, i) => frames.priority(2 * i + 1))),
  emptyData: (peer, count) =>
    peer.send(frames.request(1, false), ...Array.from({ length: count }, () => frames.data(1, ""))),
  windowUpdates: (peer, count) => peer.send(...Array.from({ length: count }, () => frames.windowUpdate(0, 1))),
  tinyPieces: async (peer, count) => {
    peer.send(frames.settings([setting.initialWindowSize, 0]), frames.request(1, true));
    await peer.wait(frameType.headers);
    for (let i = 0; i < count; i++) peer.send(frames.windowUpdate(1, 1));
  },
  ignored: (peer, count) =>
    peer.send(...Array.from({ length: count }, () => frame(0xbe, 0xff, 0, Buffer.alloc(7, "u")))),
  largeLists: (peer, count) => {
    // One large entry, referred to again and again.
    const bomb = blockOf([["bomb", "b".repeat(3000)]]);
    bomb[0] = 0x40;
    const references = Buffer.alloc(200, 0xbe);
    for (let i = 0; i < count; i++)
      peer.send(
        frames.headers(2 * i + 1, Buffer.concat([requestBlock(), bomb, references]), flag.endHeaders | flag.endStream),
      );
  },
};
