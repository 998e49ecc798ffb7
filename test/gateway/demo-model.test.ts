import { describe, expect, test } from "vitest";
import { classNames, coefficients, probabilities, type Coefficients } from "../../gateway/demo/classifier.ts";
import { answer } from "../../gateway/demo/seldon-protocol.ts";

interface Flower {
  /** Measurements, cm. */
  readonly row: readonly number[];
  /** Index into the class names. */
  readonly klass: number;
}

// Fifteen of Fisher's flowers, five of each class.
const flowers: readonly Flower[] = [
  ...[
    [5.1, 3.5, 1.4, 0.2],
    [4.9, 3.0, 1.4, 0.2],
    [4.7, 3.2, 1.3, 0.2],
    [5.4, 3.9, 1.7, 0.4],
    [5.0, 3.4, 1.5, 0.2],
  ].map((row) => ({ row, klass: 0 })),
  ...[
    [7.0, 3.2, 4.7, 1.4],
    [6.4, 3.2, 4.5, 1.5],
    [6.9, 3.1, 4.9, 1.5],
    [5.5, 2.3, 4.0, 1.3],
    [5.7, 2.8, 4.5, 1.3],
  ].map((row) => ({ row, klass: 1 })),
  ...[
    [6.3, 3.3, 6.0, 2.5],
    [5.8, 2.7, 5.1, 1.9],
    [7.1, 3.0, 5.9, 2.1],
    [6.3, 2.9, 5.6, 1.8],
    [6.5, 3.0, 5.8, 2.2],
  ].map((row) => ({ row, klass: 2 })),
];

describe("the classifier", () => {
  test("answers probabilities that sum to 1, however extreme the row", () => {
    for (const row of [
      [5.1, 3.5, 1.4, 0.2],
      [1e6, -1e6, 1e6, 1e6],
      [0, 0, 0, 0],
    ]) {
      const sum = probabilities(coefficients["2"], row).reduce((total, value) => total + value, 0);
      expect(sum).toBeCloseTo(1, 12);
    }
  });

  test("of version 2 knows every sample, and version 1 takes some versicolors for virginicas", () => {
    expect(accuracy(coefficients["2"], flowers)).toBe(1);
    expect(accuracy(coefficients["1"], flowers)).toBeLessThan(1);
    expect(mostProbable(probabilities(coefficients["1"], [7.0, 3.2, 4.7, 1.4]))).toBe("virginica");
    expect(mostProbable(probabilities(coefficients["2"], [7.0, 3.2, 4.7, 1.4]))).toBe("versicolor");
  });
});

describe("Seldon's protocol", () => {
  const ndarray = JSON.stringify({
    data: {
      names: ["a", "b", "c", "d"],
      ndarray: [
        [5.1, 3.5, 1.4, 0.2],
        [6.3, 3.3, 6.0, 2.5],
      ],
    },
  });
  const tensor = JSON.stringify({
    data: { tensor: { shape: [2, 4], values: [5.1, 3.5, 1.4, 0.2, 6.3, 3.3, 6.0, 2.5] } },
  });

  test.each(["/api/v0.1/predictions", "/api/v1.0/predictions"])("answers %s in the form it was asked in", (path) => {
    const fromNdarray = answer("2", "POST", path, ndarray, "p-1");
    const fromTensor = answer("2", "POST", path, tensor, "p-1");
    expect(fromNdarray).toMatchObject({
      status: 200,
      body: {
        data: { names: classNames, ndarray: [expect.any(Array), expect.any(Array)] },
        meta: { puid: "p-1", requestPath: { classifier: "iris:2" } },
      },
    });
    expect(fromTensor).toMatchObject({ status: 200, body: { data: { tensor: { shape: [2, 3] } } } });
    const rows = (fromNdarray.body as { data: { ndarray: number[][] } }).data.ndarray;
    expect((fromTensor.body as { data: { tensor: { values: number[] } } }).data.tensor.values).toEqual(rows.flat());
  });

  test.each([
    ["no JSON", "{"],
    ["no object", "[]"],
    ["no data", "{}"],
    ["neither ndarray nor tensor", '{"data":{"strData":"x"}}'],
    ["a row of three", '{"data":{"ndarray":[[1,2,3]]}}'],
    ["words", '{"data":{"ndarray":[["a","b","c","d"]]}}'],
    ["a shape that does not fit", '{"data":{"tensor":{"shape":[2,4],"values":[1,2,3,4]}}}'],
    ["too few names", '{"data":{"names":["a"],"ndarray":[[1,2,3,4]]}}'],
  ])("refuses %s with 400 and the reason", (_, body) => {
    expect(answer("1", "POST", "/api/v1.0/predictions", body, "p-1")).toMatchObject({
      status: 400,
      body: { status: { code: 400, status: "FAILURE", info: expect.any(String) } },
    });
  });

  test.each([
    ["POST", "/api/v1.0/feedback", '{"reward":1}', 200],
    ["POST", "/api/v1.0/feedback", "{}", 400],
    ["GET", "/api/v1.0/metadata", "", 200],
    ["GET", "/api/v0.1/metadata/classifier", "", 200],
    ["GET", "/api/v1.0/metadata/other", "", 404],
    ["GET", "/api/v1.0/health/status", "", 200],
    ["GET", "/api/v1.0/predictions", "", 405],
    ["OPTIONS", "/api/v1.0/predictions", "", 200],
    ["GET", "/ready", "", 200],
    ["GET", "/live", "", 200],
    ["GET", "/", "", 404],
  ])("%s %s %s: %i", (method, path, body, status) => {
    expect(answer("1", method, path, body, "p-1").status).toBe(status);
  });
});

function mostProbable(row: readonly number[]): string {
  return classNames[row.indexOf(Math.max(...row))]!;
}

/** Share of flowers whose most probable class is their own. */
function accuracy(model: Coefficients, all: readonly Flower[]): number {
  const right = all.filter(({ row, klass }) => mostProbable(probabilities(model, row)) === classNames[klass]);
  return right.length / all.length;
}
