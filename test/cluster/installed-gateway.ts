// Sluice as the chart installs it: what the image runs, its service account, its role, its arguments and a pod's environment, in a process of this machine.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { GatewayProcess } from "../gateway/gateway-process.ts";
import { packedForm } from "../gateway/packed-form.ts";
import type { ClusterObject } from "./api-client.ts";
import type { ApiServer } from "./api-server.ts";
import { renderChart } from "./chart.ts";

const namespace = "sluice";

/** Applies the chart's objects, but those of operators that a test cluster does not have. */
export async function installChart(cluster: ApiServer, values: unknown): Promise<readonly ClusterObject[]> {
  const objects = (await renderChart(values)).filter(({ apiVersion }) => apiVersion !== "monitoring.coreos.com/v1");
  await cluster.admin.apply([{ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } }, ...objects]);
  return objects;
}

/** The folder that Kubernetes mounts into a pod of this service account: `token` and `ca.crt`. */
async function mountAccount(cluster: ApiServer, account: string): Promise<string> {
  const folder = join(cluster.folder, `account-${account}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "token"), await cluster.admin.serviceAccountToken(namespace, account), { mode: 0o600 });
  await writeFile(join(folder, "ca.crt"), cluster.ca);
  return folder;
}

/**
 * Starts a gateway as the pod of an installed chart; `argv` replaces arguments of the chart. Its ports are free ones of
 * 127.0.0.1, its drain waits for nobody, its snapshot lies in the cluster's folder. `apiPort`: of a proxy before the API server.
 */
export async function startInstalled(
  cluster: ApiServer,
  objects: readonly ClusterObject[],
  argv: readonly string[] = [],
  apiPort = cluster.port,
): Promise<GatewayProcess> {
  const { template } = objects.find(({ kind }) => kind === "Deployment")!["spec"] as {
    readonly template: {
      readonly spec: {
        readonly serviceAccountName: string;
        readonly containers: readonly { readonly args: readonly string[] }[];
      };
    };
  };
  const { serviceAccountName, containers } = template.spec;
  const account = await mountAccount(cluster, serviceAccountName);
  const named = (given: readonly string[]): ReadonlySet<string> =>
    new Set(given.map((argument) => argument.split("=", 1)[0]!));
  const without = (given: readonly string[], replaced: readonly string[]): readonly string[] =>
    given.filter((argument) => !named(replaced).has(argument.split("=", 1)[0]!));
  const usual = [
    `--service-account=${account}`,
    `--snapshot=${join(cluster.folder, "last-good.json")}`,
    "--listen=127.0.0.1:0",
    "--admin=127.0.0.1:0",
    "--drain-wait-ms=0",
    "--drain-grace-ms=5000",
  ];
  const own = [...without(usual, argv), ...argv];
  const ofChart = without(containers[0]!.args, own);
  return new GatewayProcess(
    [...ofChart, ...own],
    { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(apiPort) },
    [join(await packedForm(), "main.js")],
  );
}
