// A request that waits for a provider while somebody changes who may call.
import { expect, test } from "vitest";
import type { Admittance } from "../../../../gateway/callers/effective.ts";
import type { Callers } from "../../../../gateway/edge/identity/callers.ts";
import type { Admission, Verifier } from "../../../../gateway/edge/identity/verifier.ts";
import { identityStep } from "../../../../gateway/edge/steps/identity.ts";
import { waits, type StepRequest, type Verdict } from "../../../../gateway/edge/steps/step.ts";

const admitted: Admission = { kind: "admitted", caller: { provider: "corp", client: "one" }, change: null };
const corp: Admittance = { kind: "providers", names: ["corp"], since: "object" };

function verifierWith(verify: Verifier["verify"]): Verifier {
  return {
    challenges: ["Bearer"],
    verify,
    fields: [],
    unexplained: null,
    take: () => false,
    keysLooked: () => undefined,
  };
}

/** What becomes of it when `change` comes before the provider has answered. */
async function verdictAfter(change: (world: { now: Admittance; verifier: Verifier }) => void): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<Admission>();
  const verifier = verifierWith(() => promise);
  const world = { now: corp, verifier };
  const callers = {
    verifierOf: () => world.verifier,
    readsQuery: () => false,
    count: () => undefined,
  } as unknown as Callers;
  const said = Promise.withResolvers<Verdict>();
  const request = {
    earlier: null,
    wait: () => said.resolve,
    admit: () => undefined,
    addToAnswer: () => undefined,
  } as unknown as StepRequest;
  expect(identityStep(() => world.now, callers, false).take(request)).toBe(waits);
  change(world);
  resolve(admitted);
  const verdict = await said.promise;
  return verdict.kind === "fail" ? verdict.failure.name : verdict.kind;
}

test.each<[string, string, (world: { now: Admittance; verifier: Verifier }) => void]>([
  ["nothing", "go-on", () => undefined],
  ["the same said once more", "go-on", (world) => (world.now = { ...corp })],
  ["another provider", "identity-unavailable", (world) => (world.now = { ...corp, names: ["partners"] })],
  ["nobody", "identity-unavailable", (world) => (world.now = { kind: "nobody", sentence: "x", since: "object" })],
  ["another provider of the name", "identity-unavailable", (world) => (world.verifier = verifierWith(() => admitted))],
])("%s: %s", async (_what, outcome, change) => {
  expect(await verdictAfter(change)).toBe(outcome);
});
