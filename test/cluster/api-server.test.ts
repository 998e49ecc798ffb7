// The fixture itself: what the other suites rely on, and what a real API server does that surprises.
import { afterAll, beforeAll, expect, test } from "vitest";
import { pathOf, type ClusterObject } from "./api-client.ts";
import { ApiServer } from "./api-server.ts";
import { commandEnd, kubectl } from "./commands.ts";
import { describeCluster } from "./suite.ts";

const deployment = (namespace: string, version = "v1"): ClusterObject => ({
  apiVersion: `machinelearning.seldon.io/${version}`,
  kind: "SeldonDeployment",
  metadata: { name: "iris", namespace },
  spec: { predictors: [{ name: "default", graph: { name: "classifier" } }] },
});

describeCluster("a test cluster", () => {
  let cluster: ApiServer;

  beforeAll(async () => {
    cluster = await ApiServer.start();
    await cluster.install("seldondeployments", "mappings", "tlscontexts");
  }, 90_000);

  afterAll(async () => cluster?.stop());

  test("serves a SeldonDeployment in each of its versions", async () => {
    await cluster.admin.createNamespace("versions");
    await cluster.admin.apply([deployment("versions")]);
    for (const version of ["v1", "v1alpha3", "v1alpha2"]) {
      const { apiVersion } = await cluster.admin.get(pathOf(deployment("versions", version)));
      expect(apiVersion).toBe(`machinelearning.seldon.io/${version}`);
    }
  });

  test("is of one version with its kubectl", async () => {
    const kubeconfig = await cluster.kubeconfig("admin");
    const { clientVersion, serverVersion } = JSON.parse(await kubectl(kubeconfig, ["version", "-o", "json"])) as Record<
      string,
      { readonly gitVersion: string }
    >;
    expect([clientVersion!.gitVersion, serverVersion!.gitVersion]).toEqual(["v1.36.3", "v1.36.3"]);
  });

  test("an annotation by kubectl leaves metadata.generation as it was", async () => {
    await cluster.admin.createNamespace("annotated");
    await cluster.admin.apply([deployment("annotated")]);
    const kubeconfig = await cluster.kubeconfig("admin");
    await kubectl(kubeconfig, ["annotate", "-n", "annotated", "sdep", "iris", "sluice.io/traffic=default=100"]);
    const { metadata } = (await cluster.admin.get(pathOf(deployment("annotated")))) as unknown as ClusterObject;
    expect(metadata).toMatchObject({ generation: 1, annotations: { "sluice.io/traffic": "default=100" } });
  });

  test("a service account may do what its role says and nothing else", async () => {
    await cluster.admin.createNamespace("rbac");
    await cluster.admin.apply([
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "reader", namespace: "rbac" } },
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "Role",
        metadata: { name: "reader", namespace: "rbac" },
        rules: [{ apiGroups: [""], resources: ["services"], verbs: ["get", "list"] }],
      },
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "RoleBinding",
        metadata: { name: "reader", namespace: "rbac" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "reader" },
        subjects: [{ kind: "ServiceAccount", name: "reader", namespace: "rbac" }],
      },
    ]);
    const reader = cluster.client(await cluster.admin.serviceAccountToken("rbac", "reader"));
    expect(await reader.list("/api/v1/namespaces/rbac/services")).toEqual([]);
    expect((await reader.ask("GET", "/api/v1/namespaces/rbac/secrets")).status).toBe(403);
    expect((await reader.ask("GET", "/api/v1/services")).status).toBe(403);
    reader.close();
    const nobody = cluster.client("no-such-token");
    expect((await nobody.ask("GET", "/api/v1/services")).status).toBe(401);
    nobody.close();
  });

  test("objects and the port survive SIGKILL, and a start waits for custom resources", async () => {
    await cluster.admin.createNamespace("killed");
    await cluster.admin.apply([deployment("killed")]);
    await cluster.stopServer("SIGKILL");
    await expect(cluster.admin.get("/api")).rejects.toThrow(/ECONN/);
    await cluster.startServer();
    // No patience here: the first answer must be the list.
    const list = await cluster.admin.list("/apis/machinelearning.seldon.io/v1/namespaces/killed/seldondeployments");
    expect(list.map(({ metadata }) => metadata.name)).toEqual(["iris"]);
  }, 90_000);

  test("a watch from a revision that was compacted away gets 410 after a restart", async () => {
    await cluster.admin.createNamespace("compacted");
    const { metadata } = await cluster.admin.get("/api/v1/namespaces/compacted");
    const old = (metadata as { readonly resourceVersion: string }).resourceVersion;
    await cluster.admin.createNamespace("compacted-later");
    await cluster.compact();
    await cluster.restart();
    const { status, body } = await cluster.admin.ask(
      "GET",
      `/api/v1/namespaces?watch=true&resourceVersion=${Number(old) - 1}&timeoutSeconds=1`,
    );
    expect(status).toBe(200);
    expect(body).toMatchObject({ type: "ERROR", object: { code: 410, reason: "Expired" } });
  }, 90_000);

  test("kubectl says what it may not", async () => {
    const kubeconfig = await cluster.kubeconfig("nobody", "no-such-token");
    const { code, stderr } = await commandEnd("kubectl", kubeconfig, ["get", "sdep", "-A"]);
    expect(code).toBe(1);
    expect(stderr).toContain("Unauthorized");
  });
});
