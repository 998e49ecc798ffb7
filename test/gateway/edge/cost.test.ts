// What comes in pieces of one byte, to readers of the edge but those of HTTP/1.1 and TLS: time in proportion to its length.
import { expect, test } from "vitest";
import { mostBinaryBytes, readProxyHeader } from "../../../gateway/edge/downstream/proxy-header.ts";
import { found, FrameReader } from "../../../gateway/edge/frames/frames.ts";
import { HeaderList } from "../../../gateway/edge/hpack/header-list.ts";
import { HpackDecoder } from "../../../gateway/edge/hpack/hpack-decode.ts";
import { LongBlock } from "../../../gateway/edge/hpack/long-block.ts";
import { Base64Decoder } from "../../../gateway/edge/fields/base64.ts";
import { PartialRead } from "../../../gateway/edge/io/partial-read.ts";
import { holdsLinear } from "../../cpu-time.ts";
import { binaryHeader, field, ipv4Block } from "../../wire/balancer.ts";
import { frame } from "./http2/raw-peer.ts";

const bytesOf = (whole: Buffer): readonly Buffer[] => Array.from(whole, (byte) => Buffer.of(byte));

test("headers of the PROXY protocol", async () => {
  const header = (size: number): readonly Buffer[] =>
    bytesOf(
      binaryHeader(
        0x21,
        0x11,
        ipv4Block([192, 0, 2, 7], Buffer.concat(Array.from({ length: size / 8 }, () => field(4, Buffer.alloc(5))))),
      ),
    );
  expect(header(4056)).toHaveLength(mostBinaryBytes - 12);
  await holdsLinear(504, header, (pieces) => {
    const partial = new PartialRead();
    let kind = "";
    for (const piece of pieces) {
      partial.append(piece, 0, 1);
      ({ kind } = readProxyHeader(partial.bytes, partial.start, partial.end));
    }
    expect(kind).toBe("read");
  });
});

test.each([
  ["HEADERS", 1],
  ["DATA", 0],
])("a frame of %s", async (_what, type) => {
  await holdsLinear(
    2000,
    (size) => bytesOf(frame(type, 4, 1, Buffer.alloc(size))),
    (pieces) => {
      const reader = new FrameReader();
      let last = false;
      for (const piece of pieces) {
        reader.feed(piece, 0, 1);
        while (reader.next() === found.frame) ({ last } = reader);
      }
      expect(last).toBe(true);
    },
  );
});

test("a header block that is too long to be kept", async () => {
  const literal = (size: number): Buffer =>
    Buffer.concat([
      Buffer.from([0x40, 1, 0x78, 0x7f, ((size - 127) & 0x7f) | 0x80, (size - 127) >> 7]),
      Buffer.alloc(size, "v"),
    ]);
  await holdsLinear(
    2000,
    (size) => bytesOf(literal(size)),
    (pieces) => {
      const block = new LongBlock(new HpackDecoder(4096), new HeaderList({ bytes: 60 * 1024, fields: 100 }));
      for (const piece of pieces) expect(block.add(piece)).toBe(true);
      expect(block.complete).toBe(true);
    },
  );
});

test("base64 of gRPC-Web", async () => {
  await holdsLinear(
    4000,
    (size) => bytesOf(Buffer.from(Buffer.alloc((size * 3) / 4).toString("base64"))),
    (pieces) => {
      const decoder = new Base64Decoder();
      for (const piece of pieces) expect(decoder.decode(piece, 0, 1)).not.toBeNull();
      expect(decoder.complete).toBe(true);
    },
  );
});
