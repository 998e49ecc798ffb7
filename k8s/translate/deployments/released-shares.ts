// Shares of the live predictors of an SD that is released: what the record says, within what the spec names.
import { predictorShares } from "../../../routing/route/weights.ts";
import type { PlannedRelease, ReleaseEntry } from "../model/release.ts";
import { digestOfArms } from "./model-digest.ts";

/**
 * 0..1 by live predictor, in order; they sum to 1. `traffic`: percent that the spec declares. Without an entry that is of these models, the canary has
 * no traffic yet. What stopped stays where the record has it, but for another model. Without a record, or where predictors or models of it are gone,
 * no predictor after the first gets more than the spec declares.
 */
export function releasedShares(
  { plan, arms, models }: PlannedRelease,
  traffic: readonly (number | null)[],
  entry: ReleaseEntry | null,
): readonly number[] {
  const declared = predictorShares(traffic).shares;
  if (plan.kind === "stopped") {
    const said = predictorShares(traffic.map((one, at) => (at === 0 ? one : (one ?? 0)))).shares;
    if (entry === null) return said;
    if (isOfOtherModels(plan.models, arms, entry))
      return entry.kind === "rollout"
        ? sharesWith(Object.fromEntries(Object.keys(entry.shares).map((name) => [name, 0])), arms, said)
        : said;
    // A predictor that the record names may have another name now: it is none of those that share what is left alike.
    return sharesWith(entry.shares, arms, isWhole(arms, entry) ? declared : said);
  }
  if (entry?.kind === plan.kind && entry.models === models) return sharesWith(entry.shares, arms, declared);
  return plan.kind === "rollout" ? sharesWith({ [plan.plan.to]: 0 }, arms, declared) : declared;
}

/** Of a release that stopped: are its predictors there, with other models than those that came so far? `models`: digest of each arm. */
export function isOfOtherModels(models: readonly string[], arms: readonly string[], entry: ReleaseEntry): boolean {
  return isWhole(arms, entry) && digestOfArms(arms, models, Object.keys(entry.shares)) !== entry.models;
}

function isWhole(arms: readonly string[], { shares }: ReleaseEntry): boolean {
  return Object.keys(shares).every((name) => arms.includes(name));
}

/** `percent` of those that it names and that are there. The others share what is left as they are declared, or the first of them takes it. */
export function sharesWith(
  percent: Readonly<Record<string, number>>,
  arms: readonly string[],
  declared: readonly number[],
): readonly number[] {
  const said = arms.map((name) => (Object.hasOwn(percent, name) ? Math.max(0, percent[name]!) / 100 : null));
  const sum = total(said.map((share) => share ?? 0));
  const others = declared.map((share, at) => (said[at] === null ? share : 0));
  if (said.every((share) => share !== null) || sum > 1) {
    // All that are left were named, or more than there is: none of it is lost.
    if (sum === 0) return arms.map((_, at) => (at === 0 ? 1 : 0));
    return said.map((share) => (share ?? 0) / sum);
  }
  const rest = total(others);
  const first = said.indexOf(null);
  return said.map((share, at) => share ?? (rest > 0 ? ((1 - sum) * others[at]!) / rest : at === first ? 1 - sum : 0));
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
