// What this replica alone has compared of one deployment, and the same for its peers.
import { cutText } from "../../../routing/release/compare/cut-text.ts";
import { maxKeptLength } from "../../../routing/release/compare/redacted.ts";
import type { ComparedDeployment } from "../../api/comparisons.ts";
import { shownComparisons } from "./comparisons.ts";
import type { ComparedView } from "./view.ts";

/** Of an answer to a peer, which reads 4 MiB. */
const maxPeerBytes = 3 * 1024 * 1024;

/** null: nothing was compared. */
export async function ownComparison(
  compared: ComparedView,
  namespace: string,
  deployment: string,
): Promise<ComparedDeployment | null> {
  const states = compared.states.filter((one) => one.namespace === namespace && one.deployment === deployment);
  if (states.length === 0) return null;
  const kept = await compared.disagreements(namespace, deployment);
  return {
    namespace,
    deployment,
    replicas: [{ replica: "this replica", sentence: null }],
    comparisons: [...shownComparisons(states)],
    disagreements: kept.map(
      ({ namespace: _namespace, deployment: _deployment, outcome: _outcome, ...disagreement }) => ({
        ...disagreement,
        differences: [...disagreement.differences],
      }),
    ),
  };
}

/** With answers so short that all of it fits into what a peer reads. */
export function forPeer(compared: ComparedDeployment): ComparedDeployment {
  for (let max = maxKeptLength; ; max /= 2) {
    const cut =
      max < 1
        ? []
        : compared.disagreements.map((one) => ({
            ...one,
            primary: cutText(one.primary, max),
            shadow: cutText(one.shadow, max),
          }));
    const shorter = { ...compared, disagreements: cut };
    if (max < 1 || Buffer.byteLength(JSON.stringify(shorter)) <= maxPeerBytes) return shorter;
  }
}
