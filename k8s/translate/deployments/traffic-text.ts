// `sluice.io/traffic`: percent by predictor, as text.
import type { Predictor } from "../model/deployment.ts";
import { notText, numberOf, quoted } from "../values/value.ts";

export type TrafficText =
  | { readonly kind: "shares"; readonly shares: ReadonlyMap<string, number> }
  | { readonly kind: "wrong"; readonly reason: string };

/** `main=75,canary=25`: percent by predictor, 0 or more. */
export function parseTraffic(text: string, predictors: readonly Predictor[]): TrafficText {
  const names = new Set(predictors.map(({ name }) => name));
  const shares = new Map<string, number>();
  for (const part of text.split(",")) {
    const [name = "", number = "", ...rest] = part.split("=").map((piece) => piece.trim());
    const value = numberOf(number);
    if (rest.length > 0 || value === null || value < 0)
      return { kind: "wrong", reason: `${quoted(part === notText ? part : part.trim())} is not name=number` };
    if (!names.has(name)) return { kind: "wrong", reason: `there is no predictor ${quoted(name)}` };
    if (shares.has(name)) return { kind: "wrong", reason: `predictor ${quoted(name)} is named twice` };
    shares.set(name, value);
  }
  return { kind: "shares", shares };
}

export function exampleTraffic(predictors: readonly Predictor[]): string {
  return predictors
    .map((predictor, index) => `${predictor.name}=${index === 0 ? 100 : 0}`)
    .join(",")
    .slice(0, 120);
}
