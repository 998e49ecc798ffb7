// Pairs of answers: what agrees, what differs where, and what cannot be compared.
import * as fc from "../../../seeded.ts";
import { describe, expect, test } from "vitest";
import { maxAnswerBytes, type CapturedAnswer } from "../../../../routing/release/compare/answer.ts";
import {
  Comparison,
  maxLabels,
  type AnsweredPair,
  type PairVerdict,
} from "../../../../routing/release/compare/comparison.ts";
import { maxPathNodes } from "../../../../routing/release/compare/path-tree.ts";
import { maxDepth, maxValues } from "../../../../routing/release/compare/read-json.ts";
import { plainRules, readCompareRules, type CompareRules } from "../../../../routing/release/compare/rules.ts";
import { keptAnswer, maxKeptLength } from "../../../../routing/release/compare/redacted.ts";

function answerOf(body: unknown, more: Partial<CapturedAnswer> = {}): CapturedAnswer {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return { status: 200, grpcStatus: -1, headerBytes: -1, body: bytes, ...more };
}

function pairOf(primary: CapturedAnswer, shadow: CapturedAnswer | null): AnsweredPair {
  return { isGrpc: false, path: "/api/v0.1/predictions", primary, shadow, isAsked: true, slowerMs: 1 };
}

function rulesOf(text: string): CompareRules {
  const read = readCompareRules(text);
  if (read.kind !== "rules" || read.rules === null) throw new Error(JSON.stringify(read));
  return read.rules;
}

function verdict(primary: unknown, shadow: unknown, rules: CompareRules = plainRules): PairVerdict {
  return new Comparison(rules).add(pairOf(answerOf(primary), answerOf(shadow)));
}

const agreed: PairVerdict = { outcome: "agreed", reason: "", differences: [] };

describe("answers in JSON", () => {
  test("what differs by nature is not compared: puid, request path, id, times", () => {
    const of = (puid: string): unknown => ({
      data: { ndarray: [[1]] },
      meta: { puid, requestPath: { c: puid } },
      time: puid,
    });
    expect(verdict(of("a"), of("b"))).toEqual(agreed);
  });

  test("a value that differs is told with its path, once for each array", () => {
    expect(
      verdict(
        {
          data: {
            ndarray: [
              [1, 2],
              [3, 4],
            ],
          },
        },
        {
          data: {
            ndarray: [
              [1, 2.5],
              [3, 5],
            ],
          },
        },
      ),
    ).toEqual({
      outcome: "disagreed",
      reason: "",
      differences: [{ path: "data.ndarray", primary: "2", shadow: "2.5" }],
    });
  });

  test("a missing value, another type, another length", () => {
    expect(verdict({ a: 1, b: "x", c: [1] }, { b: 2, c: [1, 2], d: {} }).differences).toEqual([
      { path: "a", primary: "1", shadow: null },
      { path: "b", primary: "x", shadow: "2" },
      { path: "c", primary: "1 values", shadow: "2 values" },
      { path: "d", primary: null, shadow: "an object" },
    ]);
  });

  test.each([
    ["tolerance 0.5; relative 0", 1, 1.5, "agreed"],
    ["tolerance 0.5; relative 0", 1, 1.5000001, "disagreed"],
    ["tolerance 0; relative 0.25", 3, 4, "agreed"],
    ["tolerance 0; relative 0.25", 2.999, 4, "disagreed"],
    ["tolerance 0; relative 0; tolerance 1 at x", 1, 2, "agreed"],
    ["tolerance 5; relative 0; tolerance 1 at x", 1, 3, "disagreed"],
    ["tolerance 0; relative 0; tolerance 1 at *", 1, 2, "agreed"],
  ])("%s: %d and %d are %s", (text, one, other, outcome) => {
    expect(verdict({ x: one }, { x: other }, rulesOf(text)).outcome).toBe(outcome);
  });

  test("an ignored path takes what is below it along; order counts where it is not said otherwise", () => {
    expect(verdict({ a: { b: [1, { c: 2 }] } }, { a: { b: 3 } }, rulesOf("ignore a"))).toEqual(agreed);
    expect(verdict({ n: ["x", "y"] }, { n: ["y", "x"] }).outcome).toBe("disagreed");
    expect(verdict({ n: ["x", "y"] }, { n: ["y", "x"] }, rulesOf("unordered n"))).toEqual(agreed);
    expect(verdict({ n: [10, 9] }, { n: [9, 10] }, rulesOf("unordered n"))).toEqual(agreed);
    expect(verdict({ n: ["x", "y"] }, { n: ["y", "y"] }, rulesOf("unordered n")).outcome).toBe("disagreed");
  });

  test("outputs of V2 are compared by name, and binary tensors as numbers", () => {
    const output = (name: string, data: readonly number[]): unknown => ({
      name,
      datatype: "FP32",
      shape: [data.length],
      data,
    });
    expect(
      verdict({ outputs: [output("a", [1]), output("b", [2])] }, { outputs: [output("b", [2]), output("a", [1])] }),
    ).toEqual(agreed);
    const binary = (values: readonly number[]): CapturedAnswer => {
      const json = Buffer.from(
        JSON.stringify({
          outputs: [
            {
              name: "a",
              datatype: "FP32",
              shape: [values.length],
              parameters: { binary_data_size: 4 * values.length },
            },
          ],
        }),
      );
      return answerOf(Buffer.concat([json, Buffer.from(new Float32Array(values).buffer)]), {
        headerBytes: json.length,
      });
    };
    const comparison = new Comparison(plainRules);
    expect(comparison.add(pairOf(binary([1, 2]), binary([1, 2])))).toEqual(agreed);
    expect(comparison.add(pairOf(binary([1, 2]), answerOf({ outputs: [output("a", [1, 2])] })))).toEqual(agreed);
    expect(comparison.add(pairOf(binary([1, 2]), binary([1, 3]))).differences).toEqual([
      { path: "outputs.a.data", primary: "2", shadow: "3" },
    ]);
    expect(comparison.add(pairOf(binary([1]), { ...binary([1]), headerBytes: 1000 })).reason).toBe(
      "the shadow's answer is shorter than its Inference-Header-Content-Length",
    );
    const cut = binary([1, 2]);
    expect(
      comparison.add(pairOf(binary([1, 2]), { ...cut, body: cut.body.subarray(0, cut.body.length - 1) })).reason,
    ).toBe("the shadow's answer has binary tensors that do not fit their sizes");
  });

  test("statuses are compared first; of equal failures the texts are not", () => {
    const comparison = new Comparison(plainRules);
    const failed = (status: number, text: string): CapturedAnswer => answerOf(text, { status });
    expect(comparison.add(pairOf(answerOf("{}"), failed(500, "x")))).toEqual({
      outcome: "disagreed",
      reason: "their statuses differ",
      differences: [{ path: "status", primary: "200", shadow: "500" }],
    });
    expect(comparison.add(pairOf(failed(500, "x"), failed(500, "y")))).toEqual(agreed);
    expect(comparison.add(pairOf(answerOf("{}"), null)).outcome).toBe("unanswered");
  });

  test("an answer that cannot be read: the shadow's disagrees, the primary's is not comparable, equal bytes agree", () => {
    expect(verdict("{}", "{").reason).toBe("the shadow's answer is not JSON");
    expect(verdict("{}", "").reason).toBe("the shadow's answer is empty");
    expect(verdict("{", "{}")).toEqual({
      outcome: "incomparable",
      reason: "the primary's answer is not JSON",
      differences: [],
    });
    expect(verdict("not JSON", "not JSON")).toEqual(agreed);
  });
});

