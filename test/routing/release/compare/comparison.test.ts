// Pairs of answers: what agrees, what differs where, and what cannot be compared.
import * as fc from "../../../seeded.ts";
import { describe, expect, test } from "vitest";
import type { CapturedAnswer } from "../../../../routing/release/compare/answer.ts";
import type { Difference } from "../../../../routing/release/compare/compare-values.ts";
import {
  addedCounts,
  Comparison,
  type AnsweredPair,
  type PairVerdict,
} from "../../../../routing/release/compare/comparison.ts";
import { maxPathLength, maxPathNodes } from "../../../../routing/release/compare/path-tree.ts";
import { maxDepth } from "../../../../routing/release/compare/read-json.ts";
import { plainRules, readCompareRules, type CompareRules } from "../../../../routing/release/compare/rules.ts";
import { keptAnswer, maxKeptLength } from "../../../../routing/release/compare/redacted.ts";

function answerOf(body: unknown, more: Partial<CapturedAnswer> = {}): CapturedAnswer {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return { status: 200, grpcStatus: -1, headerBytes: -1, body: bytes, ...more };
}

function pairOf(primary: CapturedAnswer, shadow: CapturedAnswer | null): AnsweredPair {
  return { isGrpc: false, path: "/api/v0.1/predictions", primary, shadow };
}

function rulesOf(text: string): CompareRules {
  const read = readCompareRules(text);
  if ("mistake" in read || read.rules === null) throw new Error(JSON.stringify(read));
  return read.rules;
}

function verdict(primary: unknown, shadow: unknown, rules: CompareRules = plainRules): PairVerdict {
  return new Comparison(rules).add(pairOf(answerOf(primary), answerOf(shadow)));
}

function differencesOf(made: PairVerdict): readonly Difference[] {
  if (made.kind !== "disagreed") throw new Error(made.kind);
  return made.differences;
}

const agreed: PairVerdict = { kind: "agreed" };

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
      kind: "disagreed",
      differences: [{ path: "data.ndarray", primary: "2", shadow: "2.5" }],
    });
  });

  test("a missing value, another type, another length", () => {
    expect(differencesOf(verdict({ a: 1, b: "x", c: [1] }, { b: 2, c: [1, 2], d: {} }))).toEqual([
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
    expect(verdict({ x: one }, { x: other }, rulesOf(text)).kind).toBe(outcome);
  });

  test("an ignored path takes what is below it along; order counts where it is not said otherwise", () => {
    expect(verdict({ a: { b: [1, { c: 2 }] } }, { a: { b: 3 } }, rulesOf("ignore a"))).toEqual(agreed);
    expect(verdict({ n: ["x", "y"] }, { n: ["y", "x"] }).kind).toBe("disagreed");
    expect(verdict({ n: ["x", "y"] }, { n: ["y", "x"] }, rulesOf("unordered n"))).toEqual(agreed);
    expect(verdict({ n: [10, 9] }, { n: [9, 10] }, rulesOf("unordered n"))).toEqual(agreed);
    expect(verdict({ n: ["x", "y"] }, { n: ["y", "y"] }, rulesOf("unordered n")).kind).toBe("disagreed");
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
    expect(differencesOf(comparison.add(pairOf(binary([1, 2]), binary([1, 3]))))).toEqual([
      { path: "outputs.a.data", primary: "2", shadow: "3" },
    ]);
    const reasonOf = (shadow: CapturedAnswer): unknown =>
      differencesOf(comparison.add(pairOf(binary([1, 2]), shadow)))[0]!.shadow;
    expect(reasonOf({ ...binary([1]), headerBytes: 1000 })).toBe(
      "an answer that is shorter than its Inference-Header-Content-Length",
    );
    const cut = binary([1, 2]);
    expect(reasonOf({ ...cut, body: cut.body.subarray(0, cut.body.length - 1) })).toBe(
      "an answer that has binary tensors that do not fit their sizes",
    );
  });

  test("statuses are compared first; of equal failures the texts are not", () => {
    const comparison = new Comparison(plainRules);
    const failed = (status: number, text: string): CapturedAnswer => answerOf(text, { status });
    const apart = { path: "(status)", primary: "200", shadow: "500" };
    expect(comparison.add(pairOf(answerOf("{}"), failed(500, "x")))).toEqual({
      kind: "disagreed",
      differences: [apart],
    });
    expect(comparison.counts.paths).toMatchObject([{ path: "(status)", pairsApart: 1 }]);
    expect(comparison.add(pairOf(failed(500, "x"), failed(500, "y")))).toEqual(agreed);
    const unanswered = { kind: "incomparable", reason: "the shadow gave no answer" };
    expect(comparison.add(pairOf(answerOf("{}"), null))).toEqual(unanswered);
  });

  test("an answer that cannot be read: the shadow's disagrees, the primary's is not comparable, equal bytes agree", () => {
    expect(differencesOf(verdict("{}", "{"))[0]!.shadow).toBe("an answer that is not JSON");
    expect(differencesOf(verdict("{}", ""))[0]!.shadow).toBe("an answer that is empty");
    expect(verdict("{", "{}")).toEqual({ kind: "incomparable", reason: "the primary's answer is not JSON" });
    expect(verdict("not JSON", "not JSON")).toEqual(agreed);
  });
});

