// A stage for tests of releases: a real API server, and three gateways as the chart installs them, each a process with a peer address of its own.
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Deployment } from "../../gateway/api/deployments.ts";
import type { Rollout } from "../../gateway/api/rollouts.ts";
import type { GatewayProcess } from "../gateway/gateway-process.ts";
import { until } from "../gateway/until.ts";
import type { ClusterObject } from "./api-client.ts";
import { ApiProxy } from "./api-proxy.ts";
import { ApiServer } from "./api-server.ts";
import { installChart, startInstalled } from "./installed-gateway.ts";
import { PodNetwork } from "./pod-network.ts";
import { PodService } from "./pods.ts";
import { PredictionStream } from "./stream.ts";

const namespace = "models";

export const recordPath = "/api/v1/namespaces/sluice/configmaps/sluice-releases";
export const record: ClusterObject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "sluice-releases", namespace: "sluice" },
};
const leasePath = "/apis/coordination.k8s.io/v1/namespaces/sluice/leases/sluice-releases";

export interface Replica {
  readonly gateway: GatewayProcess;
  /** Of its pod. */
  readonly address: string;
  /** `http://ADDRESS:8877`. */
  readonly admin: string;
  readonly traffic: string;
  /** Before the API server; null: none. */
  readonly proxy: ApiProxy | null;
}

export interface ReleasedPredictor {
  readonly name: string;
  /** Left out: `model:1`. */
  readonly image?: string;
  readonly shadow?: boolean;
}

export class ReleaseStage {
  readonly cluster: ApiServer;
  replicas: Replica[] = [];
  streams: PredictionStream[] = [];
  services: PodService[] = [];
  readonly #network: PodNetwork;
  readonly #installed: readonly ClusterObject[];
  readonly #isProxied: boolean;
  #isClosed = false;
  readonly #loads = new Map<Replica, readonly PredictionStream[]>();

  private constructor(
    cluster: ApiServer,
    network: PodNetwork,
    installed: readonly ClusterObject[],
    isProxied: boolean,
  ) {
    this.cluster = cluster;
    this.#network = network;
    this.#installed = installed;
    this.#isProxied = isProxied;
  }

  /** The API server with the chart's objects, and three replicas that know each other. `isProxied`: each asks it by a proxy of its own. */
  static async open({ isProxied }: { readonly isProxied: boolean }): Promise<ReleaseStage> {
    const [cluster, network] = [await ApiServer.start(), await PodNetwork.create()];
    await cluster.install("seldondeployments");
    await cluster.admin.createNamespace(namespace);
    const installed = await installChart(cluster, { rollouts: true, podDisruptionBudget: { enabled: false } });
    const stage = new ReleaseStage(cluster, network, installed, isProxied);
    for (let count = 0; count < 3; count++) await stage.start();
    await until(async () => (await stage.answering()).join() === "2,2,2");
    return stage;
  }

