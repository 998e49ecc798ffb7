// What Sluice reads of feedback: the same whatever pieces it comes in, what a parser reads where there is one, and nothing of what is no feedback.
import { describe, expect, test } from "vitest";
import {
  GrpcFeedback,
  jsonFeedback,
  maxReward,
  type FeedbackReader,
} from "../../../../gateway/edge/feedback/feedback-reader.ts";
import { JsonValues, maxDepth, maxValueBytes } from "../../../../gateway/edge/feedback/json-values.ts";
import { framed } from "../../../../gateway/edge/message/grpc-message.ts";
import { messageField, numberField, textField, varint } from "../../../../routing/text/protobuf.ts";
import type { JsonPath } from "../../../../routing/text/json-path.ts";
import * as fc from "../../../seeded.ts";

function read(reader: FeedbackReader, bytes: Uint8Array, cuts: readonly number[] = []): FeedbackReader {
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  let start = 0;
  for (const end of ends) {
    // As pieces are: parts of a larger buffer.
    const piece = Buffer.concat([Buffer.from("xx"), bytes.subarray(start, end), Buffer.from("}}")]);
    reader.take(piece, 2, 2 + end - start);
    start = end;
  }
  return reader;
}

const inOnes = (bytes: Uint8Array): readonly number[] => Array.from(bytes, (_, at) => at);
const said = ({ puids, reward }: FeedbackReader): unknown => ({ puids, reward });

function jsonValue(paths: readonly JsonPath[], bytes: Uint8Array): { found: unknown; isWhole: boolean } {
  const values = new JsonValues(paths);
  values.take(bytes, 0, bytes.length);
  return { found: values.found, isWhole: values.isWhole };
}

