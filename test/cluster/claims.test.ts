// The record of claims on a real API server, under the chart's service account: replicas agree, a restart keeps, and what happens to the ConfigMap.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { GatewayProcess } from "../gateway/gateway-process.ts";
import type { ClusterObject } from "./api-client.ts";
import { ApiServer } from "./api-server.ts";
import { installChart, startInstalled } from "./installed-gateway.ts";
import { describeCluster } from "./suite.ts";

const map = "/api/v1/namespaces/sluice/configmaps/sluice-claims";

const mapping = (namespace: string, prefix: string): ClusterObject => ({
  apiVersion: "getambassador.io/v2",
  kind: "Mapping",
  metadata: { name: "m", namespace },
  spec: { prefix, service: "x" },
});

/** Namespaces whose Mapping of `/x/` a gateway serves in shared space. */
async function holders(gateway: GatewayProcess): Promise<readonly string[]> {
  const { admin } = await gateway.listening();
  const { items } = (await (await fetch(`${admin}/api/v1/routes?limit=100`)).json()) as {
    readonly items: readonly unknown[];
  };
  const text = JSON.stringify(items);
  return ["aged", "first"].filter((namespace) => text.includes(`Mapping ${namespace}/m`));
}

async function problems(gateway: GatewayProcess): Promise<string> {
  const { admin } = await gateway.listening();
  return (await fetch(`${admin}/api/v1/problems?limit=100`)).text();
}

describeCluster("the record of claims", () => {
  let cluster: ApiServer;
  let installed: readonly ClusterObject[] = [];
  let gateways: GatewayProcess[] = [];

  beforeAll(async () => {
    cluster = await ApiServer.start();
    await cluster.install("seldondeployments", "mappings", "tlscontexts");
    for (const namespace of ["aged", "first"]) await cluster.admin.createNamespace(namespace);
    installed = await installChart(cluster, { mappings: true, podDisruptionBudget: { enabled: false } });
  }, 90_000);

  afterEach(async () => {
    await Promise.all(gateways.map((gateway) => gateway.kill()));
    gateways = [];
    await cluster.admin.ask("DELETE", map);
    for (const namespace of ["aged", "first"])
      await cluster.admin.ask("DELETE", `/apis/getambassador.io/v2/namespaces/${namespace}/mappings/m`);
  });

  afterAll(async () => cluster?.stop());

  const start = async (): Promise<GatewayProcess> => {
    const gateway = await startInstalled(cluster, installed, ["--workers=1"]);
    gateways.push(gateway);
    await gateway.listening();
    return gateway;
  };

  /** `aged` was made first and claims something else; `first` claims `/x/`, and then `aged` does. */
  const contest = async (): Promise<GatewayProcess> => {
    await cluster.admin.apply([mapping("aged", "/other/")]);
    await cluster.admin.apply([mapping("first", "/x/")]);
    const gateway = await start();
    expect(JSON.stringify(await cluster.admin.get(map))).toContain("/x/");
    await cluster.admin.apply([mapping("aged", "/x/")]);
    await expect.poll(() => problems(gateway), { timeout: 20_000 }).toContain("claim-contested");
    return gateway;
  };

  const status = async (): Promise<number> => (await cluster.admin.ask("GET", map)).status;

  test("two replicas agree, and a restart of all keeps it", async () => {
    const one = await contest();
    const two = await start();
    expect([await holders(one), await holders(two)]).toEqual([["first"], ["first"]]);
    await Promise.all([one.kill(), two.kill()]);
    expect(await holders(await start())).toEqual(["first"]);
  }, 90_000);

  test("a ConfigMap that is deleted is made again from what a replica knows", async () => {
    const one = await contest();
    await cluster.admin.ask("DELETE", map);
    await expect.poll(status, { timeout: 20_000 }).toBe(200);
    expect([await holders(one), await holders(await start())]).toEqual([["first"], ["first"]]);
  }, 90_000);

  test("one that is corrupted is not overwritten: a running replica goes on, a new one serves nobody what is contested, and says so", async () => {
    const one = await contest();
    await cluster.admin.merge(
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "sluice-claims", namespace: "sluice" } },
      { data: { record: "edited" } },
    );
    await expect.poll(() => problems(one), { timeout: 20_000 }).toContain("claims-record-unreadable");
    const two = await start();
    expect([await holders(one), await holders(two)]).toEqual([["first"], []]);
    expect(await problems(two)).toContain("claims-record-unreadable");
    await cluster.admin.ask("DELETE", map);
    await expect.poll(() => holders(two), { timeout: 20_000 }).toEqual(["first"]);
  }, 90_000);

  test("one that may not be read: nobody is served what is contested, and everything else is", async () => {
    await contest();
    const binding = installed.find(
      ({ kind, metadata }) => kind === "RoleBinding" && metadata.name === "sluice-claims",
    )!;
    await cluster.admin.delete(binding);
    try {
      const two = await start();
      expect(await holders(two)).toEqual([]);
      expect(await problems(two)).toContain("it may not be read");
    } finally {
      await cluster.admin.apply([binding]);
    }
  }, 90_000);
});
