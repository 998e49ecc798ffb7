// The demo's model: multinomial logistic regression on Fisher's iris measurements, in two versions with fitted coefficients.
//
// The coefficients in iris.json were fitted to the 150 measurements as R prints them (`write.csv(iris, row.names = FALSE)`; Fisher 1936) by
// gradient descent on standardised features with an L2 penalty of 0.001. Version 1 sees the sepals only and is right about 83 in 100 of them;
// version 2 sees all four measurements and is right about 98. So the two answer differently, and the canary is the better one.
import iris from "./iris.json" with { type: "json" };

/** One fitted version: a row of weights per class (one weight a feature, per cm) and one intercept per class. */
export interface Coefficients {
  readonly weights: readonly (readonly number[])[];
  readonly intercepts: readonly number[];
}

export type ModelVersion = "1" | "2";

/** The name of the demo's model in its predictor's graph. */
export const modelName = "classifier";

/** How an answer names the model that gave it, in `meta.requestPath` as Seldon does (there: the container image). */
export function modelImage(version: ModelVersion): string {
  return `iris:${version}`;
}

/** What the columns of a request row mean, in order; cm. */
export const featureNames: readonly string[] = iris.features;
/** What the columns of an answer row mean, in order. */
export const classNames: readonly string[] = iris.classes;
export const coefficients: Readonly<Record<ModelVersion, Coefficients>> = iris.versions;

/** Probability of each class for one row of measurements. The row has as many numbers as the coefficients have features. */
export function probabilities(model: Coefficients, row: readonly number[]): readonly number[] {
  const scores = model.weights.map((weights, klass) =>
    weights.reduce((sum, weight, feature) => sum + weight * row[feature]!, model.intercepts[klass]!),
  );
  // The largest score becomes exp(0), so no finite row overflows.
  const largest = Math.max(...scores);
  const exponentials = scores.map((score) => Math.exp(score - largest));
  const total = exponentials.reduce((sum, value) => sum + value, 0);
  return exponentials.map((value) => value / total);
}
