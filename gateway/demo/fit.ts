// Fits the demo's two model versions and prints iris.json:
//
//   npx node gateway/demo/fit.ts iris.csv > gateway/demo/iris.json
//
// iris.csv: a header line, then sepal length, sepal width, petal length, petal width (cm) and the class, one flower a line,
// as R writes it (`write.csv(iris, row.names = FALSE)`). The measurements themselves are not part of this repository.
import { readFileSync } from "node:fs";
import { probabilities, type Coefficients } from "./classifier.ts";

export interface Flower {
  /** Measurements, cm. */
  readonly row: readonly number[];
  /** Index into the class names. */
  readonly klass: number;
}

/** L2 penalty on standardised weights: small, and enough to keep the separable class's weights finite. */
const penalty = 0.001;
const steps = 20_000;
const stepSize = 0.5;

/**
 * Maximum-likelihood multinomial logistic regression by full-batch gradient descent on standardised features: no draws, so the same rows
 * give the same coefficients. Features outside `used` (indices of columns) get weight 0.
 */
export function fit(flowers: readonly Flower[], classes: number, used: readonly number[]): Coefficients {
  const features = flowers[0]!.row.length;
  const mean = Array.from({ length: features }, (_, feature) => average(flowers.map(({ row }) => row[feature]!)));
  const deviation = mean.map((centre, feature) =>
    Math.sqrt(average(flowers.map(({ row }) => (row[feature]! - centre) ** 2))),
  );
  const standardised = flowers.map(({ row, klass }) => ({
    klass,
    row: row.map((value, feature) => (value - mean[feature]!) / deviation[feature]!),
  }));

  const weights = Array.from({ length: classes }, () => Array.from({ length: features }, () => 0));
  const intercepts = Array.from({ length: classes }, () => 0);
  for (let step = 0; step < steps; step++) {
    const slopes = weights.map((row) => row.map((weight) => penalty * weight));
    const interceptSlopes = intercepts.map(() => 0);
    for (const { row, klass } of standardised) {
      probabilities({ weights, intercepts }, row).forEach((probability, of) => {
        const error = (probability - (of === klass ? 1 : 0)) / standardised.length;
        interceptSlopes[of]! += error;
        for (const feature of used) slopes[of]![feature]! += error * row[feature]!;
      });
    }
    weights.forEach((row, of) => {
      for (const feature of used) row[feature]! -= stepSize * slopes[of]![feature]!;
      intercepts[of]! -= stepSize * interceptSlopes[of]!;
    });
  }

  // Back to centimetres: a standardised weight w at (x - mean) / deviation is w / deviation a centimetre, and the rest is intercept.
  const perCm = weights.map((row) => row.map((weight, feature) => weight / deviation[feature]!));
  return {
    weights: perCm.map((row) => row.map(rounded)),
    intercepts: intercepts.map((intercept, of) =>
      rounded(intercept - perCm[of]!.reduce((sum, weight, feature) => sum + weight * mean[feature]!, 0)),
    ),
  };
}

/** Share of flowers whose most probable class is their own. */
export function accuracy(model: Coefficients, flowers: readonly Flower[]): number {
  const right = flowers.filter(({ row, klass }) => {
    const answer = probabilities(model, row);
    return answer.indexOf(Math.max(...answer)) === klass;
  });
  return right.length / flowers.length;
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function rounded(value: number): number {
  return Number(value.toFixed(6));
}

function readFlowers(file: string): { readonly classes: readonly string[]; readonly flowers: readonly Flower[] } {
  const lines = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.replaceAll('"', "").split(","));
  const classes = [...new Set(lines.map((cells) => cells[4]!))];
  return {
    classes,
    flowers: lines.map((cells) => ({ row: cells.slice(0, 4).map(Number), klass: classes.indexOf(cells[4]!) })),
  };
}

if (import.meta.main) {
  const { classes, flowers } = readFlowers(process.argv[2] ?? "iris.csv");
  const versions = { 1: fit(flowers, classes.length, [0, 1]), 2: fit(flowers, classes.length, [0, 1, 2, 3]) };
  for (const [version, model] of Object.entries(versions))
    process.stderr.write(`version ${version}: ${(100 * accuracy(model, flowers)).toFixed(1)} % right\n`);
  const features = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"];
  // One line a row of numbers, so that a later fit reads as a small diff.
  const text = JSON.stringify({ features, classes, versions }, null, 2).replace(/\[[^[\]{}]*\]/gu, (row) =>
    row.replace(/\s+/gu, " "),
  );
  process.stdout.write(`${text}\n`);
}
