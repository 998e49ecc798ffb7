import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HpackDecoder } from "../../../../gateway/edge/hpack/hpack-decode.ts";
import { BlockWriter } from "../../../../gateway/edge/hpack/hpack-encode.ts";
import { viewOf } from "../../../../gateway/edge/hpack/field-lines.ts";
import { meaningOfName } from "../../../../gateway/edge/hpack/field-meaning.ts";
import { HeaderList } from "../../../../gateway/edge/hpack/header-list.ts";
import { knownMeaning, notKnown } from "../../../../gateway/edge/hpack/known-names.ts";
import { kind } from "../../../../gateway/edge/fields/field-kind.ts";
import { fieldsOf, ReferenceEncoder, type Field } from "./hpack-reference.ts";

const limits = { bytes: 60 * 1024, fields: 100 };

function decoded(decoder: HpackDecoder, hex: string): Field[] | null {
  const block = Buffer.from(hex.replaceAll(/\s/g, ""), "hex");
  const list = new HeaderList(limits);
  return decoder.decode(block, 0, block.length, list) ? fieldsOf(list) : null;
}

const requests: readonly (readonly Field[])[] = [
  [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "www.example.com"],
  ],
  [
    [":method", "GET"],
    [":scheme", "http"],
    [":path", "/"],
    [":authority", "www.example.com"],
    ["cache-control", "no-cache"],
  ],
  [
    [":method", "GET"],
    [":scheme", "https"],
    [":path", "/index.html"],
    [":authority", "www.example.com"],
    ["custom-key", "custom-value"],
  ],
];

const cookie = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
const responses: readonly (readonly Field[])[] = [
  [
    [":status", "302"],
    ["cache-control", "private"],
    ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
    ["location", "https://www.example.com"],
  ],
  [
    [":status", "307"],
    ["cache-control", "private"],
    ["date", "Mon, 21 Oct 2013 20:13:21 GMT"],
    ["location", "https://www.example.com"],
  ],
  [
    [":status", "200"],
    ["cache-control", "private"],
    ["date", "Mon, 21 Oct 2013 20:13:22 GMT"],
    ["location", "https://www.example.com"],
    ["content-encoding", "gzip"],
    ["set-cookie", cookie],
  ],
];

/** The order of pseudo headers is not kept: they have places of their own. */
function sorted(fields: readonly Field[]): Field[] {
  return [
    ...fields.filter(([name]) => name.startsWith(":")).sort(([a], [b]) => (a < b ? -1 : 1)),
    ...fields.filter(([name]) => !name.startsWith(":")),
  ];
}

describe("RFC 7541 appendix C", () => {
  test.each([
    [
      "C.2.1 literal with indexing",
      "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
      [["custom-key", "custom-header"]],
    ],
    ["C.2.2 literal without indexing", "040c 2f73 616d 706c 652f 7061 7468", [[":path", "/sample/path"]]],
    ["C.2.3 literal never indexed", "1008 7061 7373 776f 7264 0673 6563 7265 74", [["password", "secret"]]],
    ["C.2.4 indexed", "82", [[":method", "GET"]]],
  ])("%s", (_, hex, fields) => {
    expect(decoded(new HpackDecoder(4096), hex)).toEqual(fields);
  });

  test.each([
    [
      "C.3 without Huffman",
      [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
      ],
    ],
    [
      "C.4 with Huffman",
      [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
      ],
    ],
  ])("requests, %s", (_, blocks) => {
    const decoder = new HpackDecoder(4096);
    expect(blocks.map((hex) => decoded(decoder, hex))).toEqual(requests.map(sorted));
    expect(decoder.table.count).toBe(3);
  });

  test.each([
    [
      "C.5 without Huffman",
      [
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
      ],
    ],
    [
      "C.6 with Huffman",
      [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
      ],
    ],
  ])("responses with evictions in a table of 256 bytes, %s", (_, blocks) => {
    const decoder = new HpackDecoder(256);
    expect(blocks.map((hex) => decoded(decoder, hex))).toEqual(responses.map(sorted));
  });
});

