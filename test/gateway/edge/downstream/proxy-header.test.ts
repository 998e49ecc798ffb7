import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mostBinaryBytes, mostLineBytes, readProxyHeader } from "../../../../gateway/edge/downstream/proxy-header.ts";
import { binaryHeader, field, ipv4Block, ipv6Block, lineHeader } from "../../../wire/balancer.ts";

const address = [192, 0, 2, 7];

/** The client, or what is wrong. */
function clientIn(header: Buffer): string | null {
  const read = readProxyHeader(header, 0, header.length);
  return read.kind === "read" ? read.client : read.kind === "wrong" ? `wrong: ${read.reason}` : "more";
}

const noStart = "wrong: it does not begin with one";

/** A field with the right checksum of the header that it ends. */
function summed(header: (checksum: Buffer<ArrayBuffer>) => Buffer): Buffer {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32c(header(field(3, Buffer.alloc(4)))));
  return header(field(3, sum));
}

/** By its polynomial, most significant bit first: another way than the one under test. */
function crc32c(bytes: Buffer): number {
  const mirrored = (value: number, bits: number): number =>
    Number.parseInt(value.toString(2).padStart(bits, "0").split("").toReversed().join(""), 2);
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc = (crc ^ (mirrored(byte, 8) << 24)) >>> 0;
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x80000000) === 0 ? crc << 1 : (crc << 1) ^ 0x1edc6f41) >>> 0;
  }
  return (mirrored(crc, 32) ^ 0xffffffff) >>> 0;
}

test("the checksum of the test is the one of RFC 3720", () => {
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
});

const good: readonly (readonly [string, Buffer, string | null])[] = [
  ["TCP4", lineHeader("TCP4 192.0.2.7 192.0.2.1 56324 443"), "192.0.2.7"],
  ["TCP4, ports 0 and 65535", lineHeader("TCP4 192.0.2.7 192.0.2.1 0 65535"), "192.0.2.7"],
  ["TCP6", lineHeader("TCP6 2001:DB8::7 ::1 56324 443"), "2001:db8::7"],
  ["TCP6 that maps IPv4", lineHeader("TCP6 ::ffff:192.0.2.7 ::ffff:192.0.2.1 56324 443"), "192.0.2.7"],
  [
    "the longest TCP6",
    lineHeader(
      "TCP6 ffff:f...f:ffff ffff:f...f:ffff 65535 65535".replaceAll(
        "ffff:f...f:ffff",
        Array.from({ length: 8 }, () => "ffff").join(":"),
      ),
    ),
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
  ],
  ["UNKNOWN", lineHeader("UNKNOWN"), "unknown"],
  ["UNKNOWN with anything behind it", lineHeader("UNKNOWN 10.0.0.1 \0 x\ry TCP4"), "unknown"],
  ["binary IPv4", binaryHeader(0x21, 0x11, ipv4Block(address)), "192.0.2.7"],
  ["binary IPv6", binaryHeader(0x21, 0x21, ipv6Block("20010db8000000000000000000000007")), "2001:db8::7"],
  ["binary IPv6 that maps IPv4", binaryHeader(0x21, 0x21, ipv6Block("00000000000000000000ffffc0000207")), "192.0.2.7"],
  ["a UNIX socket", binaryHeader(0x21, 0x31, Buffer.alloc(216, "a")), "unknown"],
  ["no family", binaryHeader(0x21, 0x00, Buffer.alloc(0)), "unknown"],
  ["no family, with what is not to be read", binaryHeader(0x21, 0x00, Buffer.alloc(7, 0xff)), "unknown"],
  ["LOCAL", binaryHeader(0x20, 0x00, Buffer.alloc(0)), null],
  ["LOCAL with addresses, which are not to be read", binaryHeader(0x20, 0x11, ipv4Block(address)), null],
  ["LOCAL with a family that is none", binaryHeader(0x20, 0xff, Buffer.alloc(3)), null],
  [
    "fields",
    binaryHeader(
      0x21,
      0x11,
      ipv4Block(
        address,
        Buffer.concat([field(1, Buffer.from("h2")), field(4, Buffer.alloc(100)), field(0xea, Buffer.alloc(0))]),
      ),
    ),
    "192.0.2.7",
  ],
  [
    "a checksum",
    summed((sum) =>
      binaryHeader(
        0x21,
        0x11,
        ipv4Block(address, Buffer.concat([field(2, Buffer.from("a")), sum, field(4, Buffer.alloc(2))])),
      ),
    ),
    "192.0.2.7",
  ],
  [
    "a checksum over IPv6",
    summed((sum) => binaryHeader(0x21, 0x21, ipv6Block("20010db8000000000000000000000007", sum))),
    "2001:db8::7",
  ],
];

