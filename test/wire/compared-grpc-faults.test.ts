// A compared shadow of gRPC that fails in any way: the client gets the primary's answer, the pair says what came, and no byte stays held.
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { Comparison, type PairVerdict } from "../../routing/release/compare/comparison.ts";
import { plainRules } from "../../routing/release/compare/rules.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { is, named, prefix } from "../routing/build.ts";
import { eventually } from "../turns.ts";
import { endpointsOn, Gateway, irisTo } from "./gateway.ts";
import { GrpcClient, GrpcOrigin, metadataOf, paths } from "./grpc-peer.ts";

function framed(message: Buffer): Buffer {
  const frame = Buffer.alloc(5 + message.length);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, 5);
  return frame;
}

/** `strData: "shadow"` of a SeldonMessage. */
const said = framed(Buffer.concat([Buffer.from([0x2a, 6]), Buffer.from("shadow")]));

function answer(stream: ServerHttp2Stream, bytes: Buffer, trailers: Readonly<Record<string, string>>): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers(trailers));
  stream.end(bytes);
}

const well = { "grpc-status": "0" };
const faults: readonly (readonly [
  name: string,
  behave: (stream: ServerHttp2Stream) => void,
  kind: PairVerdict["kind"] | "too large",
  reason: string,
])[] = [
  ["answers", (stream) => answer(stream, said, well), "disagreed", "shadow"],
  ["resets the stream", (stream) => stream.close(2), "incomparable", "the shadow gave no answer"],
  ["closes the connection", (stream) => stream.session!.destroy(), "incomparable", "the shadow gave no answer"],
  ["never answers", () => undefined, "incomparable", "the shadow gave no answer"],
  [
    "answers with an error and no message",
    (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "13" }, { endStream: true });
    },
    "disagreed",
    "gRPC status 13",
  ],
  ["says no status", (stream) => answer(stream, said, { "x-none": "1" }), "disagreed", "gRPC status -1"],
  [
    "ends a message early",
    (stream) => answer(stream, said.subarray(0, -3), well),
    "disagreed",
    "an answer that is a message that ends early",
  ],
  [
    "answers with two messages",
    (stream) => answer(stream, Buffer.concat([said, said]), well),
    "disagreed",
    "an answer that has several messages",
  ],
  [
    "answers with garbage in a frame",
    (stream) => answer(stream, framed(Buffer.from([0x2a, 0xff, 0xff, 0xff, 0xff, 0x0f])), well),
    "disagreed",
    "an answer that is not the protobuf message of its method",
  ],
  [
    "resets in the middle of a message",
    (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.write(said.subarray(0, -3), () => stream.close(8));
    },
    "incomparable",
    "the shadow gave no answer",
  ],
  [
    "answers with 5 MB",
    (stream) => {
      stream.on("error", () => undefined);
      answer(stream, framed(Buffer.alloc(5_000_000)), well);
    },
    "too large",
    "",
  ],
];

test.each(faults)("one that %s", async (_name, behave, kind, reason) => {
  const origin = await new GrpcOrigin("primary").listen();
  const server: Http2Server = createServer();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.on("error", () => undefined);
    stream.resume();
    stream.on("end", () => behave(stream));
  });
  server.on("sessionError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const gateway = await new Gateway({ time: "real", limits: { shadowTimeoutMs: 2000 } }).listen();
  const client = new GrpcClient(gateway.port);
  onTestFinished(() => {
    client.close();
    gateway.close();
    origin.close();
    server.close();
  });
  const mapping = irisTo("iris", { rewrite: { kind: "none" } });
  if (mapping.target.kind !== "forward") throw new Error("no forward");
  const live: Mapping = {
    ...mapping,
    match: {
      ...mapping.match,
      path: prefix("/"),
      headers: [named("seldon", is("iris")), named("namespace", is("prod"))],
    },
    series: { ...mapping.series, protocol: "grpc" },
  };
  const shadow: Mapping = {
    ...live,
    id: "shadow",
    role: { kind: "shadow", percent: 100 },
    target: { ...mapping.target, upstream: "copy", compare: "true" },
    series: { ...live.series, predictor: "next", role: "shadow" },
  };
  const http2 = (key: string): ReturnType<typeof upstreamOf> => ({ ...upstreamOf(key), protocol: "http2" });
  gateway.serve(
    [live, shadow],
    [http2("iris"), http2("copy")],
    [endpointsOn("iris", [origin.port]), endpointsOn("copy", [(server.address() as AddressInfo).port])],
  );
  const message = Buffer.concat([Buffer.from([0x2a, 7]), Buffer.from("primary")]);
  const reply = await client.unary(paths.predict, metadataOf({ seldon: "iris", namespace: "prod" }), message);
  expect(reply.messages[0]).toEqual(message);
  if (kind === "too large") {
    await eventually(() => gateway.counted("comparisonDrops", "too_large") === 1, "the pair left out");
    expect([gateway.pairs.length, gateway.counted("comparedBytes")]).toEqual([0, 0]);
    return;
  }
  await eventually(() => gateway.pairs.length === 1, "the pair handed over");
  expect(gateway.counted("comparedBytes")).toBe(0);
  const verdict = new Comparison(plainRules).add(gateway.pairs[0]!);
  expect(verdict.kind).toBe(kind);
  if (verdict.kind === "disagreed") expect(verdict.differences[0]!.shadow).toBe(reason);
  if (verdict.kind === "incomparable") expect(verdict.reason).toBe(reason);
});
