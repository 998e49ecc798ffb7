// Which replica leads, on a real API server under the chart's service account: one of three, another one after it was killed or has drained.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { Status } from "../../gateway/api/status.ts";
import type { GatewayProcess } from "../gateway/gateway-process.ts";
import type { ClusterObject } from "./api-client.ts";
import { ApiServer } from "./api-server.ts";
import { installChart, startInstalled } from "./installed-gateway.ts";
import { PodNetwork } from "./pod-network.ts";
import { describeClusterWithPods } from "./suite.ts";

const path = "/apis/coordination.k8s.io/v1/namespaces/sluice/leases/sluice-releases";

interface LeaseSpec {
  readonly holderIdentity: string;
  readonly leaseTransitions: number;
}

describeClusterWithPods("the leader", () => {
  let cluster: ApiServer;
  let network: PodNetwork;
  let installed: readonly ClusterObject[] = [];
  let gateways: GatewayProcess[] = [];

  beforeAll(async () => {
    cluster = await ApiServer.start();
    network = await PodNetwork.create();
    await cluster.install("seldondeployments");
    installed = await installChart(cluster, { rollouts: true, podDisruptionBudget: { enabled: false } });
  }, 90_000);

  afterEach(async () => {
    await Promise.all(gateways.map((gateway) => gateway.kill()));
    gateways = [];
    await cluster.admin.ask("DELETE", path);
  });

  afterAll(async () => {
    await network?.remove();
    await cluster?.stop();
  });

  const lease = async (): Promise<LeaseSpec> => {
    const { body } = await cluster.admin.ask("GET", path);
    return (body as { readonly spec?: LeaseSpec }).spec ?? { holderIdentity: "", leaseTransitions: -1 };
  };
  const start = async (...argv: readonly string[]): Promise<GatewayProcess> => {
    const gateway = await startInstalled(cluster, installed, ["--workers=1", ...argv]);
    gateways.push(gateway);
    await gateway.listening();
    return gateway;
  };
  const leads = (gateway: GatewayProcess): boolean =>
    gateway.records.filter(({ event }) => event === "leader").at(-1)?.["self"] === true;

  test("and the others find each other by the EndpointSlice of their Service, under the chart's rights", async () => {
    const addresses = [network.address(), network.address(), network.address()];
    for (const address of addresses) await start(`--admin=${address}:8877`, "--admin-token=token");
    await cluster.admin.apply([
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
        // What is not ready yet has counted as well.
        endpoints: addresses.map((address, at) => ({ addresses: [address], conditions: { ready: at > 0 } })),
      },
    ]);
    const answering = async (): Promise<readonly number[]> =>
      Promise.all(
        addresses.map(async (address) => {
          const answer = await fetch(`http://${address}:8877/api/v1/status`, {
            headers: { authorization: "Bearer token" },
          });
          const { peers } = (await answer.json()) as Status;
          return peers!.trouble === null ? peers!.peers.filter(({ state }) => state === "answering").length : -1;
        }),
      );
    await expect.poll(answering, { timeout: 30_000 }).toEqual([2, 2, 2]);
    const listed = (await cluster.audited("sluice", "sluice")).filter(({ action }) =>
      action.includes("endpointslices"),
    );
    expect(listed.filter(({ status }) => status === 403)).toEqual([]);
  }, 60_000);

  test("is one; a killed one is followed after its Lease ran out, one that drains at once; nothing is asked that is not granted", async () => {
    for (let count = 0; count < 3; count++) await start();
    await expect.poll(() => gateways.filter(leads).length, { timeout: 20_000 }).toBe(1);
    const [first] = gateways.filter(leads);
    expect((await lease()).leaseTransitions).toBe(0);
    const { holderIdentity } = await lease();
    await first!.kill();
    gateways = gateways.filter((gateway) => gateway !== first);
    await expect.poll(() => gateways.filter(leads).length, { timeout: 30_000 }).toBe(1);
    expect(await lease()).toMatchObject({ leaseTransitions: 1 });
    expect((await lease()).holderIdentity).not.toBe(holderIdentity);
    const [second] = gateways.filter(leads);
    second!.signal("SIGTERM");
    await second!.exited;
    gateways = gateways.filter((gateway) => gateway !== second);
    await expect.poll(() => gateways.filter(leads).length, { timeout: 8000 }).toBe(1);
    expect(await lease()).toMatchObject({ leaseTransitions: 2 });
    const audited = await cluster.audited("sluice", "sluice");
    expect(audited.filter(({ action, status }) => action.includes("leases") && status === 403)).toEqual([]);
    expect(new Set(audited.filter(({ action }) => action.includes("leases")).map(({ action }) => action))).toEqual(
      new Set([
        "get leases.coordination.k8s.io",
        "create leases.coordination.k8s.io",
        "update leases.coordination.k8s.io",
      ]),
    );
  }, 90_000);
});
