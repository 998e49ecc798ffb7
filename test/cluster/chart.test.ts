// The chart: it is well-formed, its schema catches mistakes, its plain manifests are in step, and a real API server takes what it renders.
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { loadAll } from "js-yaml";
import { afterAll, beforeAll, expect, test } from "vitest";
import { decodePolicyFile } from "../../gateway/callers/policy-file.ts";
import { makeChart } from "../../gateway/packing/chart.ts";
import { root } from "../gateway/packed-form.ts";
import { decodeServe } from "../gateway/options/decode-serve.ts";
import type { ClusterObject } from "./api-client.ts";
import { ApiServer } from "./api-server.ts";
import { binary } from "./binaries.ts";
import { chart, renderChart } from "./chart.ts";
import { describeCluster } from "./suite.ts";

const run = promisify(execFile);
const manifests = new URL("../../k8s/manifests", import.meta.url).pathname;

/** Every value that is not its default. */
const everything = {
  watch: { namespaces: ["models"], single: true },
  ambassadorIds: ["sluice", "shared"],
  mappings: true,
  claims: "granted",
  rollouts: true,
  peers: { enabled: true },
  bareNames: false,
  dial: "service",
  grants: [{ namespace: "models", prefixes: ["/ml/"], upstreams: ["features.warehouse"], endpointSlices: true }],
  policy: { defaults: { auth: "keys" }, providers: { keys: { kind: "api-keys", secret: "models/api-keys" } } },
  redis: { url: "rediss://redis.example:6380", passwordSecret: { name: "redis", key: "pass" } },
  secrets: [{ namespace: "models", names: ["features-ca", "features-cert"] }],
  image: { repository: "registry.example/sluice", tag: "1.2.3", pullPolicy: "Always", pullSecrets: ["registry"] },
  workers: 4,
  trustedHops: 1,
  proxyProtocol: { ports: "both", from: ["10.0.0.0/8", "2001:db8::7"] },
  accessLog: "all",
  options: { "default-timeout-ms": 5_000_000, "body-bytes": "1048576" },
  tls: { secretName: "gateway-tls" },
  admin: { tokenSecret: { name: "admin-token", key: "token" }, hosts: ["gateway-admin.example"] },
  networkPolicy: {
    enabled: true,
    adminFrom: [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }],
    trafficFrom: [{ ipBlock: { cidr: "10.0.0.0/8" } }],
  },
  drain: { preStopSeconds: 7, waitSeconds: 20, graceSeconds: 90 },
  snapshot: { sizeLimit: "1Gi" },
  replicas: 3,
  resources: { requests: { cpu: "2", memory: "1Gi" } },
  podAnnotations: { team: "ml" },
  podLabels: { tier: "edge" },
  nodeSelector: { pool: "edge" },
  tolerations: [{ key: "edge", operator: "Exists", effect: "NoSchedule" }],
  priorityClassName: "system-cluster-critical",
  podDisruptionBudget: { maxUnavailable: "25%" },
  autoscaling: { enabled: true, minReplicas: 3, maxReplicas: 9, targetCPUUtilizationPercentage: 60 },
  service: {
    type: "LoadBalancer",
    nodePort: 30_080,
    tlsNodePort: 30_443,
    annotations: { note: "edge" },
    loadBalancerClass: "example.com/lb",
    loadBalancerSourceRanges: ["10.0.0.0/8"],
    externalTrafficPolicy: "Local",
  },
  serviceMonitor: { enabled: true, labels: { release: "prometheus" } },
  prometheusRule: { enabled: true, labels: { release: "prometheus" }, runbookUrl: "https://wiki.example/sluice" },
  dashboard: { enabled: true },
  serviceAccount: { name: "gateway", annotations: { note: "edge" } },
};

interface PodSpec {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly { readonly args: readonly string[] }[];
}

function podOf(objects: readonly ClusterObject[]): PodSpec {
  const deployment = objects.find(({ kind }) => kind === "Deployment")!;
  return (deployment["spec"] as { readonly template: { readonly spec: PodSpec } }).template.spec;
}

