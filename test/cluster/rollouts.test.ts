// Releases on a real API server: three gateways, three processes, under the chart's service account and under load, whose leader is killed in mid-rollout
// and whose record is edited and deleted by hand.
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { ComparedDeployment } from "../../gateway/api/comparisons.ts";
import type { Deployment } from "../../gateway/api/deployments.ts";
import type { Rollout } from "../../gateway/api/rollouts.ts";
import type { GatewayProcess } from "../gateway/gateway-process.ts";
import { runTool } from "../gateway/tools/run-tool.ts";
import type { ClusterObject } from "./api-client.ts";
import { ApiServer } from "./api-server.ts";
import { installChart, startInstalled } from "./installed-gateway.ts";
import { PodNetwork } from "./pod-network.ts";
import { PodService } from "./pods.ts";
import { PredictionStream } from "./stream.ts";
import { describeClusterWithPods } from "./suite.ts";

const namespace = "models";
const record: ClusterObject = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "sluice-releases", namespace: "sluice" },
};
const recordPath = "/api/v1/namespaces/sluice/configmaps/sluice-releases";

interface Replica {
  readonly gateway: GatewayProcess;
  /** Of its pod. */
  readonly address: string;
  /** `http://ADDRESS:8877`. */
  readonly admin: string;
  readonly traffic: string;
}