test("what was not compared is counted by each reason, and counts of replicas add up", () => {
  const counted = (): Comparison => {
    const comparison = new Comparison(plainRules);
    comparison.add(pairOf(answerOf({ a: 1 }), answerOf({ a: 3.5 })));
    comparison.add(pairOf(answerOf("{"), answerOf("{}")));
    comparison.add(pairOf(answerOf("{}"), null));
    comparison.add(pairOf(answerOf("{}"), null));
    comparison.leave("rate", 5);
    return comparison;
  };
  const one = counted();
  one.leave("too large", 9);
  expect(addedCounts(one.counts, counted().counts)).toEqual({
    agreed: 0,
    disagreed: 2,
    incomparable: [
      { reason: "the shadow gave no answer", count: 4 },
      { reason: "the primary's answer is not JSON", count: 2 },
    ],
    leftOut: [
      { reason: "rate", count: 10 },
      { reason: "too large", count: 9 },
    ],
    paths: [{ path: "a", redacted: false, pairsApart: 2, numbersApart: 2, maxDifference: 2.5 }],
    morePaths: false,
  });
});

describe("whole numbers", () => {
  test.each([
    ["12345678", "12345679", "true", "disagreed"],
    ["12345678", "12345679", "tolerance 1e-3", "disagreed"],
    ["12345678", "12345679", "tolerance 1", "agreed"],
    ["12345678", "12345679", "relative 1e-6", "agreed"],
    ["12345678", "12345679", "tolerance 1 at other", "disagreed"],
    ["12345678.0", "12345678", "true", "agreed"],
    ["12345678.5", "12345679", "true", "agreed"],
    ["9007199254740993", "9007199254740992", "true", "disagreed"],
    ["9007199254740993", "9007199254740993", "true", "agreed"],
    ["-90071992547409931", "-90071992547409932", "true", "disagreed"],
    ["90071992547409931", "90071992547409932", "tolerance 1", "agreed"],
    ["90071992547409931", "90071992547409933", "tolerance 1", "disagreed"],
    ["9".repeat(50), `${"9".repeat(49)}8`, "true", "disagreed"],
    ["0.12345678901234567", "0.12345678901234568", "true", "agreed"],
    ["1e300", "1.0000001e300", "true", "disagreed"],
    ['"9007199254740993"', '"9007199254740992"', "true", "disagreed"],
    ['"a\\"9007199254740993"', '"a\\"9007199254740993"', "true", "agreed"],
    ["-0", "0", "true", "agreed"],
  ])("%s beside %s by %s: %s", (one, other, rules, kind) => {
    expect(verdict(`{"x":[${one}]}`, `{ "x": [${other}] }`, rulesOf(rules)).kind).toBe(kind);
  });

  test("each differs from the next, however large", async () => {
    await fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 39n), max: 10n ** 39n }), fc.boolean(), (one, isSame) => {
        const other = isSame ? one : one + 1n;
        expect(verdict(`[${one}]`, `[ ${other}]`).kind).toBe(isSame ? "agreed" : "disagreed");
      }),
    );
  });
});

test("columns of Seldon are compared by their names", () => {
  const rows = (names: readonly string[], ...ndarray: readonly unknown[]): unknown => ({ data: { names, ndarray } });
  const tensor = (names: readonly string[], shape: readonly number[], values: readonly number[]): unknown => ({
    data: { names, tensor: { shape, values } },
  });
  expect(verdict(rows(["b", "a"], [1, 2], [3, 4]), rows(["a", "b"], [2, 1], [4, 3])).kind).toBe("agreed");
  expect(verdict(rows(["b", "a"], [1, 2]), rows(["a", "b"], [1, 2])).kind).toBe("disagreed");
  expect(verdict(tensor(["b", "a"], [2, 2], [1, 2, 3, 4]), tensor(["a", "b"], [2, 2], [2, 1, 4, 3])).kind).toBe(
    "agreed",
  );
  // Without a name for each column their order counts.
  for (const names of [
    ["a", "a"],
    ["b", "a", "c"],
  ])
    expect(verdict(rows(names, [1, 2]), rows(names.toReversed(), [2, 1])).kind).toBe("disagreed");
});

