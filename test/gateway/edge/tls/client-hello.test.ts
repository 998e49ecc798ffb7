import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ClientHelloReader,
  mostHelloBytes,
  mostHelloRecords,
  offersOneOf,
  plainServerName,
  type HelloReading,
} from "../../../../gateway/edge/tls/client-hello.ts";
import { keyNamed, ticketKeys, ticketPeriodMs } from "../../../../gateway/edge/tls/ticket-keys.ts";
import {
  bytesOf,
  clientHello,
  counted,
  extension,
  helloOf as message,
  records,
  serverName,
} from "../../../wire/client-hello.ts";

const read = (...chunks: readonly Buffer[]): HelloReading => {
  const reader = new ClientHelloReader();
  let reading: HelloReading = { kind: "partial" };
  for (const chunk of chunks) {
    if (reading.kind === "partial") reading = reader.add(chunk);
  }
  return reading;
};
const inChunks = (whole: Buffer, most: number): readonly Buffer[] =>
  Array.from({ length: Math.ceil(whole.length / most) }, (_chunk, index) =>
    whole.subarray(index * most, (index + 1) * most),
  );

describe("a ClientHello", () => {
  const ticket = Buffer.alloc(200, 5);

  test.each<readonly [string, readonly Buffer[], string | null, boolean]>([
    ["a name", [serverName("A.example.")], "a.example", false],
    ["none", [], null, false],
    ["an address", [serverName("127.0.0.1")], null, false],
    [
      "two names",
      [
        extension(
          "0000",
          counted(2, bytesOf("00"), counted(2, Buffer.from("a")), bytesOf("00"), counted(2, Buffer.from("b"))),
        ),
      ],
      null,
      false,
    ],
    ["a ticket of TLS 1.2", [serverName("a.example"), extension("0023", ticket)], "a.example", true],
    [
      "a ticket of TLS 1.3",
      [
        serverName("a.example"),
        extension("0029", counted(2, counted(2, ticket), Buffer.alloc(4)), counted(2, counted(1, Buffer.alloc(32)))),
      ],
      "a.example",
      true,
    ],
    ["an empty ticket", [extension("0023")], null, false],
  ])("with %s", (_what, extensions, name, hasTicket) => {
    const whole = message(...extensions);
    for (const inRecords of [
      records(whole),
      records(whole, Math.ceil(whole.length / mostHelloRecords)),
      ...[1, 2, 3, 4, 5].map((first) =>
        Buffer.concat([records(whole.subarray(0, first), 1), records(whole.subarray(first))]),
      ),
    ]) {
      for (const most of [16_384, 7, 1]) {
        expect(read(...inChunks(inRecords, most))).toEqual({
          kind: "hello",
          hello: { serverName: name, ticketKeyName: hasTicket ? ticket.subarray(0, 16) : null, protocols: null },
        });
      }
    }
  });

  const list = (...names: readonly string[]): Buffer =>
    counted(2, ...names.map((name) => counted(1, Buffer.from(name))));

  test.each<readonly [string, Buffer, boolean | null]>([
    ["h2 and another", list("spdy/3", "h2"), true],
    ["http/1.1", list("http/1.1"), true],
    ["none of ours", list("http/1.0", "h2c", "h"), false],
    ["the longest name", list("x".repeat(255)), false],
    ["an empty list", list(), null],
    ["an empty name", list("h2", ""), null],
    ["a name that is cut", Buffer.concat([bytesOf("0003"), bytesOf("036832")]), null],
    ["a list that is cut", Buffer.concat([bytesOf("0005"), bytesOf("026832")]), null],
    ["bytes behind the list", Buffer.concat([list("h2"), bytesOf("00")]), null],
    ["nothing", Buffer.alloc(0), null],
  ])("that offers protocols, %s", (_what, bytes, offers) => {
    const reading = read(records(message(serverName("a.example"), extension("0010", bytes))));
    if (bytes.length === 0) expect(reading.kind).toBe("unreadable");
    else expect(reading).toMatchObject({ kind: "hello", hello: { serverName: "a.example" } });
    const protocols = reading.kind === "hello" ? reading.hello.protocols : null;
    expect(protocols === null ? null : offersOneOf(protocols, ["h2", "http/1.1"])).toBe(offers);
  });

  test("cut at each byte is partial, and never another hello", () => {
    const whole = records(message(serverName("a.example"), extension("0023", ticket)), 50);
    for (let end = 0; end < whole.length; end++) expect(read(whole.subarray(0, end))).toEqual({ kind: "partial" });
  });

  test("with the same extension twice is not read: OpenSSL refuses it", () => {
    expect(read(records(message(serverName("a.example"), serverName("b.example"))))).toEqual({ kind: "unreadable" });
  });

  test.each([
    [-1, "hello"],
    [0, "hello"],
    [1, "unreadable"],
  ])("%i bytes over the longest: %s", (over, kind) => {
    const whole = clientHello(4 + mostHelloBytes + over);
    for (const inRecords of [records(whole), records(whole, 1100)]) {
      expect(read(inRecords).kind).toBe(kind);
      expect(read(...inChunks(inRecords, 1)).kind).toBe(kind);
    }
  });

  test.each([
    [-1, "hello"],
    [0, "hello"],
    [1, "unreadable"],
  ])("%i records over the most: %s", (over, kind) => {
    const count = mostHelloRecords + over;
    const whole = clientHello(count * 100);
    for (const inRecords of [
      records(whole, 100),
      Buffer.concat([records(whole.subarray(0, count - 1), 1), records(whole.subarray(count - 1))]),
    ]) {
      expect(read(inRecords).kind).toBe(kind);
      expect(read(...inChunks(inRecords, 1)).kind).toBe(kind);
    }
  });

  test("is kept whole for OpenSSL, with what came behind it", () => {
    const whole = Buffer.concat([records(clientHello(500, serverName("a.example")), 100), bytesOf("140303000101")]);
    const reader = new ClientHelloReader();
    for (const chunk of inChunks(whole.subarray(0, -20), 1)) expect(reader.add(chunk)).toEqual({ kind: "partial" });
    expect(reader.add(whole.subarray(-20)).kind).toBe("hello");
    expect(reader.bytes).toEqual(whole);
  });

  test("any bytes are read without a fault", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isRecord) => {
        const whole = isRecord
          ? records(Buffer.concat([bytesOf("01"), counted(3, Buffer.from(bytes))]))
          : Buffer.from(bytes);
        expect(["hello", "partial", "unreadable"]).toContain(read(whole).kind);
      }),
    );
  });
});

