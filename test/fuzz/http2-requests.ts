// What clients of HTTP/2 send on a connection: REST, gRPC, health calls and nonsense on some streams at once.
import { http2Corpus } from "../wire/http2-corpus.ts";
import type { Draws } from "./draws.ts";
import { targets } from "./http1-requests.ts";
import {
  data,
  headers,
  interleaved,
  mutatedFrames,
  noise,
  reset,
  someSettings,
  type FieldTexts,
} from "./http2-frames.ts";
import { mutated } from "./mutation.ts";

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const grpcPaths = [
  "/seldon.protos.Seldon/Predict",
  "/seldon.protos.Seldon/Predict",
  "/inference.GRPCInferenceService/ModelInfer",
  "/tensorflow.serving.PredictionService/Predict",
  "/grpc.health.v1.Health/Check",
  "/grpc.health.v1.Health/Watch",
  "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
  "/unknown.Service/Call",
] as const;
const deployments = [
  "iris",
  "iris",
  "hostile",
  "hostile",
  "hostile",
  "retried",
  "shadowed",
  "closed",
  "guarded",
  "none",
] as const;
const someFields: FieldTexts = [
  ["expect", "100-continue"],
  ["grpc-timeout", "50m"],
  ["grpc-timeout", "x"],
  ["origin", "http://page.example"],
  ["access-control-request-method", "POST"],
  ["x-bin", "v"],
  ["cookie", "a=1"],
  ["content-length", "5"],
  ["content-length", "0"],
  ["te", "trailers"],
  ["connection", "close"],
  ["transfer-encoding", "chunked"],
  ["X-Capital", "1"],
  ["x-long", "v".repeat(5000)],
  ["priority", "u=1"],
];
const message = Buffer.from("\0\0\0\0\x02hi", "latin1");

function grpcCall(draws: Draws): FieldTexts {
  const fields: (readonly [string, string])[] = [
    [":method", draws.chance(0.97) ? "POST" : "GET"],
    [":scheme", "http"],
    [":path", draws.any(grpcPaths)],
    [":authority", "gateway"],
    ["content-type", draws.chance(0.9) ? "application/grpc" : "application/grpc-web+proto"],
    ["te", "trailers"],
  ];
  if (draws.chance(0.95)) fields.push(["seldon", draws.any(deployments)]);
  if (draws.chance(0.9)) fields.push(["namespace", "prod"]);
  return fields;
}

function restCall(draws: Draws): FieldTexts {
  return [
    [":method", draws.any(["GET", "POST", "POST", "OPTIONS", "HEAD", "CONNECT"])],
    [":scheme", "http"],
    [":path", draws.any(targets)],
    [":authority", "gateway"],
  ];
}

function streamOf(draws: Draws, streamId: number): Buffer[] {
  if (draws.chance(0.15)) {
    const { fields, body, trailers } = draws.any(http2Corpus);
    const frames = headers(draws, streamId, fields, body.length === 0 && trailers === null);
    for (const [index, piece] of body.entries())
      frames.push(data(draws, streamId, Buffer.from(piece, "latin1"), trailers === null && index === body.length - 1));
    if (trailers !== null) frames.push(...headers(draws, streamId, trailers, true));
    return frames;
  }
  const grpc = draws.chance(0.6);
  const fields = [...(grpc ? grpcCall(draws) : restCall(draws))];
  for (let count = draws.below(2); count > 0; count--) fields.push(draws.any(someFields));
  const bodyless = draws.chance(grpc ? 0.05 : 0.4);
  const frames = headers(draws, streamId, fields, bodyless);
  if (!bodyless) {
    const trailing = draws.chance(0.1);
    const count = 1 + draws.below(4);
    // Some never end their half.
    const ends = draws.chance(0.9);
    for (let i = 1; i <= count; i++)
      frames.push(
        data(
          draws,
          streamId,
          grpc ? message : Buffer.alloc(draws.any([0, 5, 1000, 16_384]), "b"),
          ends && !trailing && i === count,
        ),
      );
    if (trailing) frames.push(...headers(draws, streamId, [["x-sum", "5"]], ends));
  }
  if (draws.chance(0.15)) frames.splice(draws.below(frames.length) + 1, 0, reset(draws, streamId));
  return frames;
}

/** A connection's bytes, frame by frame, from the preface. */
export function http2Requests(draws: Draws): readonly Buffer[] {
  const count = draws.chance(0.6) ? 1 + draws.below(3) : 1 + draws.below(24);
  const streams = Array.from({ length: count }, (_, index) => streamOf(draws, 2 * index + 1));
  let frames: readonly Buffer[] = interleaved(draws, streams);
  if (draws.chance(0.3)) {
    const noisy = [...frames];
    for (let more = 1 + draws.below(6); more > 0; more--)
      noisy.splice(draws.below(noisy.length + 1), 0, noise(draws, 2 * draws.below(count + 1) + 1));
    frames = noisy;
  }
  if (draws.chance(0.35)) frames = mutatedFrames(draws, frames);
  const opening = Buffer.from(draws.chance(0.98) ? preface : mutated(draws, preface), "latin1");
  return [opening, ...(draws.chance(0.98) ? [someSettings(draws)] : []), ...frames];
}
