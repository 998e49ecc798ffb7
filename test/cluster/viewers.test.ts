// Who may see what on a real API server: a ServiceAccount reads its own namespace through the admin API and no other's, with no right of the gateway beyond the
// chart's.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { GatewayProcess } from "../gateway/gateway-process.ts";
import type { ClusterObject } from "./api-client.ts";
import { ApiServer } from "./api-server.ts";
import { installChart, startInstalled } from "./installed-gateway.ts";
import { describeCluster } from "./suite.ts";

const deployment = (namespace: string, traffic: number): ClusterObject => ({
  apiVersion: "machinelearning.seldon.io/v1",
  kind: "SeldonDeployment",
  metadata: { name: `${namespace}-iris`, namespace },
  spec: { predictors: [{ name: "main", traffic, graph: { name: "classifier" } }] },
});

interface Answered {
  readonly status: number;
  readonly text: string;
}

describeCluster("viewers by SubjectAccessReview", () => {
  let cluster: ApiServer;
  let gateway: GatewayProcess;
  let admin: string;

  beforeAll(async () => {
    cluster = await ApiServer.start();
    await cluster.install("seldondeployments");
    for (const namespace of ["ours", "theirs"]) {
      await cluster.admin.createNamespace(namespace);
      await cluster.admin.apply([deployment(namespace, 100)]);
    }
    const objects = await installChart(cluster, { admin: { viewers: "subject-access-review" } });
    gateway = await startInstalled(cluster, objects, ["--admin=0.0.0.0:0"]);
    admin = `http://127.0.0.1:${new URL((await gateway.listening()).admin).port}`;
  }, 120_000);

  afterAll(async () => {
    await gateway?.kill();
    await cluster?.stop();
  });

  const ask = async (token: string, path: string, accept = "application/json"): Promise<Answered> => {
    const answer = await fetch(`${admin}${path}`, { headers: { accept, authorization: `Bearer ${token}` } });
    return { status: answer.status, text: await answer.text() };
  };

  /** The token of a ServiceAccount that may this in this namespace; null: in all. */
  const caller = async (name: string, namespace: string | null): Promise<string> => {
    const rbac = "rbac.authorization.k8s.io";
    const metadata = { name, ...(namespace === null ? {} : { namespace }) };
    const prefix = namespace === null ? "Cluster" : "";
    const rules = [{ apiGroups: ["machinelearning.seldon.io"], resources: ["seldondeployments"], verbs: ["get"] }];
    const subjects = [{ kind: "ServiceAccount", name, namespace: "ours" }];
    await cluster.admin.apply([
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "ours" } },
      { apiVersion: `${rbac}/v1`, kind: `${prefix}Role`, metadata, rules },
      {
        apiVersion: `${rbac}/v1`,
        kind: `${prefix}RoleBinding`,
        metadata,
        roleRef: { apiGroup: rbac, kind: `${prefix}Role`, name },
        subjects,
      },
    ]);
    return cluster.admin.serviceAccountToken("ours", name);
  };

  test("a ServiceAccount of one namespace sees its own deployments and no other's", async () => {
    const token = await caller("tenant", "ours");
    const lists = ["deployments", "routes", "who", "problems", "changes", "failures"];
    for (const list of lists) {
      for (const accept of ["application/json", "text/plain"]) {
        const own = await ask(token, `/api/v1/${list}?namespace=ours`, accept);
        expect([list, own.status, own.text.includes("theirs")]).toEqual([list, 200, false]);
        if (["deployments", "routes", "who"].includes(list)) expect(own.text).toContain("ours-iris");
        for (const query of ["?namespace=theirs", ""]) {
          const other = await ask(token, `/api/v1/${list}${query}`, accept);
          expect([list, query, other.status, other.text.includes("theirs-iris")]).toEqual([list, query, 403, false]);
        }
      }
    }
    expect((await ask(token, "/api/v1/deployments/ours/ours-iris")).status).toBe(200);
    expect((await ask(token, "/api/v1/deployments/theirs/theirs-iris")).status).toBe(403);
    expect((await ask(token, "/api/v1/status")).status).toBe(403);
    expect((await ask(token, "/api/v1/logs?namespace=theirs", "text/event-stream")).status).toBe(403);
  }, 60_000);

  test("who may get them everywhere sees all; a token of nobody sees nothing", async () => {
    const all = await ask(await caller("watcher", null), "/api/v1/deployments");
    expect(all).toMatchObject({ status: 200, text: expect.stringContaining("theirs-iris") as string });
    expect(all.text).toContain("ours-iris");
    expect((await ask("nobody", "/api/v1/deployments?namespace=ours")).status).toBe(401);
    // Who may do everything in the cluster is no operator of the gateway.
    const other = await ask(cluster.admin.token, "/api/v1/status");
    expect(other.status).toBe(403);
  }, 60_000);

  test("the rights of the chart suffice, and nothing of them is left over", async () => {
    const asked = (await cluster.audited("sluice", "sluice")).filter(({ action }) => action.includes("review"));
    expect([...new Set(asked.map(({ action }) => action))].toSorted()).toEqual([
      "create subjectaccessreviews.authorization.k8s.io",
      "create tokenreviews.authentication.k8s.io",
    ]);
    expect(asked.filter(({ status }) => status !== 201)).toEqual([]);
  });

  test("an edit is an Event of the object that changed", async () => {
    await cluster.admin.apply([deployment("ours", 90)]);
    const events = async (): Promise<readonly string[]> =>
      (await cluster.admin.list("/api/v1/namespaces/ours/events?fieldSelector=involvedObject.name%3Dours-iris")).map(
        ({ reason, message }) => `${String(reason)}: ${String(message)}`,
      );
    await expect.poll(events, { timeout: 20_000 }).toContainEqual(expect.stringMatching(/^Changed: .*traffic/));
    expect((await cluster.audited("sluice", "sluice")).filter(({ status }) => status === 403)).toEqual([]);
  }, 30_000);
});
