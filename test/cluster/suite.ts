// Suites that need the built programs, a network of their own, or addresses for pods: skipped, with the reason in their name, where these cannot be had.
import { describe } from "vitest";
import { binaries } from "./binaries.ts";
import { ownNetworkMissing } from "./own-network.ts";
import { podNetworkMissing } from "./pod-network.ts";

export function describeCluster(name: string, tests: () => void): void {
  describeUnless(ownNetworkMissing ?? (binaries.kind === "missing" ? binaries.reason : null), name, tests);
}

/** For suites that start pods. */
export function describeClusterWithPods(name: string, tests: () => void): void {
  describeUnless(ownNetworkMissing ?? (binaries.kind === "missing" ? binaries.reason : podNetworkMissing), name, tests);
}

function describeUnless(reason: string | null, name: string, tests: () => void): void {
  if (reason === null) describe(name, tests);
  else describe.skip(`${name} (${reason})`, tests);
}