describe("bounds", () => {
  const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
  const deep = `the shadow's answer has more than ${maxDepth} levels or ${maxValues} values`;

  test("depth", () => {
    expect(verdict(nested(maxDepth), nested(maxDepth))).toEqual(agreed);
    expect(verdict("{}", nested(maxDepth - 1)).reason).toBe("");
    expect(verdict("{}", nested(maxDepth)).reason).toBe("");
    expect(verdict("{}", nested(maxDepth + 1)).reason).toBe(deep);
    expect(verdict("{}", nested(10_000)).reason).toBe(deep);
    expect(verdict("{}", nested(4_000_000)).reason).toBe(deep);
  });

  test("values", () => {
    const values = (count: number): string => `[${"1,".repeat(count - 2)}1]`;
    expect(verdict(values(maxValues - 1), values(maxValues - 1))).toEqual(agreed);
    expect(verdict(values(maxValues), values(maxValues))).toEqual(agreed);
    expect(verdict("{}", values(maxValues + 1)).reason).toBe(deep);
  });

  test("bytes", () => {
    const padded = (bytes: number): string => `{}${" ".repeat(bytes - 2)}`;
    for (const bytes of [maxAnswerBytes - 1, maxAnswerBytes]) expect(verdict("{}", padded(bytes))).toEqual(agreed);
    expect(verdict("{}", padded(maxAnswerBytes + 1)).reason).toBe(
      `the shadow's answer is longer than ${maxAnswerBytes} bytes`,
    );
  });

  test("paths and labels: what is beyond is compared, and its memory is not kept", () => {
    const comparison = new Comparison(plainRules);
    for (let at = 0; at < 2 * maxPathNodes; at++)
      comparison.add(
        pairOf(answerOf({ [`k${at}`]: 1, strData: `l${at}` }), answerOf({ [`k${at}`]: 2, strData: `m${at}` })),
      );
    const { paths, morePaths, confusion, rowsApart } = comparison.counts;
    expect(paths.length).toBeLessThan(maxPathNodes);
    expect(morePaths).toBe(true);
    expect(rowsApart).toBe(2 * maxPathNodes);
    expect(new Set(confusion.map(([label]) => label)).size).toBeLessThanOrEqual(maxLabels + 1);
    expect(comparison.counts.outcomes.disagreed).toBe(2 * maxPathNodes);
  });
});

