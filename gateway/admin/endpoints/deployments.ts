// /api/v1/deployments: what is declared, served and measured of each deployment, or of one.
import { visibleLines } from "../../../routing/text/visible.ts";
import { jsonType, notFound } from "../answers.ts";
import { deploymentKeys, deploymentOf, type DeploymentKey } from "../view/deployments.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { listing } from "../list.ts";
import { slicesOfThread } from "../../shared/slices.ts";

export function deployments({ view }: EndpointParts): Handler {
  return listing<DeploymentKey>({
    gather: (slices) => deploymentKeys(view, slices),
    key: ({ namespace, name }) => JSON.stringify([namespace, name]),
    namespace: ({ namespace }) => namespace,
    json: (key) => deploymentOf(view, key),
    wanted: (query) => {
      const named = query.get("deployment");
      return ({ namespace, name }) => named === null || named === name || named === `${namespace}/${name}`;
    },
  });
}

export function deployment({ view }: EndpointParts): Handler {
  return async (request, reply, viewer) => {
    const { namespace = "", name = "" } = request.params as Readonly<Record<string, string | undefined>>;
    const found = viewer.sees(namespace)
      ? (await deploymentKeys(view, slicesOfThread(), { namespace, name }))[0]
      : undefined;
    if (found === undefined) return notFound(reply, "Sluice serves no deployment of this name");
    return reply.type(jsonType).send(visibleLines(JSON.stringify(deploymentOf(view, found))));
  };
}