describe("round trips", () => {
  const name = fc.stringMatching(/^[a-z0-9_.-]{1,40}$/);
  const value = fc.oneof(
    fc.stringMatching(/^[!-~]{0,80}$/),
    fc.stringMatching(/^[!-~][ -~\u0080-\u00ff]{0,200}[!-~]$/),
    fc.constantFrom("200", "gzip, deflate", "application/grpc"),
  );
  const field = fc.tuple(fc.oneof(name, fc.constantFrom("content-type", "seldon", "cookie", "accept-encoding")), value);

  test("what our encoder writes, our decoder reads", () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 40 }), (fields) => {
        const writer = new BlockWriter();
        writer.status(200);
        for (const [name, value] of fields) writer.fieldText(name, value);
        const list = new HeaderList(limits);
        expect(new HpackDecoder(4096).decode(writer.copy(), 0, writer.length, list)).toBe(true);
        expect(fieldsOf(list)).toEqual([[":status", "200"], ...fields]);
        expect(list.malformed).toBe(false);
      }),
    );
  });

  test("any use of the dynamic table, of Huffman and of size updates gives the same lists", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(field, { maxLength: 12 }), fc.option(fc.integer({ min: 0, max: 4096 }))), {
          maxLength: 30,
        }),
        fc.integer(),
        (blocks, seed) => {
          const encoder = new ReferenceEncoder(seed);
          const decoder = new HpackDecoder(4096);
          const list = new HeaderList(limits);
          for (const [fields, resize] of blocks) {
            const block = encoder.encode(fields, resize);
            expect(decoder.decode(block, 0, block.length, list)).toBe(true);
            expect(fieldsOf(list)).toEqual(fields);
          }
        },
      ),
    );
  });

  test.each([1, 30, 400, 3900])("entries stay what they are while thousands of up to %i digits come and go", (most) => {
    const encoder = new ReferenceEncoder(0);
    const decoder = new HpackDecoder(4096);
    const list = new HeaderList(limits);
    const fieldAt = (i: number): Field => [`name-${i}`, `${i}`.padEnd((i * 7919) % most, ".")];
    for (let i = 0; i < 2000; i++) {
      // The newest, and some that are older: as old as the table remembers.
      const fields = [fieldAt(i), fieldAt(Math.max(0, i - 7)), fieldAt(Math.max(0, i - 80))];
      const block = encoder.encodeIndexed(fields);
      expect(decoder.decode(block, 0, block.length, list)).toBe(true);
      expect(fieldsOf(list)).toEqual(fields);
    }
  });

  test("any choice of fields passes on without use of a table, however it was sent", () => {
    const chosen = fc.tuple(
      fc.array(fc.tuple(field, fc.boolean()), { maxLength: 12 }),
      fc.option(fc.integer({ min: 0, max: 4096 })),
    );
    fc.assert(
      fc.property(fc.array(chosen, { maxLength: 20 }), fc.integer(), (blocks, seed) => {
        const encoder = new ReferenceEncoder(seed);
        const decoder = new HpackDecoder(4096);
        const list = new HeaderList(limits);
        const onward = new HeaderList(limits);
        const writer = new BlockWriter();
        for (const [fields, resize] of blocks) {
          const block = encoder.encode(
            fields.map(([one]) => one),
            resize,
          );
          expect(decoder.decode(block, 0, block.length, list)).toBe(true);
          const passing = Int32Array.from(fields.flatMap(([, passes], number) => (passes ? [number] : [])));
          writer.clear();
          writer.fields(list, passing, passing.length);
          const receiver = new HpackDecoder(4096);
          expect(receiver.decode(writer.bytes, 0, writer.length, onward)).toBe(true);
          expect([receiver.referred, receiver.table.inserts]).toEqual([false, 0]);
          expect(fieldsOf(onward)).toEqual(fields.filter(([, passes]) => passes).map(([one]) => one));
          expect([...onward.neverIndexed.subarray(0, passing.length)]).toEqual(
            Array.from(passing, (number) => list.neverIndexed[number]),
          );
        }
      }),
    );
  });

  test("runs of literals and of static entries pass on as they came", () => {
    const block = Buffer.concat([
      Buffer.from([0x90]),
      new ReferenceEncoder(0).encodePlain([
        ["seldon", "iris"],
        ["te", "trailers"],
        ["namespace", "prod"],
      ]),
    ]);
    const list = new HeaderList(limits);
    expect(new HpackDecoder(4096).decode(block, 0, block.length, list)).toBe(true);
    const writer = new BlockWriter();
    writer.fields(list, Int32Array.of(0, 1, 2, 3), 4);
    expect(writer.copy()).toEqual(block);
  });

  test.each([
    ["the length of a name", "00 7f 82 80 00", 129],
    ["the length of a value", "00 01 61 7f 82 80 00", 129],
    ["the index of a name", "0f 90 80 00 01", 1],
  ])("a number that is longer than it need be does not pass on: %s", (_, hex, letters) => {
    const block = Buffer.concat([
      Buffer.from(hex.replaceAll(" ", ""), "hex"),
      Buffer.alloc(letters, "x"),
      ...(hex.startsWith("00 7f") ? [Buffer.from([1, 0x62])] : []),
    ]);
    const list = new HeaderList(limits);
    expect(new HpackDecoder(4096).decode(block, 0, block.length, list)).toBe(true);
    const writer = new BlockWriter();
    writer.fields(list, Int32Array.of(0), 1);
    const onward = new HeaderList(limits);
    expect(new HpackDecoder(0).decode(writer.bytes, 0, writer.length, onward)).toBe(true);
    expect(fieldsOf(onward)).toEqual(fieldsOf(list));
    expect(writer.length).toBeLessThan(block.length);
  });

  test("names are sent in lower case, and fields that must not be indexed stay so", () => {
    const writer = new BlockWriter();
    const bytes = Buffer.from("X-Token: s");
    writer.field(bytes, 0, 7, 9, 10, 1);
    const list = new HeaderList(limits);
    new HpackDecoder(4096).decode(writer.bytes, 0, writer.length, list);
    expect(fieldsOf(list)).toEqual([["x-token", "s"]]);
    expect(list.neverIndexed[0]).toBe(1);
  });

  test("a decoded list stands as HTTP/1.1 lines, with the kinds of its fields", () => {
    const writer = new BlockWriter();
    writer.fieldText("content-length", "3");
    writer.fieldText("x-model", "iris");
    const list = new HeaderList(limits);
    new HpackDecoder(4096).decode(writer.bytes, 0, writer.length, list);
    expect(list.bytes.toString("latin1", 0, list.fieldsEnd)).toBe("content-length: 3\r\nx-model: iris\r\n");
    expect([...list.kinds.subarray(0, 2)]).toEqual([kind.contentLength, kind.other]);
  });
});

