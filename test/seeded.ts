// fast-check as the tests have it: every run of a commit tries the same cases, so that what passes once passes again. To hunt for others, some minutes or hours long:
//
//   PROPERTY_SEED=random PROPERTY_RUNS=25 npm test -- --testTimeout 3600000 test/k8s test/routing
//
// `PROPERTY_SEED` is a whole number of 32 bits or `random`; `PROPERTY_RUNS` multiplies how many cases each property tries. A failure prints its seed.
import * as fastCheck from "fast-check";

export * from "fast-check";

const wanted = process.env["PROPERTY_SEED"] ?? "20261123";
const seed = wanted === "random" ? Math.trunc(Math.random() * 2 ** 32) | 0 : Number(wanted);
const times = Number(process.env["PROPERTY_RUNS"] ?? "1");
if (!Number.isInteger(seed) || !(times >= 1))
  throw new Error("PROPERTY_SEED is a whole number or `random`, PROPERTY_RUNS is a number from 1 on");

/** fast-check's own, of this seed and as many times as many runs. What a property names itself, as the seed and path of a failure, holds. */
export function assert<Ts>(
  property: fastCheck.IRawProperty<Ts>,
  parameters: fastCheck.Parameters<Ts> = {},
): Promise<void> | void {
  return fastCheck.assert(property, { seed, ...parameters, numRuns: Math.ceil((parameters.numRuns ?? 100) * times) });
}
