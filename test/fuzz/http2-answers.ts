// What origins of HTTP/2 send on a stream that was opened: answers, ends that come early or late, and nonsense.
import type { Draws } from "./draws.ts";
import { data, goAway, headers, mutatedFrames, noise, reset, type FieldTexts } from "./http2-frames.ts";

const message = Buffer.from("\0\0\0\0\x02hi", "latin1");
const heads: readonly FieldTexts[] = [
  [
    [":status", "200"],
    ["content-type", "application/grpc"],
  ],
  [
    [":status", "200"],
    ["content-type", "application/grpc"],
  ],
  [
    [":status", "200"],
    ["content-type", "application/grpc"],
  ],
  [[":status", "200"]],
  [
    [":status", "200"],
    ["content-type", "application/grpc"],
    ["content-length", "3"],
  ],
  [[":status", "503"]],
  [
    [":status", "404"],
    ["content-type", "text/plain"],
  ],
  [[":status", "101"]],
  [[":status", "99"]],
  [[":status", "x"]],
  [["x", "y"]],
  [
    [":status", "200"],
    [":path", "/"],
  ],
  [
    [":status", "200"],
    ["connection", "close"],
  ],
  [
    [":status", "200"],
    ["X", "y"],
  ],
  [
    [":status", "200"],
    ["x", "a\r\nb"],
  ],
];
const ends: readonly FieldTexts[] = [
  [["grpc-status", "0"]],
  [["grpc-status", "0"]],
  [
    ["grpc-status", "14"],
    ["grpc-message", "away"],
  ],
  [["grpc-status", "x"]],
  [],
  [[":status", "200"]],
  [["x-large", "v".repeat(15_000)]],
];

/** Frames of one stream's answer, and what else the origin has on its mind. */
export function http2Answer(draws: Draws, streamId: number): readonly Buffer[] {
  let frames: Buffer[] = [];
  if (draws.chance(0.05))
    frames.push(...headers(draws, streamId, [[":status", draws.any(["100", "103"])]], draws.chance(0.1)));
  if (draws.chance(0.15)) {
    frames.push(
      ...headers(
        draws,
        streamId,
        [
          [":status", "200"],
          ["content-type", "application/grpc"],
          ["grpc-status", draws.any(["0", "5", "14"])],
        ],
        true,
      ),
    );
  } else {
    frames.push(...headers(draws, streamId, draws.any(heads), draws.chance(0.05)));
    for (let count = draws.below(4); count > 0; count--)
      frames.push(data(draws, streamId, draws.chance(0.9) ? message : Buffer.alloc(16_384), draws.chance(0.03)));
    if (draws.chance(0.9)) frames.push(...headers(draws, streamId, draws.any(ends), draws.chance(0.97)));
  }
  // As RFC 9113 §8.1 invites after a whole answer, and at any other place.
  if (draws.chance(0.1)) frames.push(reset(draws, streamId));
  if (draws.chance(0.1)) frames.splice(draws.below(frames.length + 1), 0, reset(draws, streamId));
  if (draws.chance(0.05))
    frames.splice(draws.below(frames.length + 1), 0, goAway(draws, draws.any([0, streamId, 0x7fffffff])));
  for (let count = draws.chance(0.15) ? 1 + draws.below(3) : 0; count > 0; count--)
    frames.splice(draws.below(frames.length + 1), 0, noise(draws, draws.chance(0.7) ? streamId : draws.below(20)));
  if (draws.chance(0.2)) frames = [...mutatedFrames(draws, frames)];
  return frames;
}