describe("what is refused", () => {
  test.each([
    ["index 0", "80"],
    ["index beyond the tables", "be"],
    ["name index beyond the tables", "7e 01 61"],
    ["a number that does not end", "ff ff ff ff ff ff ff"],
    ["a string longer than the block", "40 0a 61"],
    ["a literal without a value", "40 01 61"],
    ["EOS inside a Huffman string", "00 84 ff ff ff ff 00"],
    ["Huffman padding of eight bits", "00 82 1f ff 00"],
    ["Huffman padding of zeros", "00 81 00 00"],
    ["a size update above what was allowed", "3f e2 1f"],
    ["a size update behind a field", "82 20"],
    ["three size updates", "20 20 20 82"],
  ])("%s", (_, hex) => {
    expect(decoded(new HpackDecoder(4096), hex)).toBeNull();
  });

  test("any bytes decode or are refused, and never throw", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (blocks) => {
        const decoder = new HpackDecoder(4096);
        const list = new HeaderList({ bytes: 512, fields: 5 });
        for (const bytes of blocks) if (!decoder.decode(Buffer.from(bytes), 0, bytes.length, list)) return;
      }),
    );
  });
});

describe("limits of a list", () => {
  function listOf(count: number, valueBytes: number, of: { bytes: number; fields: number }): HeaderList {
    const writer = new BlockWriter();
    for (let i = 0; i < count; i++) writer.fieldText("n", "v".repeat(valueBytes));
    const list = new HeaderList(of);
    expect(new HpackDecoder(4096).decode(writer.bytes, 0, writer.length, list)).toBe(true);
    return list;
  }

  test.each([
    [9, false],
    [10, false],
    [11, true],
  ])("%i fields of 10", (count, tooLarge) => {
    expect(listOf(count, 1, { bytes: 10_000, fields: 10 }).tooLarge).toBe(tooLarge);
  });

  test.each([
    [966, false],
    [967, false],
    [968, true],
  ])("a value of %i bytes in a list of 1000", (valueBytes, tooLarge) => {
    expect(listOf(1, valueBytes, { bytes: 1000, fields: 10 }).tooLarge).toBe(tooLarge);
  });

  test("a list that is too large leaves the dynamic table in step", () => {
    const encoder = new ReferenceEncoder(1);
    const decoder = new HpackDecoder(4096);
    const list = new HeaderList({ bytes: 300, fields: 100 });
    const large = Array.from({ length: 20 }, (_, i): Field => [`name-${i}`, "x".repeat(40)]);
    for (const [fields, tooLarge] of [
      [large, true],
      [large.slice(0, 2), false],
      [[["last", "one"] as Field], false],
    ] as const) {
      const block = encoder.encodeIndexed(fields);
      expect(decoder.decode(block, 0, block.length, list)).toBe(true);
      expect(list.tooLarge).toBe(tooLarge);
      if (!tooLarge) expect(fieldsOf(list)).toEqual(fields);
    }
  });

  test("references to one large entry cost no copies beyond the limit", () => {
    const decoder = new HpackDecoder(4096);
    const writer = new BlockWriter();
    writer.fieldText("bomb", "x".repeat(4000));
    const first = Buffer.from(writer.copy());
    first[0] = 0x40;
    const block = Buffer.concat([first, Buffer.alloc(16_000, 0xbe)]);
    const list = new HeaderList(limits);
    expect(decoder.decode(block, 0, block.length, list)).toBe(true);
    expect(list.tooLarge).toBe(true);
    expect(list.length).toBeLessThan(limits.bytes + 8192);
  });
});

