// /api/v1/comparisons: what became of compared shadows, of all deployments or of one with its disagreements.
import { visibleLines } from "../../../routing/text/visible.ts";
import type { ComparedDeployment, ShownComparison } from "../../api/comparisons.ts";
import { jsonType, notFound } from "../answers.ts";
import { shownComparisons } from "../view/comparisons.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { listing } from "../list.ts";

export function comparisons({ compared }: EndpointParts): Handler {
  return listing<ShownComparison>({
    gather: () => shownComparisons(compared.states),
    key: ({ namespace, deployment, predictor, against }) => JSON.stringify([namespace, deployment, predictor, against]),
    namespace: ({ namespace }) => namespace,
    json: (one) => one,
    wanted: (query) => {
      const named = query.get("deployment");
      return ({ namespace, deployment }) =>
        named === null || named === deployment || named === `${namespace}/${deployment}`;
    },
  });
}

export function comparison({ compared }: EndpointParts): Handler {
  return async (request, reply, viewer) => {
    const { namespace = "", name = "" } = request.params as Readonly<Record<string, string | undefined>>;
    const states = viewer.sees(namespace)
      ? compared.states.filter((one) => one.namespace === namespace && one.deployment === name)
      : [];
    if (states.length === 0)
      return notFound(
        reply,
        "Sluice has compared no answers of a deployment of this name: sluice.io/compare asks for it",
      );
    const kept = await compared.disagreements(namespace, name);
    const answer: ComparedDeployment = {
      namespace,
      deployment: name,
      comparisons: shownComparisons(states),
      disagreements: kept.map(
        ({ namespace: _namespace, deployment: _deployment, outcome: _outcome, ...disagreement }) => disagreement,
      ),
    };
    return reply.type(jsonType).send(visibleLines(JSON.stringify(answer)));
  };
}
