// kubectl sluice on a real API server: kubectl finds the plugin, the plugin a pod by its labels, and the API server forwards to a kubelet's streaming server
// in front of two real gateways, of which the asked one joins the other's answer. The plugin may do what its caller may.
import { execFile } from "node:child_process";
import { mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { GatewayProcess } from "../gateway/gateway-process.ts";
import { packedForm } from "../gateway/packed-form.ts";
import type { ClusterObject } from "./api-client.ts";
import { ApiServer } from "./api-server.ts";
import { binary } from "./binaries.ts";
import { installChart, startInstalled } from "./installed-gateway.ts";
import { Kubelet } from "./kubelet.ts";
import { PodNetwork } from "./pod-network.ts";
import { describeClusterWithPods } from "./suite.ts";

const adminToken = "token-of-the-admin-port";

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const rule = (resource: string, verbs: readonly string[]): object => ({
  apiGroups: [""],
  resources: [resource],
  verbs,
});
const mayForward = rule("pods/portforward", ["get", "create"]);
const mayList = rule("pods", ["list"]);
const mayReadToken = { ...rule("secrets", ["get"]), resourceNames: ["admin-token"] };

describeClusterWithPods("kubectl sluice", () => {
  let cluster: ApiServer;
  let kubelet: Kubelet;
  let network: PodNetwork;
  let folder: string;
  let deployment: ClusterObject;
  const gateways: GatewayProcess[] = [];

  beforeAll(async () => {
    cluster = await ApiServer.start();
    network = await PodNetwork.create();
    await cluster.install("seldondeployments");
    kubelet = await Kubelet.start(cluster, "node-1");
    const objects = await installChart(cluster, {
      admin: { tokenSecret: { name: "admin-token", key: "token" } },
      peers: { enabled: true },
    });
    deployment = objects.find(({ kind }) => kind === "Deployment")!;
    await cluster.admin.apply([
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "admin-token", namespace: "sluice" },
        stringData: { token: `${adminToken}\n` },
      },
    ]);
    for (const name of ["sluice-a", "sluice-b"]) {
      const address = await runPod(name);
      const gateway = await startInstalled(cluster, objects, [
        `--admin=${address}:8877`,
        `--admin-token=${adminToken}`,
      ]);
      gateways.push(gateway);
      await gateway.listening();
    }
    await publishPeers();
    folder = join(cluster.folder, "plugin");
    await mkdir(folder);
    await symlink(join(await packedForm(), "kubectl-sluice.js"), join(folder, "kubectl-sluice"));
  }, 120_000);

  afterAll(async () => {
    for (const gateway of gateways) await gateway.kill();
    await kubelet?.stop();
    await network?.remove();
    await cluster?.stop();
  });

  /** A pod of the gateway, with nothing in it yet: its address. */
  const runPod = async (name: string): Promise<string> => {
    const address = network.address();
    await kubelet.run(cluster, name, deployment);
    kubelet.addresses.set(`sluice/${name}`, address);
    return address;
  };

  /** The EndpointSlice that Kubernetes' controller writes of the Service of peers. */
  const publishPeers = async (): Promise<void> => {
    await cluster.admin.apply([
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          name: "sluice-peers-1",
          namespace: "sluice",
          labels: {
            "kubernetes.io/service-name": "sluice-peers",
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
          },
        },
        addressType: "IPv4",
        ports: [{ name: "admin", port: 8877 }],
        endpoints: [...kubelet.addresses.values()].map((address) => ({ addresses: [address] })),
      },
    ]);
  };

  /** `kubectl sluice …` of the real kubectl, with this kubeconfig. */
  const kubectl = async (kubeconfig: string, ...argv: readonly string[]): Promise<Ran> =>
    new Promise((resolve) => {
      const path = [folder, dirname(process.execPath), process.env["PATH"]].join(":");
      const env = { PATH: path, KUBECONFIG: kubeconfig, HOME: folder };
      const child = execFile(binary("kubectl"), ["sluice", ...argv], { env, timeout: 15_000 }, (_, out, err) =>
        resolve({ code: child.exitCode ?? -1, out, err }),
      );
    });

  /** The kubeconfig of somebody who may this in the namespace of the gateway. */
  const caller = async (name: string, rules: readonly object[]): Promise<string> => {
    const metadata = { name, namespace: "sluice" };
    await cluster.admin.apply([
      { apiVersion: "v1", kind: "ServiceAccount", metadata },
      { apiVersion: "rbac.authorization.k8s.io/v1", kind: "Role", metadata, rules },
      {
        apiVersion: "rbac.authorization.k8s.io/v1",
        kind: "RoleBinding",
        metadata,
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name },
        subjects: [{ kind: "ServiceAccount", name, namespace: "sluice" }],
      },
    ]);
    return cluster.kubeconfig(name, await cluster.admin.serviceAccountToken("sluice", name), "sluice");
  };

  test("asks one pod, with the token that the chart has stored: it answers for both", async () => {
    const oncall = await caller("oncall", [mayList, mayForward, mayReadToken]);
    const ask = async (): Promise<Ran> => kubectl(oncall, "status");
    await expect.poll(async () => (await ask()).out, { timeout: 30_000 }).toContain("1 of 1 answer");
    expect(await ask()).toMatchObject({
      code: 0,
      err: "",
      out: expect.stringMatching(
        /^Well: nothing is wrong\.\n\n {2}REPLICA +this replica +\S+:8877\n {2}version +0\.1\.0/,
      ),
    });
    expect(new Set(kubelet.forwarded)).toEqual(new Set(["sluice/sluice-a:8877"]));
    const json = JSON.parse((await kubectl(oncall, "-n", "sluice", "status", "-o", "json")).out) as object;
    expect(json).toMatchObject({ isWell: true, replicas: [{ name: "this replica" }, {}] });
  }, 60_000);

  test("other commands too: what the pods say alike is printed once, and a request is sent whole", async () => {
    const admin = await cluster.kubeconfig("admin");
    const routes = await kubectl(admin, "routes");
    expect(routes).toMatchObject({ code: 0, err: "" });
    expect(routes.out).not.toContain("== ");
    const explained = await kubectl(admin, "-n", "sluice", "explain", "/seldon/models/none/x");
    expect(explained).toMatchObject({ code: 0, err: "" });
    expect(explained.out).toMatch(/^GET \S*\/seldon\/models\/none\/x/);
  }, 60_000);

  test("a pod that is away is said while the others answer", async () => {
    const admin = await cluster.kubeconfig("admin");
    const address = await runPod("sluice-c");
    await publishPeers();
    const status = async (): Promise<Ran> => kubectl(admin, "status", "-n", "sluice");
    // A replica may be away for 15 s, as one that starts is.
    const said = `1 of 2 other replicas cannot be counted: ${address}:8877`;
    await expect.poll(async () => (await status()).out, { timeout: 40_000 }).toContain(said);
    const ran = await status();
    expect(ran).toMatchObject({ code: 1, err: "" });
    expect(ran.out).toMatch(/^ {2}version +0\.1\.0/m);
    kubelet.addresses.delete("sluice/sluice-c");
    await publishPeers();
    await cluster.admin.expect("DELETE", "/api/v1/namespaces/sluice/pods/sluice-c?gracePeriodSeconds=0");
    await expect.poll(async () => (await status()).code, { timeout: 30_000 }).toBe(0);
  }, 60_000);

  test("does what the caller may and nothing more: each right that lacks is one sentence", async () => {
    const nothing = await kubectl(await caller("nothing", []), "status");
    expect(nothing).toMatchObject({ code: 1, out: "" });
    expect(nothing.err).toMatch(/^sluice status: pods in sluice: .* it answers 403: pods is forbidden: .*\n$/);
    const noSecret = await kubectl(await caller("no-secret", [mayList, mayForward]), "status");
    expect(noSecret).toMatchObject({ code: 1, out: "" });
    expect(noSecret.err).toMatch(
      /^sluice status: the Secret sluice\/admin-token with the admin token cannot be read \(.*403.*\): write --admin-token TOKEN, .*\n$/,
    );
    const withToken = await kubectl(
      await caller("no-secret", [mayList, mayForward]),
      "status",
      "--admin-token",
      adminToken,
    );
    expect(withToken.code).toBe(0);
    const noForward = await kubectl(await caller("no-forward", [mayList, mayReadToken]), "status");
    expect(noForward.code).toBe(1);
    expect(noForward.err).toMatch(/it answers 403: pods "sluice-a" is forbidden: /);
    for (const ran of [nothing, noSecret, noForward]) expect(`${ran.out}${ran.err}`).not.toContain(adminToken);
  }, 60_000);

  test("says in one sentence that there is no gateway, no such command, no context", async () => {
    const admin = await cluster.kubeconfig("admin");
    expect((await kubectl(admin, "status", "-l", "app=none")).err).toMatch(
      /^sluice status: no pod in default or sluice has the labels app=none: .*\n$/,
    );
    expect(await kubectl(admin, "serve")).toMatchObject({ code: 2, out: "" });
    expect((await kubectl(admin, "--context", "none", "status")).err).toMatch(/has no context "none"/);
    expect((await kubectl(admin, "--help")).out).toContain("\n  status ");
  }, 60_000);
});
