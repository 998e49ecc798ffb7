// The stage of the suite on a cluster: a real API server with 10,000 deployments, filled once and copied for each run.
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ApiServer } from "../../test/cluster/api-server.ts";
import type { ApiClient, ClusterObject } from "../../test/cluster/api-client.ts";
import { deploymentName, namespaces } from "./fleet.ts";

/** Requests at once while objects are created. */
const creators = 32;

/** Where pods of the fleet are: nobody is there, and nobody asks. */
const fleetAddress = (index: number): string =>
  `10.${64 + Math.floor(index / 62_500)}.${Math.floor(index / 250) % 250}.${1 + (index % 250)}`;

export function deploymentObject(name: string, namespace: string, predictors: readonly string[]): ClusterObject {
  const containers = [{ name: "classifier", resources: { requests: { cpu: "100m", memory: "512Mi" } } }];
  return {
    apiVersion: "machinelearning.seldon.io/v1",
    kind: "SeldonDeployment",
    metadata: { name, namespace, labels: { team: namespace } },
    spec: {
      protocol: "seldon",
      predictors: predictors.map((predictor, index) => ({
        name: predictor,
        replicas: 1,
        traffic: index === 0 ? 100 : 0,
        graph: { name: "classifier", implementation: "SKLEARN_SERVER", modelUri: `gs://models/iris/${predictor}` },
        componentSpecs: [{ spec: { containers } }],
      })),
    },
  };
}

/** A Service without a cluster IP (the API server makes those slower as they grow in number), and its slice. */
export function serviceObjects(
  name: string,
  namespace: string,
  address: string,
  port: number,
): readonly ClusterObject[] {
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace, labels: { "seldon-app": name } },
      spec: {
        clusterIP: "None",
        selector: { "seldon-app": name },
        ports: [
          { name: "http", port: 8000 },
          { name: "grpc", port: 5001 },
        ],
      },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `${name}-x1`,
        namespace,
        labels: {
          "kubernetes.io/service-name": name,
          "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        },
      },
      addressType: "IPv4",
      ports: [
        { name: "http", port, protocol: "TCP" },
        { name: "grpc", port, protocol: "TCP" },
      ],
      endpoints: [{ addresses: [address], conditions: { ready: true, serving: true, terminating: false } }],
    },
  ];
}

/** Creates objects, many at once. */
export async function createAll(api: ApiClient, objects: Iterable<ClusterObject>): Promise<void> {
  const queue = objects[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) {
      const { apiVersion, kind, metadata } = next.value;
      await api.expect(
        "POST",
        `${apiVersion === "v1" ? "/api/v1" : `/apis/${apiVersion}`}/namespaces/${metadata.namespace}/${kind.toLowerCase()}s`,
        next.value,
      );
    }
  };
  await Promise.all(Array.from({ length: creators }, work));
}

function* fleet(count: number): Iterable<ClusterObject> {
  for (let index = 0; index < count; index++) {
    const name = deploymentName(index);
    const namespace = `team-${index % namespaces}`;
    yield deploymentObject(name, namespace, ["main"]);
    yield* serviceObjects(`${name}-main`, namespace, fleetAddress(index), 9000);
  }
}

/** An API server that holds the fleet. The first call for a number of deployments takes minutes. */
export async function startFilledCluster(cache: string, count: number): Promise<ApiServer> {
  const stored = join(cache, `cluster-${count}`);
  if (!existsSync(stored)) {
    await mkdir(cache, { recursive: true });
    await rm(`${stored}.new`, { recursive: true, force: true });
    const cluster = await ApiServer.start();
    await cluster.install("seldondeployments");
    for (let index = 0; index < namespaces; index++) await cluster.admin.createNamespace(`team-${index}`);
    await createAll(cluster.admin, fleet(count));
    await cluster.store(`${stored}.new`);
    await rename(`${stored}.new`, stored);
  }
  const cluster = await ApiServer.start(stored);
  await cluster.install("seldondeployments");
  return cluster;
}

/** What Kubernetes gives a pod: environment, and the folder of a service account that may read everything. */
export async function podOf(
  cluster: ApiServer,
): Promise<{ readonly environment: Readonly<Record<string, string>>; readonly account: string }> {
  const account = join(cluster.folder, "account");
  await mkdir(account, { recursive: true });
  await writeFile(join(account, "token"), cluster.admin.token, { mode: 0o600 });
  await writeFile(join(account, "ca.crt"), cluster.ca);
  await writeFile(join(account, "namespace"), "default");
  return {
    account,
    environment: { KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: String(cluster.port) },
  };
}
