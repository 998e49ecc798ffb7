// `sluice.io/traffic`: percent by predictor, as text.
import { numberOf, quoted } from "../values/value.ts";
import type { Named, Parsed } from "./annotation.ts";

/** `main=75,canary=25`: percent by predictor, 0 or more. */
export function parseTraffic(text: string, predictors: readonly Named[]): Parsed<ReadonlyMap<string, number>> {
  const names = new Set(predictors.map(({ name }) => name));
  const shares = new Map<string, number>();
  for (const part of text.split(",")) {
    const [name = "", number = "", ...rest] = part.split("=").map((piece) => piece.trim());
    const value = numberOf(number);
    if (rest.length > 0 || value === null || value < 0)
      return { kind: "wrong", reason: `has ${quoted(part.trim())}, which is not name=number` };
    if (!names.has(name)) return { kind: "wrong", reason: `names ${quoted(name)}, which is not a predictor` };
    if (shares.has(name)) return { kind: "wrong", reason: `names predictor ${quoted(name)} twice` };
    shares.set(name, value);
  }
  return { kind: "value", value: shares };
}

export function exampleTraffic(predictors: readonly Named[]): string {
  return predictors
    .map((predictor, index) => `${predictor.name}=${index === 0 ? 100 : 0}`)
    .join(",")
    .slice(0, 120);
}