describe("bounds", () => {
  const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels);
  const tooDeep = { path: "", primary: "an answer", shadow: `an answer that has more than ${maxDepth} levels` };

  test.each([
    [maxDepth, false],
    [maxDepth + 1, true],
    [10_000, true],
    [130_000, true],
  ])("%d levels: too deep %s", (levels, isTooDeep) => {
    const differences = differencesOf(verdict("{}", nested(levels)));
    if (isTooDeep) expect(differences).toEqual([tooDeep]);
    else expect(differences).not.toEqual([tooDeep]);
    const long = `[${nested(levels)},9007199254740993]`;
    expect(verdict(long, `${long} `).kind).toBe(levels < maxDepth ? "agreed" : "incomparable");
  });

  test("paths: what is beyond is compared, and its memory is not kept", () => {
    const comparison = new Comparison(plainRules);
    for (let at = 0; at < 2 * maxPathNodes; at++)
      comparison.add(pairOf(answerOf({ [`k${at}`]: 1 }), answerOf({ [`k${at}`]: 2 })));
    const { paths, morePaths, disagreed } = comparison.counts;
    expect(paths.length).toBeLessThan(maxPathNodes);
    expect([morePaths, disagreed]).toEqual([true, 2 * maxPathNodes]);
  });

  test.each([
    [-1, 1],
    [0, 1],
    [1, 0],
  ])("a path of %d characters more than are kept", (more, kept) => {
    const comparison = new Comparison(plainRules);
    const names = ["a".repeat(66), "b".repeat(66), "c".repeat(maxPathLength - 134 + more)];
    const tree = (value: number): unknown => names.reduceRight<unknown>((below, name) => ({ [name]: below }), value);
    const made = comparison.add(pairOf(answerOf(tree(1)), answerOf(tree(2))));
    expect(differencesOf(made)[0]!.path.length).toBeLessThanOrEqual(maxPathLength);
    expect(comparison.counts.paths).toHaveLength(kept);
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
          const rules = "rules" in read ? read.rules! : plainRules;
          const text = JSON.stringify(value);
          expect(verdict(text, `${text} `, rules)).toEqual(agreed);
        },
      ),
    );
  });

  test("whether two agree does not depend on which is the primary", async () => {
    await fc.assert(
      fc.property(tree, tree, (one, other) => {
        const [a, b] = [JSON.stringify(one), JSON.stringify(other)];
        expect(verdict(a, b).kind).toBe(verdict(b, a).kind);
      }),
    );
  });

  test("a wider tolerance never parts what agreed", async () => {
    const numbers = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { maxLength: 8 });
    await fc.assert(
      fc.property(numbers, numbers, fc.nat(1000), fc.nat(1000), (one, other, narrow, more) => {
        const of = (tolerance: number): string =>
          verdict(one, other, rulesOf(`tolerance ${tolerance}; relative 0`)).kind;
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
        fc.constantFrom("/seldon.protos.Seldon/Predict", "/inference.GRPCInferenceService/ModelInfer", "/x/Y"),
        fc.integer({ min: -1, max: 220 }),
        (one, other, isGrpc, path, headerBytes) => {
          const framed = (bytes: Uint8Array): Uint8Array =>
            Buffer.concat([Buffer.from([0, 0, 0, 0, bytes.length]), bytes]);
          const body = (bytes: Uint8Array): CapturedAnswer =>
            answerOf(isGrpc ? framed(bytes) : bytes, { headerBytes, grpcStatus: isGrpc ? 0 : -1 });
          const comparison = new Comparison(plainRules);
          const pair = { ...pairOf(body(one), body(other)), isGrpc, path };
          expect(["agreed", "disagreed", "incomparable"]).toContain(comparison.add(pair).kind);
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
  expect(differencesOf(verdict({ secret: 1 }, { secret: 2 }, rules))).toEqual([
    { path: "secret", primary: "redacted", shadow: "redacted" },
  ]);
  expect(keptAnswer(answerOf("x".repeat(maxKeptLength + 1)), false, "", plainRules)).toHaveLength(maxKeptLength);
});