describe("JSON", () => {
  test.each([
    '{"response":{"meta":{"puid":"a"}},"response":{}}',
    '{"response":{"meta":{"puid":"a"}},"response":1}',
    '{"response":{"meta":{"puid":"a"},"meta":null}}',
    '{"response":{"meta":{"puid":"a"},"meta":{"puid":["a"]}}}',
  ])("of a key that is there twice the last one holds, whatever the first one had inside: %s", (text) => {
    expect(read(jsonFeedback(null), Buffer.from(text)).puids).toEqual([]);
  });

  test("any document gives what JSON.parse finds at the path, however it is written", () => {
    const key = fc.constantFrom("a", "b", "reward", "ü", 'q"', "\\", "");
    const document = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 5 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie("value"), { maxLength: 3 }),
        fc.dictionary(key, tie("value"), { maxKeys: 4 }),
      ),
    })).value;
    void fc.assert(
      fc.property(
        document,
        fc.array(fc.oneof(key, fc.nat(2)), { minLength: 1, maxLength: 3 }),
        fc.constantFrom(0, 1, 3),
        (value, path, indent) => {
          const at = path.reduce<unknown>(
            (inside, one) =>
              typeof inside === "object" &&
              inside !== null &&
              Array.isArray(inside) === (typeof one === "number") &&
              Object.hasOwn(inside, one)
                ? (inside as Readonly<Record<string | number, unknown>>)[one]
                : undefined,
            value,
          );
          const text = `${JSON.stringify(value, null, indent)} `;
          const scalar = ["string", "number", "boolean"].includes(typeof at) ? at : null;
          const small = typeof scalar !== "string" || Buffer.byteLength(JSON.stringify(scalar)) - 2 <= maxValueBytes;
          expect(jsonValue([path], Buffer.from(text))).toEqual({ found: [small ? scalar : null], isWhole: true });
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("bytes cut anywhere give the same, and none throws", () => {
    const feedback = fc.record({
      response: fc.record({ meta: fc.record({ puid: fc.string() }), data: fc.jsonValue() }),
      request: fc.jsonValue(),
      reward: fc.oneof(fc.double({ noNaN: true }), fc.jsonValue()),
    });
    const bytes = fc.oneof(
      feedback.map((one) => Buffer.from(JSON.stringify(one))),
      feedback.chain((one) => {
        const text = Buffer.from(JSON.stringify(one));
        return fc
          .tuple(fc.nat(text.length), fc.constantFrom(...Array.from('{}[]",:\\ 0e\u00ff\0')))
          .map(([at, byte]) => Buffer.concat([text.subarray(0, at), Buffer.from(byte, "latin1"), text.subarray(at)]));
      }),
      fc.uint8Array({ maxLength: 60 }).map((one) => Buffer.from(one)),
    );
    void fc.assert(
      fc.property(bytes, fc.array(fc.nat(), { maxLength: 5 }), (one, cuts) => {
        const whole = said(read(jsonFeedback(null), one));
        expect(said(read(jsonFeedback(null), one, cuts))).toEqual(whole);
        expect(said(read(jsonFeedback(null), one, inOnes(one)))).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  test("depth and length of a value have bounds", () => {
    const nested = (depth: number): string => `{"x":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)},"reward":1}`;
    for (const [depth, reward] of [
      [maxDepth - 1, 1],
      [maxDepth, 1],
      [maxDepth + 1, null],
      [100_000, null],
    ] as const)
      expect([depth, read(jsonFeedback(null), Buffer.from(nested(depth))).reward]).toEqual([depth, reward]);
    for (const [length, count] of [
      [maxValueBytes - 1, 1],
      [maxValueBytes, 1],
      [maxValueBytes + 1, 0],
      [1_000_000, 0],
    ] as const) {
      const text = JSON.stringify({ response: { meta: { puid: "p".repeat(length) } }, reward: 1 });
      const reader = read(jsonFeedback(null), Buffer.from(text));
      expect([length, reader.puids.length, reader.reward]).toEqual([length, count, 1]);
    }
  });

  test("rewards have a bound, either way", () => {
    for (const [reward, found] of [
      [maxReward - 1, maxReward - 1],
      [maxReward, maxReward],
      [maxReward + 1, null],
      [-maxReward, -maxReward],
      [-maxReward - 1, null],
    ])
      expect(read(jsonFeedback(null), Buffer.from(JSON.stringify({ reward }))).reward).toBe(found);
  });

  test.each<[JsonPath, string, number | null]>([
    [["truth", "jsonData", "clicks"], '{"reward":1,"truth":{"jsonData":{"clicks":3}}}', 3],
    [["truth", "data", "ndarray", 1, 0], '{"truth":{"data":{"ndarray":[[9],[7,8]]}}}', 7],
    [["a", 0, "b"], '{"a":[{"b":1},{"b":2}],"c":[{"b":3}]}', 1],
    [["a", 2], '{"a":[[1,2,3],{"a":[4,5,6]},7]}', 7],
    [[1], "[0,1]", 1],
    [["clicked"], '{"clicked":true}', 1],
    [["clicked"], '{"clicked":false}', 0],
    [["reward"], '{"reward":-0}', -0],
    // No reward, never 0: what is not there, or is neither a number nor a truth value.
    [["clicked"], '{"reward":1}', null],
    [["clicked"], '{"clicked":null}', null],
    [["clicked"], '{"clicked":"1"}', null],
    [["clicked"], '{"clicked":[1]}', null],
    [["clicked"], '{"clicked":{"value":1}}', null],
    [["clicked", 0], '{"clicked":{"0":1}}', null],
    [["clicked", "0"], '{"clicked":[1]}', null],
    [["a", 1], '{"a":[1]}', null],
    [["clicked"], '{"clicked":1', null],
    [["clicked"], "[1]", null],
    [["clicked"], '{"clicked":NaN}', null],
    [["clicked"], '{"clicked":Infinity}', null],
    [["clicked"], '{"clicked":1e308}', null],
    [["clicked"], '{"clicked":1e309}', null],
    [["clicked"], '{"clicked":True}', null],
    [["clicked"], `{"clicked":${"1".repeat(10_000)}}`, null],
    [["clicked"], `{"clicked":0.${"0".repeat(600)}1}`, null],
    [["clicked"], `{"clicked":"${"1".repeat(1_000_000)}"}`, null],
  ])("the reward at %j of %.80s is %j", (path, text, reward) => {
    for (const cuts of [[], inOnes(Buffer.from(text.slice(0, 2000)))])
      expect(read(jsonFeedback(path), Buffer.from(text), cuts).reward).toBe(reward);
  });

  test("a path that a puid stands at, or that leads through one, takes no puid away", () => {
    const text = Buffer.from('{"response":{"meta":{"puid":"a"}},"request":{"meta":{"puid":"b"}}}');
    for (const path of [
      ["response", "meta", "puid"],
      ["response", "meta"],
      ["response"],
      ["request", "meta", "puid", 0],
    ])
      expect(said(read(jsonFeedback(path), text))).toEqual({ puids: ["a", "b"], reward: null });
  });

  test("10 MB cost their length", () => {
    const text = Buffer.from(JSON.stringify({ request: { data: { ndarray: ["x".repeat(10_000_000)] } }, reward: 1 }));
    const before = process.cpuUsage();
    expect(read(jsonFeedback(null), text).reward).toBe(1);
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(2000);
  });
});

const fixed32 = (number: number, value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([varint(number * 8 + 5), bytes]);
};
const message = (puid: string, more: Buffer = Buffer.alloc(0)): Buffer =>
  Buffer.concat([
    messageField(1, [numberField(1, 200)]),
    messageField(2, [textField(1, puid), textField(2, "tag")]),
    more,
  ]);

describe("gRPC", () => {
  const tensor = messageField(3, [messageField(2, [messageField(2, [Buffer.alloc(80_000, 1)])])]);

  test("puids of response and request, and the reward, whatever pieces it comes in", () => {
    const feedback = framed(
      0,
      Buffer.concat([messageField(1, [message("q", tensor)]), messageField(2, [message("r")]), fixed32(3, 0.5)]),
    );
    for (const cuts of [[], [1], [3, 4, 5, 6, 7], inOnes(feedback)])
      expect(said(read(new GrpcFeedback(null), feedback, cuts))).toEqual({ puids: ["r", "q"], reward: 0.5 });
    // What is behind its message is another one.
    const two = Buffer.concat([feedback, framed(0, fixed32(3, 7))]);
    expect(said(read(new GrpcFeedback(null), two, inOnes(two)))).toEqual({ puids: ["r", "q"], reward: 0.5 });
  });

  test("a path of JSON is read at no field of it", () => {
    const feedback = framed(0, Buffer.concat([messageField(2, [message("r")]), fixed32(3, 1)]));
    expect(said(read(new GrpcFeedback(["truth", "clicked"]), feedback))).toEqual({ puids: ["r"], reward: null });
  });

  test("without a reward it is 0, as protobuf has it; NaN, infinities, and what is too much are none", () => {
    expect(read(new GrpcFeedback(null), framed(0, Buffer.alloc(0))).reward).toBe(0);
    for (const [value, reward] of [
      [-3, -3],
      [maxReward, maxReward],
      [maxReward * 1.1, null],
      [NaN, null],
      [Infinity, null],
      [-Infinity, null],
    ] as const)
      expect(read(new GrpcFeedback(null), framed(0, fixed32(3, value))).reward).toBe(reward);
    expect(read(new GrpcFeedback(null), framed(0, Buffer.concat([fixed32(3, 1), fixed32(3, 2)]))).reward).toBe(2);
  });

  test("compressed, cut short, or no protobuf: nothing", () => {
    const whole = framed(0, Buffer.concat([messageField(2, [message("r")]), fixed32(3, 1)]));
    expect(said(read(new GrpcFeedback(null), framed(1, whole.subarray(5))))).toEqual({ puids: [], reward: null });
    for (let end = 0; end < whole.length; end++)
      expect(read(new GrpcFeedback(null), whole.subarray(0, end)).reward).toBeNull();
    // A part that is longer than what it is in.
    for (const wrong of [
      Buffer.from([0x12, 0x7f, 0x12, 1, 0]),
      Buffer.from([0x12, 4, 0x12, 5, 0x0a, 3, 0x61]),
      Buffer.from([0x00]),
      Buffer.from([0x1b]),
      Buffer.from([0x08, ...Array.from({ length: 10 }, () => 0xff), 1]),
      Buffer.from([0x12, 2, 0x08, 0x80, 0x08]),
    ])
      expect([wrong, said(read(new GrpcFeedback(null), framed(0, wrong)))]).toEqual([
        wrong,
        { puids: [], reward: null },
      ]);
  });

  test("any bytes give the same in one piece and in ones, and none throws", () => {
    const some = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc
        .tuple(fc.nat(38), fc.nat(255))
        .map(([at, byte]) =>
          Buffer.concat([messageField(1, [message("q")]), messageField(2, [message("r")]), fixed32(3, 1)]).fill(
            byte,
            at,
            at + 1,
          ),
        ),
    );
    void fc.assert(
      fc.property(some, (bytes) => {
        const whole = framed(0, bytes);
        expect(said(read(new GrpcFeedback(null), whole, inOnes(whole)))).toEqual(
          said(read(new GrpcFeedback(null), whole)),
        );
      }),
      { numRuns: 2000 },
    );
  });
});