describe.each(good)("%s", (_name, header, client) => {
  test("is read, to its last byte", () => {
    expect(readProxyHeader(header, 0, header.length)).toEqual({ kind: "read", length: header.length, client });
  });

  test("is awaited wherever it is cut", () => {
    for (let end = 0; end < header.length; end++)
      expect(readProxyHeader(header, 0, end), String(end)).toEqual({ kind: "more" });
  });

  test("ends where it ends, wherever it stands and whatever follows", () => {
    for (const rest of ["GET / HTTP/1.1\r\n", "\r\n", "\x16\x03\x01", "PROXY UNKNOWN\r\n"]) {
      const bytes = Buffer.concat([Buffer.from("before"), header, Buffer.from(rest, "latin1")]);
      expect(readProxyHeader(bytes, 6, bytes.length)).toEqual({ kind: "read", length: header.length, client });
    }
  });
});

test.each([
  ["a request", Buffer.from("G"), noStart],
  ["TLS", Buffer.from("\x16\x03\x01", "latin1"), noStart],
  ["HTTP/2", Buffer.from("PRI"), noStart],
  [
    "a request of the method PROXY",
    Buffer.from("PROXY /x HTTP/1.1\r\n"),
    "wrong: its protocol is none of TCP4, TCP6 and UNKNOWN",
  ],
  ["small letters", Buffer.from("Proxy"), noStart],
  ["half a signature", Buffer.from("\r\n\r\n\0\r\nQUIX"), noStart],
  ["no protocol", lineHeader(""), "wrong: its protocol is none of TCP4, TCP6 and UNKNOWN"],
  ["UDP4", lineHeader("UDP4 192.0.2.7 192.0.2.1 1 2"), "wrong: its protocol is none of TCP4, TCP6 and UNKNOWN"],
  ["UNKNOWNS", lineHeader("UNKNOWNS"), "wrong: its protocol is none of TCP4, TCP6 and UNKNOWN"],
  [
    "a lie about the family, IPv6 as IPv4",
    lineHeader("TCP4 2001:db8::7 192.0.2.1 1 2"),
    "wrong: an address is not of TCP4",
  ],
  ["a lie about the family, IPv4 as IPv6", lineHeader("TCP6 192.0.2.7 ::1 1 2"), "wrong: an address is not of TCP6"],
  ["a lie about the other side", lineHeader("TCP4 192.0.2.7 ::1 1 2"), "wrong: an address is not of TCP4"],
  ["an address in octal", lineHeader("TCP4 192.0.2.07 192.0.2.1 1 2"), "wrong: an address is not of TCP4"],
  ["a name", lineHeader("TCP4 localhost 192.0.2.1 1 2"), "wrong: an address is not of TCP4"],
  ["a zone", lineHeader("TCP6 fe80::1%eth0 ::1 1 2"), "wrong: an address is not of TCP6"],
  ["two spaces", lineHeader("TCP4 192.0.2.7  192.0.2.1 1 2"), "wrong: it has not two addresses and two ports"],
  ["a space at the end", lineHeader("TCP4 192.0.2.7 192.0.2.1 1 2 "), "wrong: it has not two addresses and two ports"],
  ["one port", lineHeader("TCP4 192.0.2.7 192.0.2.1 1"), "wrong: it has not two addresses and two ports"],
  ["a port of 65536", lineHeader("TCP4 192.0.2.7 192.0.2.1 65536 2"), "wrong: a port is no number from 0 to 65535"],
  ["a port of 01", lineHeader("TCP4 192.0.2.7 192.0.2.1 1 01"), "wrong: a port is no number from 0 to 65535"],
  ["a port below 0", lineHeader("TCP4 192.0.2.7 192.0.2.1 -1 2"), "wrong: a port is no number from 0 to 65535"],
  ["LF alone", Buffer.from("PROXY TCP4 192.0.2.7 192.0.2.1 1 2\n"), "more"],
  [
    "version 1 in binary",
    binaryHeader(0x11, 0x11, ipv4Block(address)),
    "wrong: its version is not 2, or its command neither LOCAL nor PROXY",
  ],
  [
    "a third command",
    binaryHeader(0x22, 0x11, ipv4Block(address)),
    "wrong: its version is not 2, or its command neither LOCAL nor PROXY",
  ],
  [
    "datagrams",
    binaryHeader(0x21, 0x12, ipv4Block(address)),
    "wrong: its family is no stream of IPv4, IPv6 or a UNIX socket",
  ],
  [
    "a fourth family",
    binaryHeader(0x21, 0x41, ipv4Block(address)),
    "wrong: its family is no stream of IPv4, IPv6 or a UNIX socket",
  ],
  [
    "a family without a protocol",
    binaryHeader(0x21, 0x10, ipv4Block(address)),
    "wrong: its family is no stream of IPv4, IPv6 or a UNIX socket",
  ],
  [
    "IPv4 in 11 bytes",
    binaryHeader(0x21, 0x11, ipv4Block(address), 11),
    "wrong: its length has no room for the addresses of its family",
  ],
  [
    "IPv6 in the bytes of IPv4",
    binaryHeader(0x21, 0x21, ipv4Block(address)),
    "wrong: its length has no room for the addresses of its family",
  ],
  [
    "a UNIX socket in 215 bytes",
    binaryHeader(0x21, 0x31, Buffer.alloc(215)),
    "wrong: its length has no room for the addresses of its family",
  ],
  [
    "a byte behind the addresses",
    binaryHeader(0x21, 0x11, ipv4Block(address, Buffer.from([4]))),
    "wrong: a field ends beyond it",
  ],
  [
    "a field that is longer than what is left",
    binaryHeader(0x21, 0x11, ipv4Block(address, field(4, Buffer.alloc(3), 4))),
    "wrong: a field ends beyond it",
  ],
  [
    "a checksum of something else",
    binaryHeader(0x21, 0x11, ipv4Block(address, field(3, Buffer.alloc(4)))),
    "wrong: its checksum is of something else",
  ],
  [
    "a checksum of 3 bytes",
    binaryHeader(0x21, 0x11, ipv4Block(address, field(3, Buffer.alloc(3)))),
    "wrong: its checksum is not one of 4 bytes",
  ],
  [
    "two checksums",
    summed((sum) => binaryHeader(0x21, 0x11, ipv4Block(address, Buffer.concat([sum, sum])))),
    "wrong: its checksum is not one of 4 bytes",
  ],
])("%s", (_name, header, found) => {
  expect(clientIn(header)).toBe(found);
});

