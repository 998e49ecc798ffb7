// Protobuf by hand: what is written is read again, and bytes of any kind are read or refused, never more.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { grpcVerdict } from "../../../gateway/edge/external/grpc-check.ts";
import {
  entryField,
  fieldsOf,
  lastField,
  messageField,
  numberField,
  numberOfField,
  textField,
  textOfField,
  varint,
} from "../../../routing/text/protobuf.ts";
import { rateLimitVerdict } from "../../../gateway/edge/external/rate-limit-messages.ts";
import type { CallOutcome } from "../../../gateway/edge/external/service-call.ts";
import { framed } from "../../../gateway/edge/message/grpc-message.ts";

function answered(message: Uint8Array): CallOutcome {
  return {
    kind: "answered",
    answer: { status: 200, fields: [], trailers: [["grpc-status", "0"]], body: framed(0, message) },
  };
}

describe("fields", () => {
  test("numbers, texts and messages come back", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2 ** 29 - 1 }),
        fc.nat(Number.MAX_SAFE_INTEGER),
        fc.string({ unit: "grapheme" }),
        (number, value, text) => {
          const message = Buffer.concat([
            numberField(number, value),
            messageField(number, [textField(1, text), entryField(2, text, "v")]),
          ]);
          const fields = fieldsOf(message)!;
          const inner = fieldsOf(lastField(fields, number)!.bytes)!;
          expect([textOfField(inner, 1), fields.length]).toEqual([text, value === 0 ? 1 : 2]);
          if (value !== 0) expect(fields[0]!.value).toBe(value);
          expect(textOfField(fieldsOf(lastField(inner, 2)!.bytes)!, 2)).toBe("v");
        },
      ),
    );
  });

  test.each([
    [0, [0]],
    [127, [0x7f]],
    [128, [0x80, 1]],
    [300, [0xac, 2]],
    [2 ** 32, [0x80, 0x80, 0x80, 0x80, 0x10]],
  ])("%i as a varint", (value, bytes) => {
    expect([...varint(value)]).toEqual(bytes);
  });

  test.each([
    ["a field of number 0", [0x00, 0x01]],
    ["a varint without an end", [0x08, 0x80]],
    ["a varint of 11 bytes", [0x08, ...Array.from({ length: 10 }, () => 0x80), 0x01]],
    ["a length beyond the message", [0x0a, 0x02, 0x61]],
    ["half a fixed64", [0x09, 1, 2, 3]],
    ["a group", [0x0b, 0x0c]],
    ["an unknown wire type", [0x0e]],
  ])("%s is no protobuf", (_what, bytes) => {
    expect(fieldsOf(Buffer.from(bytes))).toBeNull();
  });

  test("what is not known is passed over, and a negative number has ten bytes", () => {
    const negative = Buffer.from([0x08, ...Array.from({ length: 9 }, () => 0xff), 0x01]);
    const fields = fieldsOf(
      Buffer.concat([negative, Buffer.from([0x15, 1, 2, 3, 4, 0x19, 1, 2, 3, 4, 5, 6, 7, 8]), numberField(4, 7)]),
    )!;
    expect([fields.map(({ number }) => number), numberOfField(fields, 4)]).toEqual([[1, 2, 3, 4], 7]);
    expect(numberOfField(fields, 1)).toBeGreaterThan(0);
  });
});

test("an answer of any bytes is a verdict, never a throw, and never a yes that is not one", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(["allowed", "denied", "failed"]).toContain(grpcVerdict(answered(bytes)).kind);
      expect(["within", "over", "failed"]).toContain(rateLimitVerdict(answered(bytes)).kind);
    }),
    { numRuns: 2000 },
  );
  // A status that is not OK is no, whatever else stands there.
  const no = Buffer.concat([messageField(1, [numberField(1, 7)]), messageField(3, [])]);
  expect(grpcVerdict(answered(no)).kind).toBe("denied");
  expect(
    grpcVerdict(
      answered(Buffer.concat([messageField(1, [Buffer.from([0x08, ...Array.from({ length: 9 }, () => 0xff), 0x01])])])),
    ).kind,
  ).toBe("denied");
  expect(
    grpcVerdict(
      answered(Buffer.concat([messageField(1, [numberField(1, 7)]), messageField(1, [textField(2, "fine")])])),
    ).kind,
  ).toBe("denied");
  expect(rateLimitVerdict(answered(numberField(1, 3))).kind).toBe("failed");
});