test.each([
  ["a.example", "a.example"],
  ["A", "a"],
  ["", null],
  [".", null],
  ["a..b", null],
  ["a\0b", null],
  ["1.2.3.4", null],
  ["x".repeat(253), "x".repeat(253)],
  ["x".repeat(254), null],
])("the name %j is %j", (text, name) => {
  expect(plainServerName(text)).toBe(name);
});

describe("keys of tickets", () => {
  const [seed, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;

  test("are the same for the same seed and time, and change with the period", () => {
    const [now] = ticketKeys([seed], 0);
    expect(now!.bytes).toHaveLength(48);
    expect(ticketKeys([seed], ticketPeriodMs - 1)[0]).toEqual(now);
    expect(ticketKeys([seed], ticketPeriodMs)[0]).not.toEqual(now);
    expect(ticketKeys([other], 0)[0]).not.toEqual(now);
  });

  test("of the period before still open, those of two before do not; of an older seed as well", () => {
    const [before] = ticketKeys([seed], 0);
    const name = before!.bytes.subarray(0, 16);
    expect(keyNamed(ticketKeys([other, seed], ticketPeriodMs), name)).toEqual(before);
    const later = ticketKeys([seed], 2 * ticketPeriodMs);
    expect(keyNamed(later, name)).toBe(later[0]);
    expect(keyNamed(later, null)).toBe(later[0]);
  });
});