describeClusterWithPods("releases on three replicas", () => {
  let cluster: ApiServer;
  let network: PodNetwork;
  let installed: readonly ClusterObject[] = [];
  let replicas: Replica[] = [];
  let services: PodService[] = [];
  let streams: PredictionStream[] = [];

  beforeAll(async () => {
    cluster = await ApiServer.start();
    network = await PodNetwork.create();
    await cluster.install("seldondeployments");
    await cluster.admin.createNamespace(namespace);
    installed = await installChart(cluster, { rollouts: true, podDisruptionBudget: { enabled: false } });
    for (let count = 0; count < 3; count++) await start();
  }, 120_000);

  afterEach(async () => {
    await Promise.all(streams.map((stream) => stream.stop()));
    await Promise.all(services.map((service) => service.kill()));
    [streams, services] = [[], []];
  });

  afterAll(async () => {
    await Promise.all(replicas.map(({ gateway }) => gateway.kill()));
    await network?.remove();
    await cluster?.stop();
  });

  /** As Kubernetes' controller writes it of the Service of peers. */
  const publishPeers = async (): Promise<void> =>
    cluster.admin.apply([
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
        endpoints: replicas.map(({ address }) => ({ addresses: [address], conditions: { ready: true } })),
      },
    ]);
  const start = async (): Promise<void> => {
    const address = network.address();
    const argv = [`--admin=${address}:8877`, "--admin-token=token", `--snapshot=${join(cluster.folder, address)}`];
    const gateway = await startInstalled(cluster, installed, ["--workers=1", ...argv]);
    const { traffic } = await gateway.listening();
    replicas.push({ gateway, address, admin: `http://${address}:8877`, traffic });
    await publishPeers();
  };
  const get = async <T>({ admin }: Replica, path: string): Promise<T> =>
    (await (await fetch(`${admin}${path}`, { headers: { authorization: "Bearer token" } })).json()) as T;
  const answering = (): Promise<readonly number[]> =>
    Promise.all(
      replicas.map(async (one) => {
        const { peers } = await get<{ peers: { peers: readonly { state: string }[] } }>(one, "/api/v1/status");
        return peers.peers.filter(({ state }) => state === "answering").length;
      }),
    );
  /** Percent of the predictor, as each replica serves it. */
  const percents = (name: string, predictor = "canary"): Promise<readonly (number | null)[]> =>
    Promise.all(
      replicas.map(async (one) => {
        const { predictors } = await get<Partial<Deployment>>(one, `/api/v1/deployments/${namespace}/${name}`);
        return predictors?.find((its) => its.name === predictor)?.declaredPercent ?? null;
      }),
    );
  /** Of the replica that decides. */
  const led = async (name: string): Promise<{ readonly replica: Replica; readonly rollout: Rollout } | null> => {
    for (const replica of replicas) {
      const { items } = await get<{ items: Rollout[] }>(replica, `/api/v1/rollouts?deployment=${name}`);
      if (items[0]?.decides === true) return { replica, rollout: items[0] };
    }
    return null;
  };
  const codes = async (replica: Replica): Promise<string> =>
    JSON.stringify(await get<unknown>(replica, "/api/v1/problems?limit=100"));
  const deployment = (
    name: string,
    annotations: Readonly<Record<string, string>>,
    predictors: readonly { readonly name: string; readonly image?: string; readonly shadow?: boolean }[],
  ): ClusterObject => ({
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
  });
  const service = async (name: string, predictor: string): Promise<PodService> => {
    const one = new PodService(cluster.admin, network, { namespace, deployment: name, predictor });
    services.push(one);
    await one.create(1);
    return one;
  };
  const urlOf = ({ traffic }: Replica, name: string): string =>
    `${traffic}/seldon/${namespace}/${name}/api/v1.0/predictions`;
  const load = (replica: Replica, name: string): PredictionStream => {
    const stream = new PredictionStream(urlOf(replica, name), 2);
    streams.push(stream);
    return stream;
  };

  test("a rollout goes on with another leader, nothing repeated or skipped, survives hands on its record, and is aborted by a fault", async () => {
    const text = "to canary; steps 20%, 50%, 100%; every 10s; min 60 requests; errors ≤ 20%";
    const deploy = (image: string): Promise<void> =>
      cluster.admin.apply([
        deployment("iris", { "sluice.io/rollout": text }, [{ name: "main" }, { name: "canary", image }]),
      ]);
    await service("iris", "main");
    const canary = await service("iris", "canary");
    // Every text that the record had, in order.
    const standings: string[] = [];
    const over = new AbortController();
    const watching = (async () => {
      while (!over.signal.aborted) {
        const { body } = await cluster.admin.ask("GET", recordPath);
        const text = (body as { readonly data?: { readonly record?: string } }).data?.record ?? "";
        const entry = /^\{.*"name":"iris".*\}$/m.exec(text)?.[0];
        if (entry !== undefined) {
          const { state, step, shares } = JSON.parse(entry) as { state: string; step: number; shares: unknown };
          const standing = `${state} ${step} ${JSON.stringify(shares)}`;
          if (standings.at(-1) !== standing) standings.push(standing);
        }
        await new Promise((resolve) => {
          setTimeout(resolve, 50);
        });
      }
    })();
    await expect.poll(answering, { timeout: 30_000 }).toEqual([2, 2, 2]);
    await deploy("model:2");
    await expect.poll(() => percents("iris"), { timeout: 20_000 }).toEqual([20, 20, 20]);
    const first = replicas.map((replica) => load(replica, "iris"));
    // Counts of all three.
    await expect
      .poll(async () => (await led("iris"))?.rollout.evidence?.canary.requests ?? 0, { timeout: 20_000 })
      .toBeGreaterThan(60);
    const leader = (await led("iris"))!.replica;
    const ofLeader = first[replicas.indexOf(leader)]!;
    await leader.gateway.kill();
    replicas = replicas.filter((one) => one !== leader);
    expect(ofLeader.failures.filter((failure) => /^\d/.test(failure))).toEqual([]);
    streams = streams.filter((stream) => stream !== ofLeader);
    await ofLeader.stop();
    await expect
      .poll(async () => (await led("iris"))?.rollout.waitsFor, { timeout: 40_000 })
      .toBe("an answer of each replica");
    expect(await percents("iris")).toEqual([20, 20]);
    // What Kubernetes does then: another pod, and the old one is in no slice any more.
    await start();
    load(replicas.at(-1)!, "iris");
    await expect.poll(() => percents("iris"), { timeout: 60_000 }).toEqual([50, 50, 50]);

    await cluster.admin.merge(record, { data: { record: "edited" } });
    for (const replica of replicas)
      await expect.poll(() => codes(replica), { timeout: 20_000 }).toContain("releases-record-unreadable");
    expect(await percents("iris")).toEqual([50, 50, 50]);
    await cluster.admin.ask("DELETE", recordPath);
    await expect.poll(() => percents("iris"), { timeout: 60_000 }).toEqual([100, 100, 100]);
    await expect.poll(async () => (await led("iris"))?.rollout.state, { timeout: 40_000 }).toBe("promoted");
    expect(streams.flatMap(({ failures }) => failures)).toEqual([]);
    expect(streams.every(({ answered }) => answered > 100)).toBe(true);

    // Another model, which begins to fail.
    await deploy("model:3");
    await expect.poll(() => percents("iris"), { timeout: 20_000 }).toEqual([20, 20, 20]);
    for (const pod of canary.pods) pod.status = 500;
    await expect.poll(() => percents("iris"), { timeout: 40_000 }).toEqual([0, 0, 0]);
    await expect
      .poll(() => standings)
      .toEqual([
        'stepping 0 {"canary":20}',
        'stepping 1 {"canary":50}',
        'stepping 2 {"canary":100}',
        'promoted 2 {"canary":100}',
        'stepping 0 {"canary":20}',
        'aborted 0 {"canary":0}',
      ]);
    over.abort();
    await watching;
    for (const replica of replicas) await expect.poll(() => codes(replica)).toContain("rollout-aborted");
    // The Event of the SD says the last step. The SD itself is never written.
    const events = await cluster.admin.list(`/api/v1/namespaces/${namespace}/events`);
    expect(events.map(({ message }) => message)).toContainEqual(
      expect.stringContaining("canary is rolled back from 20%"),
    );
    // Those that were there all the time served each step once.
    for (const { gateway } of replicas.slice(0, 2)) {
      const told = gateway.records.filter(({ event, name }) => event === "change" && name === "iris");
      const served = told.flatMap(({ sentence }) => /^rollout: .* → canary (\d+)%/.exec(String(sentence))?.[1] ?? []);
      expect(served).toEqual(["20", "50", "100", "100", "20", "0"]);
    }
    const failures = streams.flatMap((stream) => stream.failures);
    expect(failures.length).toBeGreaterThan(0);
    expect(failures.filter((failure) => !failure.startsWith("500 "))).toEqual([]);
    const { admin } = (await led("iris"))!.replica;
    const printed = await runTool("rollout", "iris", "--url", admin, "--admin-token", "token");
    expect([printed.code, printed.out.split("\n")[0]]).toEqual([1, `${namespace}/iris  rollout to canary  aborted`]);
  }, 240_000);

  test("callers stay with one predictor, shadows are compared, and rewards move traffic, by each replica alike", async () => {
    for (const name of ["sticky", "compared", "learns"]) await service(name, "main");
    await service("sticky", "canary");
    await service("compared", "canary");
    await service("compared", "twin");
    const canary = await service("learns", "canary");
    for (const pod of services.find((one) => one.name === "learns-main")!.pods) pod.status = 500;
    const rollout = "to canary; steps 50%, 100%; every 10s; min 100 requests; agreement ≥ 90%";
    await cluster.admin.apply([
      deployment("sticky", { "sluice.io/sticky": "header x-user" }, [{ name: "main" }, { name: "canary" }]),
      deployment("compared", { "sluice.io/rollout": rollout, "sluice.io/compare": "ignore meta.tags" }, [
        { name: "main" },
        { name: "canary", image: "model:2" },
        { name: "twin", shadow: true },
      ]),
      deployment("learns", { "sluice.io/bandit": "thompson; floor 10%; every 10s; window 1h; reward success" }, [
        { name: "main" },
        { name: "canary", image: "model:2" },
      ]),
    ]);
    await expect.poll(answering, { timeout: 30_000 }).toEqual([2, 2, 2]);
    await expect.poll(() => percents("compared"), { timeout: 20_000 }).toEqual([50, 50, 50]);
    await expect.poll(() => percents("learns"), { timeout: 20_000 }).toEqual([50, 50, 50]);
    await Promise.all(replicas.map((replica) => load(replica, "sticky").more(1)));

    const podsOf = async (user: string): Promise<readonly string[]> =>
      Promise.all(
        replicas.map(async (replica) => {
          const headers = { "x-user": user, "content-type": "application/json" };
          const answer = await fetch(urlOf(replica, "sticky"), { method: "POST", body: "{}", headers });
          return ((await answer.json()) as { meta: { tags: { pod: string } } }).meta.tags.pod;
        }),
      );
    const met = new Set<string>();
    for (let user = 0; user < 30; user += 1) {
      const pods = await podsOf(`user-${user}`);
      expect(new Set(pods).size).toBe(1);
      met.add(pods[0]!);
    }
    expect([...met].toSorted()).toEqual(["sticky-canary-1", "sticky-main-1"]);

    // Answers that every replica compared are evidence of the leader.
    const compared = replicas.map((replica) => load(replica, "compared"));
    await expect.poll(() => percents("compared"), { timeout: 60_000 }).toEqual([100, 100, 100]);
    await expect.poll(async () => (await led("compared"))?.rollout.state, { timeout: 40_000 }).toBe("promoted");
    const pairs = await Promise.all(
      replicas.map(async (replica) => {
        const { comparisons } = await get<ComparedDeployment>(replica, `/api/v1/comparisons/${namespace}/compared`);
        return comparisons
          .filter(({ against }) => against === "canary")
          .map(({ predictor, outcomes }) => [predictor, outcomes.agreed > 0, outcomes.disagreed]);
      }),
    );
    expect(pairs).toEqual(replicas.map(() => [["twin", true, 0]]));
    expect(compared.flatMap(({ failures }) => failures)).toEqual([]);

    // One that fails gets its floor.
    for (const replica of replicas) load(replica, "learns");
    await expect.poll(() => percents("learns"), { timeout: 60_000 }).toEqual([90, 90, 90]);
    expect(canary.pods[0]!.answered).toBeGreaterThan(0);
    const audited = await cluster.audited("sluice", "sluice");
    expect(audited.filter(({ status }) => status === 403)).toEqual([]);
  }, 240_000);
});