describeCluster("the chart", () => {
  let cluster: ApiServer;

  beforeAll(async () => {
    cluster = await ApiServer.start();
    for (const namespace of ["sluice", "models", "features"])
      await cluster.admin.createNamespace(namespace, { "pod-security.kubernetes.io/enforce": "restricted" });
  }, 90_000);

  afterAll(async () => cluster?.stop());

  test("passes helm lint --strict", async () => {
    await run(binary("helm"), ["lint", "--strict", chart]);
  });

  test("renders from the file of a release as from its folder", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-chart-"));
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { readonly version: string };
    const rendered = async (path: string): Promise<string> =>
      (await run(binary("helm"), ["template", "sluice", path, "--namespace", "sluice"])).stdout;
    const text = await rendered(await makeChart(root, version, folder));
    expect(text).toBe(await rendered(chart));
    expect(text).toContain(`image: "sluice:${version}"`);
    await rm(folder, { recursive: true });
  });

  test("and its plain manifests are in step: k8s/manifests/render.sh makes them again", async () => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-manifests-"));
    await run(join(manifests, "render.sh"), [folder], { env: { ...process.env, HELM: binary("helm") } });
    const rendered = (await readdir(folder)).sort();
    expect((await readdir(manifests)).filter((name) => name.endsWith(".yaml")).sort()).toEqual(rendered);
    for (const name of rendered)
      expect(await readFile(join(manifests, name), "utf8")).toBe(await readFile(join(folder, name), "utf8"));
    await rm(folder, { recursive: true });
  });

  test.each([
    ["an unknown value", { repilcas: 3 }, "additional properties 'repilcas' not allowed"],
    ["a word for a number", { workers: "many" }, "got string, want integer"],
    ["too many workers", { workers: 65 }, "maximum: got 65, want 64"],
    ["a namespace that cannot be", { watch: { namespaces: ["Models"] } }, "does not match pattern"],
    ["single with two namespaces", { watch: { namespaces: ["a", "b"], single: true } }, "maxItems: got 2, want 1"],
    ["single with none", { watch: { single: true } }, "minItems: got 0, want 1"],
    ["claims that are neither", { claims: "maybe" }, "must be one of 'open', 'granted'"],
    [
      "a field that Grants do not have",
      { grants: [{ namespace: "a", prefix: "/x/" }] },
      "additional properties 'prefix' not allowed",
    ],
    ["a Grant for nobody", { grants: [{ prefixes: ["/x/"] }] }, "missing property 'namespace'"],
    ["all Secrets of a namespace", { secrets: [{ namespace: "a", names: [] }] }, "minItems: got 0, want 1"],
    [
      "a peer that is none",
      { networkPolicy: { adminFrom: [{ namespace: "monitoring" }] } },
      "additional properties 'namespace' not allowed",
    ],
    ["an admin host with a port", { admin: { hosts: ["a:8877"] } }, "does not match pattern"],
    ["a Service type that is none", { service: { type: "Balancer" } }, "must be one of"],
    [
      "an option that has a value of its own",
      { options: { "drain-wait-ms": 1 } },
      "additional properties 'drain-wait-ms' not allowed",
    ],
    ["a misspelt option", { options: { "body-byte": 1 } }, "additional properties 'body-byte' not allowed"],
    ["an option above its bounds", { options: { "head-fields": 129 } }, "maximum: got 129, want 128"],
    ["a word for the number of an option", { options: { "head-fields": "many" } }, "does not match pattern"],
  ])("refuses %s", async (_, values, sentence) => {
    await expect(renderChart(values)).rejects.toThrow(sentence);
  });

  test("starts the gateway with options that it knows, and that mean what the values say", async () => {
    for (const { args } of podOf(await renderChart({})).containers)
      expect(decodeServe(args.slice(1), {})).toMatchObject({ kind: "settings" });
    const [container] = podOf(await renderChart(everything)).containers;
    expect(decodeServe(container!.args.slice(1), {})).toMatchObject({
      kind: "settings",
      grantsFile: "/etc/sluice/grants/grants.yaml",
      settings: {
        source: {
          kind: "cluster",
          releases: { namespace: "sluice", name: "sluice-releases" },
          snapshotFile: "/var/lib/sluice/last-good",
        },
        workers: 4,
        ambassadorIds: ["sluice", "shared"],
        namespaces: ["models"],
        singleNamespace: "models",
        claims: "granted",
        bareNames: "off",
        mappings: true,
        peers: [{ kind: "service", namespace: "sluice", service: "sluice-peers" }],
        dial: "service",
        trustedHops: 1,
        proxyProtocol: { on: "both", from: ["10.0.0.0/8", "2001:db8::7/128"] },
        accessLog: "all",
        policyFile: "/etc/sluice/policy/policy.yaml",
        redis: expect.objectContaining({ passwordFile: "/etc/sluice/redis/pass" }) as unknown,
        admin: {
          hosts: [
            "sluice-admin",
            "sluice-admin.sluice",
            "sluice-admin.sluice.svc",
            "sluice-admin.sluice.svc.cluster.local",
            "gateway-admin.example",
          ],
        },
        tls: { port: 8443, certFile: "/etc/sluice/tls/tls.crt", keyFile: "/etc/sluice/tls/tls.key" },
        drainWaitMs: 20_000,
        drainGraceMs: 90_000,
        limits: { defaultTimeoutMs: 5_000_000, bodyBytes: 1_048_576 },
      },
    });
  });

  test("has the alerts and the dashboard as they are made, and links to the runbook that the values name", async () => {
    const objects = await renderChart(everything);
    const rules = await readFile(join(chart, "files", "alerts.yaml"), "utf8");
    expect(objects.find(({ kind }) => kind === "PrometheusRule")).toMatchObject({
      metadata: { name: "sluice", labels: { release: "prometheus" } },
      spec: loadAll(rules.replaceAll("RUNBOOK_URL", "https://wiki.example/sluice"))[0],
    });
    const map = objects.find(({ metadata }) => metadata.name === "sluice-dashboard") as unknown as {
      readonly data: Readonly<Record<string, string>>;
    };
    expect(JSON.parse(map.data["sluice.json"]!)).toEqual(
      JSON.parse(await readFile(join(chart, "files", "dashboard.json"), "utf8")),
    );
    expect((await renderChart({})).map(({ kind }) => kind)).not.toContain("PrometheusRule");
  });

  test("puts the policy where the gateway reads it, as it is written", async () => {
    const map = (await renderChart(everything)).find(
      ({ kind, metadata }) => kind === "ConfigMap" && metadata.name === "sluice-policy",
    ) as unknown as { readonly data: Readonly<Record<string, string>> };
    expect(decodePolicyFile(map.data["policy.yaml"]!)).toMatchObject({
      kind: "value",
      value: { defaults: { auth: ["keys"] } },
    });
    expect((await renderChart({})).some(({ metadata }) => metadata.name === "sluice-policy")).toBe(false);
  });

  test("makes the token of the admin port, once, where replicas ask each other and the values name no Secret", async () => {
    const secretOf = async (values: unknown): Promise<ClusterObject | undefined> =>
      (await renderChart(values)).find(({ kind }) => kind === "Secret");
    expect(await secretOf({})).toBeUndefined();
    expect(await secretOf(everything)).toBeUndefined();
    const { metadata, data } = (await secretOf({ rollouts: true })) as ClusterObject & {
      readonly data: Readonly<Record<string, string>>;
    };
    expect(metadata.name).toBe("sluice-admin-token");
    expect(Buffer.from(data["token"]!, "base64").toString()).toMatch(/^[A-Za-z0-9]{48}$/);
  });

  test("gives a pod the time that its stop takes", async () => {
    expect(podOf(await renderChart({})).terminationGracePeriodSeconds).toBe(0 + 10 + 60 + 5);
    expect(podOf(await renderChart(everything)).terminationGracePeriodSeconds).toBe(7 + 20 + 90 + 5);
  });

  test.each([
    ["the defaults", {}],
    ["every value changed", everything],
    ["two namespaces", { watch: { namespaces: ["models", "features"] } }],
    ["a node port", { service: { type: "NodePort", nodePort: 30_081, externalTrafficPolicy: "Local" } }],
  ])("is accepted by the API server with %s", async (_, values) => {
    const objects = (await renderChart(values)).filter(({ apiVersion }) => apiVersion !== "monitoring.coreos.com/v1");
    await cluster.admin.apply(objects, { dryRun: true });
    expect(objects.map(({ kind }) => kind)).toContain("Deployment");
  });

  test("has pods that fit the restricted profile of Pod Security", async () => {
    for (const values of [{}, everything]) {
      const spec = { ...podOf(await renderChart(values)), priorityClassName: null, priority: null };
      await cluster.admin.apply(
        [{ apiVersion: "v1", kind: "Pod", metadata: { name: "sluice", namespace: "sluice" }, spec }],
        { dryRun: true },
      );
    }
  });

  test("and in plain manifests is accepted by the API server", async () => {
    for (const name of ["all-namespaces", "some-namespaces", "one-namespace"]) {
      await cluster.admin.apply(loadAll(await readFile(join(manifests, `${name}.yaml`), "utf8")) as ClusterObject[], {
        dryRun: true,
      });
    }
  });

  test("keeps the admin port for those whom networkPolicy names", async () => {
    const policyOf = async (values: Readonly<Record<string, unknown>>): Promise<unknown> =>
      (await renderChart(values)).find(({ kind }) => kind === "NetworkPolicy")?.["spec"];
    expect(await policyOf({})).toBeUndefined();
    expect(await policyOf({ networkPolicy: { enabled: true } })).toMatchObject({
      policyTypes: ["Ingress"],
      ingress: [{ ports: [{ port: "http" }] }],
    });
    const { networkPolicy } = everything;
    expect(await policyOf(everything)).toMatchObject({
      ingress: [
        { ports: [{ port: "http" }, { port: "https" }], from: networkPolicy.trafficFrom },
        {
          ports: [{ port: "admin" }],
          from: [{ podSelector: { matchLabels: { "app.kubernetes.io/name": "sluice" } } }],
        },
        { ports: [{ port: "admin" }], from: networkPolicy.adminFrom },
      ],
    });
  });

  test("a change of Grants changes the pods, so that they restart", async () => {
    const template = async (grants: readonly unknown[]): Promise<string> =>
      JSON.stringify((await renderChart({ grants })).find(({ kind }) => kind === "Deployment")!["spec"]);
    expect(await template([{ namespace: "a" }])).not.toBe(await template([{ namespace: "b" }]));
  });
});
