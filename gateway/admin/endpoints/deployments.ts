// /api/v1/deployments: what is declared, served and measured of each deployment, or of one.
import { isNamed } from "../../explain/who.ts";
import { deploymentShape, type Deployment } from "../../api/deployments.ts";
import { visibleLines } from "../../../routing/text/visible.ts";
import { jsonType, notFound } from "../answers.ts";
import { deploymentKeys, deploymentOf, type DeploymentKey } from "../view/deployments.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { othersSay } from "../joined.ts";
import { joinedDeployment } from "../view/joined-deployments.ts";
import { listing } from "../list.ts";
import { slicesOfThread } from "../../shared/slices.ts";

export function deployments({ view, peers }: EndpointParts): Handler {
  return listing<DeploymentKey, Deployment>({
    gather: (slices) => deploymentKeys(view, slices),
    key: ({ namespace, name }) => JSON.stringify([namespace, name]),
    namespace: ({ namespace }) => namespace,
    json: (key) => deploymentOf(view, key),
    wanted: (query) => {
      const named = query.get("deployment");
      return (key) => isNamed(key, named);
    },
    joining: {
      peers,
      item: deploymentShape,
      namespace: ({ namespace }) => namespace,
      merge: (same) => [joinedDeployment(same.map(({ value }) => value))],
    },
  });
}

export function deployment({ view, peers }: EndpointParts): Handler {
  return async (request, reply, viewer) => {
    const { namespace = "", name = "" } = request.params as Readonly<Record<string, string | undefined>>;
    const isAsked = (one: { readonly namespace: string; readonly name: string }): boolean =>
      viewer.sees(namespace) && one.namespace === namespace && one.name === name;
    const others = await othersSay(peers, request.url, deploymentShape);
    const [own] = viewer.sees(namespace) ? await deploymentKeys(view, slicesOfThread(), { namespace, name }) : [];
    const all = [
      ...(own === undefined ? [] : [deploymentOf(view, own)]),
      ...others.said.flatMap(({ value }) => (isAsked(value) ? [value] : [])),
    ];
    if (all.length === 0) return notFound(reply, "Sluice serves no deployment of this name");
    return reply.type(jsonType).send(visibleLines(JSON.stringify({ ...joinedDeployment(all), away: others.away })));
  };
}