  async close(): Promise<void> {
    await this.quiet();
    this.#isClosed = true;
    await Promise.all(this.replicas.map((replica) => this.#end(replica)));
    await this.#network.remove();
    await this.cluster.stop();
  }

  /** Ends the load and the pods. */
  async quiet(): Promise<void> {
    await Promise.all(this.streams.map((stream) => stream.stop()));
    await Promise.all(this.services.map((service) => service.kill()));
    [this.streams, this.services] = [[], []];
  }

  /** Starts one more replica, and takes those that were killed out of the slice of peers. */
  async start(): Promise<Replica> {
    const proxy = this.#isProxied ? await ApiProxy.start(this.cluster) : null;
    const address = this.#network.address();
    const argv = [
      "--workers=1",
      `--admin=${address}:8877`,
      "--admin-token=token",
      `--snapshot=${join(this.cluster.folder, address)}`,
    ];
    const gateway = await startInstalled(this.cluster, this.#installed, argv, proxy?.port);
    const { traffic } = await gateway.listening();
    const replica = { gateway, address, admin: `http://${address}:8877`, traffic, proxy };
    this.replicas.push(replica);
    await this.#publishPeers();
    return replica;
  }

  /**
   * Kills it and ends its load: with the answers that were no 200. It stays among the peers until `start` is called, as a pod stays in its slice until
   * Kubernetes sees that it ended.
   */
  async kill(replica: Replica): Promise<readonly string[]> {
    await this.#end(replica);
    this.replicas = this.replicas.filter((one) => one !== replica);
    const own = this.#loads.get(replica) ?? [];
    this.streams = this.streams.filter((stream) => !own.includes(stream));
    await Promise.all(own.map((stream) => stream.stop()));
    // Its end cuts connections.
    return own.flatMap(({ failures }) => failures.filter((failure) => /^\d/.test(failure)));
  }

  /** Frees the Lease of a leader that was killed: no test waits 15 s for that. */
  async freeLease(): Promise<void> {
    await this.cluster.admin.ask("DELETE", leasePath);
  }

  async get<T>({ admin }: Pick<Replica, "admin">, path: string): Promise<T> {
    return (await (await fetch(`${admin}${path}`, { headers: { authorization: "Bearer token" } })).json()) as T;
  }

  /** How many others answer each replica. */
  async answering(): Promise<readonly number[]> {
    return Promise.all(
      this.replicas.map(async (one) => {
        const { peers } = await this.get<{ peers: { peers: readonly { state: string }[] } }>(one, "/api/v1/status");
        return peers.peers.filter(({ state }) => state === "answering").length;
      }),
    );
  }

  /** Percent of the predictor, as each replica serves it. null: there is none. */
  async percents(name: string, predictor = "canary"): Promise<readonly (number | null)[]> {
    return Promise.all(
      this.replicas.map(async (one) => {
        const { predictors } = await this.get<Partial<Deployment>>(one, `/api/v1/deployments/${namespace}/${name}`);
        return predictors?.find((its) => its.name === predictor)?.declaredPercent ?? null;
      }),
    );
  }

  /** Waits for one. */
  async leader(): Promise<Replica> {
    for (;;) {
      const leads = ({ gateway }: Replica): boolean =>
        gateway.records.filter(({ event }) => event === "leader").at(-1)?.["self"] === true;
      const found = this.replicas.find(leads);
      if (found !== undefined) return found;
      await delay(20);
    }
  }

  /** As the replica sees it that decides. null: none decides. */
  async led(name: string): Promise<{ readonly replica: Replica; readonly rollout: Rollout } | null> {
    for (const replica of this.replicas) {
      const { items } = await this.get<{ items: Rollout[] }>(replica, `/api/v1/rollouts?deployment=${name}`);
      if (items[0]?.decides === true) return { replica, rollout: items[0] };
    }
    return null;
  }

  async problems(replica: Replica): Promise<string> {
    return JSON.stringify(await this.get<unknown>(replica, "/api/v1/problems?limit=100"));
  }

  /** Follows the record until the stage closes: each standing that it has of that release, in order. */
  standings(name: string): { readonly seen: readonly string[] } {
    const seen: string[] = [];
    const follow = async (): Promise<void> => {
      while (!this.#isClosed) {
        const body = await this.cluster.admin.ask("GET", recordPath).then(
          (answer) => answer.body,
          () => null,
        );
        const text = (body as { readonly data?: { readonly record?: string } } | null)?.data?.record ?? "";
        const entry = text.split("\n").find((line) => line.includes(`"name":"${name}"`));
        if (entry !== undefined) {
          const { state, step, shares } = JSON.parse(entry) as Record<string, unknown>;
          const standing = `${String(state)} ${String(step)} ${JSON.stringify(shares)}`;
          if (seen.at(-1) !== standing) seen.push(standing);
        }
        await delay(50);
      }
    };
    void follow();
    return { seen };
  }

  /** Events of the rollout of that SeldonDeployment, as `COUNT TYPE REASON: MESSAGE`. */
  async events(name: string): Promise<readonly string[]> {
    const events = await this.cluster.admin.list(`/api/v1/namespaces/${namespace}/events`);
    return events
      .filter(({ involvedObject }) => (involvedObject as { readonly name: string }).name === name)
      .filter(({ reason }) => String(reason).startsWith("Rollout"))
      .map(({ count, type, reason, message }) => [count, type, `${String(reason)}:`, message].join(" "));
  }

  async deploy(
    name: string,
    annotations: Readonly<Record<string, string | null>>,
    predictors: readonly ReleasedPredictor[],
  ): Promise<void> {
    await this.cluster.admin.apply([deploymentOf(name, annotations, predictors)]);
  }

  /** A rollout from main to a canary of that image. */
  async release(name: string, annotations: Readonly<Record<string, string>>, image = "model:2"): Promise<void> {
    await this.deploy(name, annotations, [{ name: "main" }, { name: "canary", image }]);
  }

  async annotate(name: string, annotations: Readonly<Record<string, string | null>>): Promise<void> {
    await this.cluster.admin.merge(deploymentOf(name, {}, []), { metadata: { annotations } });
  }

  /** The Service of a predictor, with ready pods. */
  async service(name: string, predictor: string, pods = 1): Promise<PodService> {
    const one = new PodService(this.cluster.admin, this.#network, { namespace, deployment: name, predictor });
    this.services.push(one);
    await one.create(pods);
    return one;
  }

  urlOf({ traffic }: Replica, name: string): string {
    return `${traffic}/seldon/${namespace}/${name}/api/v1.0/predictions`;
  }

  /** `pauseMs`: between two requests of each client; left out: as short as it may be. */
  load(replica: Replica, name: string, clients = 2, pauseMs?: number): PredictionStream {
    const stream = new PredictionStream(this.urlOf(replica, name), clients, pauseMs);
    this.streams.push(stream);
    this.#loads.set(replica, [...(this.#loads.get(replica) ?? []), stream]);
    return stream;
  }

  async #end({ gateway, proxy }: Replica): Promise<void> {
    await gateway.kill();
    proxy?.stop();
  }

  /** As Kubernetes' controller writes it of the Service of peers. */
  async #publishPeers(): Promise<void> {
    const addresses = this.replicas.map(({ address }) => address);
    await this.cluster.admin.apply([
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          name: "sluice-peers-1",
          namespace: "sluice",
          labels: { "kubernetes.io/service-name": "sluice-peers" },
        },
        addressType: "IPv4",
        ports: [{ name: "admin", port: 8877 }],
        endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
      },
    ]);
  }
}

function deploymentOf(
  name: string,
  annotations: Readonly<Record<string, string | null>>,
  predictors: readonly ReleasedPredictor[],
): ClusterObject {
  return {
    apiVersion: "machinelearning.seldon.io/v1",
    kind: "SeldonDeployment",
    metadata: { name, namespace, annotations },
    spec: {
      predictors: predictors.map(({ image = "model:1", ...predictor }) => ({
        ...predictor,
        graph: { name: "classifier" },
        componentSpecs: [{ spec: { containers: [{ name: "classifier", image }] } }],
      })),
    },
  };
}