describe("labels", () => {
  const iris = (rows: readonly (readonly number[])[]): unknown => ({ data: { names: ["a", "b", "c"], ndarray: rows } });

  test("the largest output of each row, by its name", () => {
    const comparison = new Comparison(rulesOf("tolerance 1"));
    comparison.add(
      pairOf(
        answerOf(
          iris([
            [0.9, 0.1, 0],
            [0.1, 0.9, 0],
          ]),
        ),
        answerOf(
          iris([
            [0.8, 0.2, 0],
            [0.1, 0.3, 0.6],
          ]),
        ),
      ),
    );
    expect(comparison.counts).toMatchObject({
      rows: 2,
      rowsApart: 1,
      confusion: [
        ["a", "a", 1],
        ["b", "c", 1],
      ],
    });
  });

  test("of tensors by their shape, of texts and of numbers of classes", () => {
    const labels = (tree: unknown): unknown => {
      const comparison = new Comparison(plainRules);
      comparison.add(pairOf(answerOf(tree), answerOf(tree)));
      return comparison.counts.confusion.map(([label]) => label);
    };
    expect(labels({ data: { tensor: { shape: [2, 2], values: [1, 2, 4, 3] } } })).toEqual(["1", "0"]);
    expect(labels({ outputs: [{ name: "p", datatype: "FP32", shape: [1, 3], data: [0, 1, 0] }] })).toEqual(["1"]);
    expect(labels({ outputs: [{ name: "p", datatype: "BYTES", shape: [2], data: ["cat", "dog"] }] })).toEqual([
      "cat",
      "dog",
    ]);
    expect(labels({ predictions: [3, 4] })).toEqual(["3", "4"]);
    expect(labels({ strData: "yes" })).toEqual(["yes"]);
    expect(labels({ data: { ndarray: [[1.5]] } })).toEqual([]);
  });
});

describe("properties", () => {
  const tree = fc.jsonValue({ maxDepth: 5 });

  test("an answer agrees with itself, whatever the rules", async () => {
    await fc.assert(
      fc.property(
        tree,
        fc.constantFrom("true", "tolerance 0; relative 0", "unordered a, b", "ignore a; redact b"),
        (value, written) => {
          const read = readCompareRules(written);
          const rules = read.kind === "rules" ? read.rules! : plainRules;
          const text = JSON.stringify(value);
          expect(verdict(text, text, rules)).toEqual(agreed);
        },
      ),
    );
  });

  test("whether two agree does not depend on which is the primary", async () => {
    await fc.assert(
      fc.property(tree, tree, (one, other) => {
        const [a, b] = [JSON.stringify(one), JSON.stringify(other)];
        expect(verdict(a, b).outcome).toBe(verdict(b, a).outcome);
      }),
    );
  });

  test("a wider tolerance never parts what agreed", async () => {
    const numbers = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 8 });
    await fc.assert(
      fc.property(numbers, numbers, fc.nat(1000), fc.nat(1000), (one, other, narrow, more) => {
        const of = (tolerance: number): string =>
          verdict(one, other, rulesOf(`tolerance ${tolerance}; relative 0`)).outcome;
        if (of(narrow) === "agreed") expect(of(narrow + more)).toBe("agreed");
      }),
    );
  });

  test("garbage is judged, and never throws", async () => {
    await fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.uint8Array({ maxLength: 200 }),
        fc.boolean(),
        fc.constantFrom(
          "/seldon.protos.Seldon/Predict",
          "/inference.GRPCInferenceService/ModelInfer",
          "/tensorflow.serving.PredictionService/Predict",
          "/x/Y",
        ),
        fc.integer({ min: -1, max: 220 }),
        (one, other, isGrpc, path, headerBytes) => {
          const framed = (bytes: Uint8Array): Uint8Array =>
            Buffer.concat([Buffer.from([0, 0, 0, 0, bytes.length]), bytes]);
          const body = (bytes: Uint8Array): CapturedAnswer =>
            answerOf(isGrpc ? framed(bytes) : bytes, { headerBytes, grpcStatus: isGrpc ? 0 : -1 });
          const comparison = new Comparison(plainRules);
          const pair = { ...pairOf(body(one), body(other)), isGrpc, path };
          expect(["agreed", "disagreed", "incomparable"]).toContain(comparison.add(pair).outcome);
          expect(keptAnswer(body(one), isGrpc, path, rulesOf("redact a")).length).toBeLessThanOrEqual(maxKeptLength);
        },
      ),
      { numRuns: 500 },
    );
  });
});

test("a kept answer shows no redacted value, and is cut", () => {
  const rules = rulesOf("redact data.ndarray, secret");
  const kept = keptAnswer(answerOf({ data: { ndarray: [[42]], names: ["a"] }, secret: { x: 42 } }), false, "", rules);
  expect(JSON.parse(kept)).toEqual({ data: { ndarray: "redacted", names: ["a"] }, secret: "redacted" });
  expect(keptAnswer(answerOf('{"secret":42'), false, "", rules)).toBe("(an answer that is not JSON; rules redact it)");
  expect(verdict({ secret: 1 }, { secret: 2 }, rules).differences).toEqual([
    { path: "secret", primary: "redacted", shadow: "redacted" },
  ]);
  expect(keptAnswer(answerOf("x".repeat(maxKeptLength + 1)), false, "", plainRules)).toHaveLength(maxKeptLength);
});