describe("fields that RFC 9113 §8.2 and §8.3 forbid", () => {
  function malformed(fields: readonly Field[]): boolean {
    const block = new ReferenceEncoder(0).encodePlain(fields);
    const list = new HeaderList(limits);
    expect(new HpackDecoder(4096).decode(block, 0, block.length, list)).toBe(true);
    return list.malformed;
  }

  test.each<[string, Field[]]>([
    ["capitals in a name", [["X-Name", "v"]]],
    ["a colon inside a name", [["a:b", "v"]]],
    ["a space in a name", [["a b", "v"]]],
    ["an empty name", [["", "v"]]],
    ["CR in a value", [["a", "v\rw"]]],
    ["LF in a value", [["a", "v\nw"]]],
    ["NUL in a value", [["a", "v\0w"]]],
    ["a space before a value", [["a", " v"]]],
    ["a tab behind a value", [["a", "v\t"]]],
    ["an unknown pseudo header", [[":protocol", "websocket"]]],
    [
      "a pseudo header twice",
      [
        [":path", "/a"],
        [":path", "/b"],
      ],
    ],
    [
      "a pseudo header behind a field",
      [
        ["a", "v"],
        [":path", "/b"],
      ],
    ],
  ])("%s", (_, fields) => {
    expect(malformed(fields)).toBe(true);
  });

  test("a value is judged by each of its bytes, wherever they stand", () => {
    const allowed = (byte: number): boolean => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f);
    const blank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09;
    const bytes = fc.array(
      fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) }, fc.integer({ min: 0, max: 255 })),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(bytes, (value) => {
        expect(malformed([["a", Buffer.from(value).toString("latin1")]])).toBe(
          !value.every(allowed) || blank(value[0]) || blank(value.at(-1)),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test("a name that is known means what it means to whoever reads it byte by byte", () => {
    const names = [
      "content-type",
      ":path",
      "te",
      "seldon",
      "grpc-timeout",
      "x-request-id",
      "host",
      "x-forwarded-for",
      "transfer-encoding",
      "x-envoy-upstream-service-time",
      "date",
    ];
    const near = fc
      .tuple(fc.constantFrom(...names), fc.nat({ max: 30 }), fc.integer({ min: 0, max: 255 }))
      .map(([name, at, byte]) => {
        const bytes = Buffer.from(name);
        if (at < bytes.length) bytes[at] = byte;
        return bytes;
      });
    fc.assert(
      fc.property(near, (name) => {
        const known = knownMeaning(name, viewOf(name), 0, name.length);
        if (known !== notKnown) expect(known).toBe(meaningOfName(name, 0, name.length));
      }),
      { numRuns: 2000 },
    );
    for (const name of names)
      expect(knownMeaning(Buffer.from(name), viewOf(Buffer.from(name)), 0, name.length)).toBe(
        meaningOfName(Buffer.from(name), 0, name.length),
      );
  });

  test("an entry of the dynamic table stays malformed, its name alone does not", () => {
    const decoder = new HpackDecoder(4096);
    const list = new HeaderList(limits);
    const bad = Buffer.concat([Buffer.from([0x40, 1]), Buffer.from("a"), Buffer.from([1, 10])]);
    for (const [block, expected] of [
      [bad, true],
      [Buffer.from([0xbe]), true],
      [Buffer.from([0x7e, 1, 0x76]), false],
      [Buffer.from([0xbe]), false],
    ] as const) {
      expect(decoder.decode(block, 0, block.length, list)).toBe(true);
      expect(list.malformed).toBe(expected);
    }
  });
});

test("the room that a long block needed is given back with the next", () => {
  const writer = new BlockWriter();
  const usual = writer.bytes.length;
  writer.fieldText("x", "v".repeat(40_000));
  expect(writer.bytes.length).toBeGreaterThan(40_000);
  writer.clear();
  expect(writer.bytes.length).toBe(usual);
});
