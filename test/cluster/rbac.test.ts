// The chart's role on a real API server: all that the gateway asks for is granted, and all that is granted is asked for, by the audit log.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { GatewayProcess } from "../gateway/gateway-process.ts";
import type { ClusterObject } from "./api-client.ts";
import { ApiServer, type Audited } from "./api-server.ts";
import { installChart, startInstalled } from "./installed-gateway.ts";
import { describeCluster } from "./suite.ts";

const deployment = (name: string, traffic: string): ClusterObject => ({
  apiVersion: "machinelearning.seldon.io/v1",
  kind: "SeldonDeployment",
  metadata: { name, namespace: "models", annotations: { "sluice.io/traffic": traffic } },
  spec: { predictors: [{ name: "main", graph: { name: "classifier" } }] },
});

/** A Mapping that talks TLS with the material of a Secret. */
const context: readonly ClusterObject[] = [
  {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "features-ca", namespace: "models" },
    type: "Opaque",
    stringData: { "ca.crt": "none" },
  },
  {
    apiVersion: "getambassador.io/v2",
    kind: "TLSContext",
    metadata: { name: "features", namespace: "models" },
    spec: { ca_secret: "features-ca" },
  },
  {
    apiVersion: "getambassador.io/v2",
    kind: "Mapping",
    metadata: { name: "features", namespace: "models" },
    spec: { prefix: "/seldon/models/features/", service: "https://features.models:443", tls: "features" },
  },
];

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

function rulesOf(objects: readonly ClusterObject[]): readonly Rule[] {
  return objects
    .filter(({ kind }) => kind === "Role" || kind === "ClusterRole")
    .flatMap((role) => role["rules"] as readonly Rule[]);
}

/** `list services` and so on, sorted, each once. */
function actionsOf(rules: readonly Rule[]): readonly string[] {
  const actions = rules.flatMap(({ apiGroups, resources, verbs }) =>
    verbs.flatMap((verb) =>
      resources.map((resource) => `${verb} ${[resource, ...apiGroups.filter((group) => group !== "")].join(".")}`),
    ),
  );
  return [...new Set(actions)].sort();
}

describeCluster("the service account of the chart", () => {
  let cluster: ApiServer;
  let gateway: GatewayProcess | null = null;
  let installed: readonly ClusterObject[] = [];

  beforeAll(async () => {
    cluster = await ApiServer.start();
    await cluster.install(
      "seldondeployments",
      "mappings",
      "tlscontexts",
      "modules",
      "hosts",
      "authservices",
      "ratelimitservices",
    );
    await cluster.admin.createNamespace("models");
    await cluster.admin.createNamespace("features");
  }, 90_000);

  afterAll(async () => cluster?.stop());

  afterEach(async () => {
    await gateway?.kill();
    await cluster.admin.delete(...installed.filter(({ kind }) => kind !== "PodDisruptionBudget"));
  });

  /** Installs the chart under a service account of its own, so that the audit log tells the tests apart. */
  const install = async (account: string, values: Record<string, unknown>): Promise<void> => {
    installed = await installChart(cluster, {
      ...values,
      podDisruptionBudget: { enabled: false },
      serviceAccount: { name: account },
    });
  };

  const audited = async (account: string): Promise<readonly Audited[]> =>
    (await cluster.audited("sluice", account)).filter(({ action }) => !action.includes(" /"));

  const actions = async (account: string): Promise<readonly string[]> =>
    [...new Set((await audited(account)).map(({ action }) => action))].sort();

  const denied = async (account: string): Promise<readonly string[]> =>
    (await audited(account))
      .filter(({ status }) => status === 401 || status === 403)
      .map(({ action, namespace }) => `${action} in ${namespace}`);

  /** Lets the gateway read, follow and report all that it can, on a deployment of that name: a Problem that comes, and one that changes. */
  const exercise = async (name: string): Promise<void> => {
    await cluster.admin.apply([deployment(name, "main=all"), ...context]);
    gateway = await startInstalled(cluster, installed);
    await gateway.listening();
    const messages = async (): Promise<readonly string[]> =>
      (await cluster.admin.list(`/api/v1/namespaces/models/events?fieldSelector=involvedObject.name%3D${name}`)).map(
        ({ message }) => String(message),
      );
    await expect.poll(messages, { timeout: 20_000 }).toContainEqual(expect.stringContaining("all"));
    // The second joins the first.
    await cluster.admin.apply([deployment(name, "main=some"), deployment(`${name}-second`, "main=100")]);
    await expect.poll(messages, { timeout: 20_000 }).toContainEqual(expect.stringContaining("some"));
  };

  const secrets = [{ namespace: "models", names: ["features-ca"] }];

  test.each([
    ["all namespaces", "everywhere", { mappings: true, secrets }],
    ["two namespaces", "two", { mappings: true, secrets, watch: { namespaces: ["models", "features"] } }],
    ["one namespace", "one", { mappings: true, secrets, watch: { namespaces: ["models"] } }],
  ])(
    "does all that its role grants and is denied nothing, in %s",
    async (_, account, values) => {
      await install(account, values);
      await exercise(account);
      await expect.poll(() => actions(account), { timeout: 20_000 }).toEqual(actionsOf(rulesOf(installed)));
      expect(await denied(account)).toEqual([]);
    },
    60_000,
  );

  test("asks for no Mapping and no Secret where the values name none", async () => {
    await install("least", {});
    await exercise("least");
    await expect.poll(() => actions("least"), { timeout: 20_000 }).toEqual(actionsOf(rulesOf(installed)));
    expect((await actions("least")).join()).not.toMatch(/mappings|tlscontexts|secrets/);
    expect(await denied("least")).toEqual([]);
  }, 60_000);

  test("with one verb less is seen to be denied", async () => {
    await install("crippled", {});
    const role = installed.find(({ kind }) => kind === "ClusterRole")!;
    const rules = rulesOf([role]).map((rule) =>
      rule.resources.includes("endpointslices") ? { ...rule, verbs: ["list"] } : rule,
    );
    await cluster.admin.apply([{ ...role, rules }]);
    await cluster.admin.apply([deployment("crippled", "main=100")]);
    gateway = await startInstalled(cluster, installed);
    await expect
      .poll(() => denied("crippled"), { timeout: 20_000 })
      .toContain("watch endpointslices.discovery.k8s.io in ");
  }, 60_000);

  test("cannot read outside the namespaces that it watches, nor Secrets that the values do not name", async () => {
    await install("bounded", { secrets, watch: { namespaces: ["models"] } });
    const account = cluster.client(await cluster.admin.serviceAccountToken("sluice", "bounded"));
    const status = async (path: string): Promise<number> => (await account.ask("GET", path)).status;
    expect(await status("/api/v1/namespaces/models/services")).toBe(200);
    expect(await status("/api/v1/namespaces/models/secrets?fieldSelector=metadata.name%3Dfeatures-ca")).toBe(200);
    for (const path of [
      "/api/v1/services",
      "/api/v1/namespaces/features/services",
      "/api/v1/namespaces/models/secrets",
      "/api/v1/namespaces/models/secrets/other",
      "/api/v1/namespaces/models/pods",
      "/api/v1/namespaces",
    ]) {
      expect(`${path} ${await status(path)}`).toBe(`${path} 403`);
    }
    account.close();
  });
});