test("a byte that is changed below a checksum is seen", () => {
  const header = summed((sum) => binaryHeader(0x21, 0x11, ipv4Block(address, sum)));
  header[16]! ^= 1;
  expect(clientIn(header)).toBe("wrong: its checksum is of something else");
});

describe("bounds", () => {
  test.each([
    [mostLineBytes - 1, "unknown"],
    [mostLineBytes, "unknown"],
    [mostLineBytes + 1, `wrong: its line is longer than ${mostLineBytes} bytes`],
  ])("a line of %i bytes", (bytes, found) => {
    expect(clientIn(lineHeader(`UNKNOWN ${"x".repeat(bytes - "PROXY UNKNOWN \r\n".length)}`))).toBe(found);
  });

  test("a line that does not end is over at its bound", () => {
    const endless = Buffer.alloc(mostLineBytes, "x");
    endless.write("PROXY ");
    expect([clientIn(endless.subarray(0, -1)), clientIn(endless)]).toEqual([
      "more",
      `wrong: its line is longer than ${mostLineBytes} bytes`,
    ]);
  });

  test.each([
    [mostBinaryBytes - 1, "192.0.2.7"],
    [mostBinaryBytes, "192.0.2.7"],
    [mostBinaryBytes + 1, `wrong: it is longer than ${mostBinaryBytes} bytes`],
  ])("a binary header of %i bytes", (bytes, found) => {
    expect(clientIn(binaryHeader(0x21, 0x11, ipv4Block(address, field(4, Buffer.alloc(bytes - 16 - 12 - 3)))))).toBe(
      found,
    );
  });

  test("a long one is refused by its length, before it comes", () => {
    for (const command of [0x20, 0x21])
      expect(clientIn(binaryHeader(command, 0x11, Buffer.alloc(0), 0xffff))).toBe(
        `wrong: it is longer than ${mostBinaryBytes} bytes`,
      );
  });
});

describe("of anything", () => {
  const bytesOf = fc.oneof(
    fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ maxLength: 60 }).map((text) => lineHeader(text)),
    fc
      .tuple(fc.nat(255), fc.nat(255), fc.uint8Array({ maxLength: 60 }), fc.nat(80))
      .map(([command, family, rest, length]) => binaryHeader(command, family, Buffer.from(rest), length)),
    fc.tuple(fc.constantFrom(...good), fc.nat(), fc.nat(255)).map(([[, header], at, byte]) => {
      const changed = Buffer.from(header);
      changed[at % changed.length] = byte;
      return changed;
    }),
  );

  test("what is said of the beginning holds for the whole", () => {
    fc.assert(
      fc.property(bytesOf, (bytes) => {
        const whole = readProxyHeader(bytes, 0, bytes.length);
        for (let end = 0; end < bytes.length; end++) {
          const part = readProxyHeader(bytes, 0, end);
          if (part.kind !== "more") expect(part).toEqual(whole);
        }
        if (whole.kind === "read") {
          expect(whole.length).toBeLessThanOrEqual(bytes.length);
          expect(readProxyHeader(bytes, 0, whole.length)).toEqual(whole);
          if (whole.length > 0) expect(readProxyHeader(bytes, 0, whole.length - 1).kind).toBe("more");
        }
      }),
      { numRuns: 5000 },
    );
  });

  test("any address is the client", () => {
    fc.assert(
      fc.property(fc.ipV4(), (ip) => {
        expect(clientIn(lineHeader(`TCP4 ${ip} 10.0.0.1 1 2`))).toBe(ip);
        expect(clientIn(binaryHeader(0x21, 0x11, ipv4Block(ip.split(".").map(Number))))).toBe(ip);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const binary = clientIn(binaryHeader(0x21, 0x21, ipv6Block(Buffer.from(bytes).toString("hex"))))!;
        expect(clientIn(lineHeader(`TCP6 ${binary.includes(":") ? binary : `::ffff:${binary}`} ::1 1 2`))).toBe(binary);
      }),
    );
  });
});
