// The gateway's replicas, by the EndpointSlices of their Service: asked for now and then, because they seldom change and a list of a few slices from
// the API server's cache costs it little.
import { arrayOf, fieldOf, recordOf, textOf } from "../../translate/values/value.ts";
import type { Api } from "../api/api.ts";
import type { FoundReplicas, Replica, ReplicaFinder } from "../objects/source.ts";

const callMs = 5000;

export class ClusterReplicas implements ReplicaFinder {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async find(namespace: string, service: string): Promise<FoundReplicas> {
    const query = new URLSearchParams({
      labelSelector: `kubernetes.io/service-name=${service}`,
      resourceVersion: "0",
    });
    const answer = await this.#api.ask({
      method: "GET",
      path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?${query.toString()}`,
      body: null,
      idleMs: callMs,
      signal: AbortSignal.timeout(callMs),
    });
    if (answer.kind !== "answer") return { kind: "failed", sentence: answer.sentence };
    return {
      kind: "found",
      replicas: arrayOf(fieldOf(recordOf(answer.value), "items")).flatMap((slice) => replicasOf(recordOf(slice))),
    };
  }
}

/** Those that are not ready too: what they have counted counts. */
function replicasOf(slice: Readonly<Record<string, unknown>>): readonly Replica[] {
  const [port] = arrayOf(slice["ports"]).map((one) => fieldOf(recordOf(one), "port"));
  if (typeof port !== "number") return [];
  return arrayOf(slice["endpoints"]).flatMap((endpoint) => {
    const { addresses, targetRef } = recordOf(endpoint);
    const [host] = arrayOf(addresses);
    if (typeof host !== "string") return [];
    return [{ name: textOf(fieldOf(recordOf(targetRef), "name")), host, port }];
  });
}
