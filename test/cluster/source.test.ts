// The cluster Source on a real API server, as the chart's service account: every verb that its role lacks fails a test here.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openAccess } from "../../k8s/source/api/access.ts";
import { Api } from "../../k8s/source/api/api.ts";
import { ClusterSource, type ClusterOptions } from "../../k8s/source/cluster/cluster.ts";
import { reflectorTimes } from "../../k8s/source/cluster/reflector-times.ts";
import type { SourceChange } from "../../k8s/source/objects/source.ts";
import { eventOf } from "../../gateway/control/status/problem-events.ts";
import type { Problem } from "../../routing/text/problem.ts";
import type { ClusterObject } from "./api-client.ts";
import { ApiServer } from "./api-server.ts";
import { kubectl } from "./commands.ts";
import { installChart } from "./installed-gateway.ts";
import { describeCluster } from "./suite.ts";

const deployment = (name: string, namespace: string, version = "v1"): ClusterObject => ({
  apiVersion: `machinelearning.seldon.io/${version}`,
  kind: "SeldonDeployment",
  metadata: { name, namespace },
  spec: { predictors: [{ name: "default", graph: { name: "classifier" } }] },
});
const service = (name: string, namespace: string): ClusterObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace },
  spec: { clusterIP: "None", ports: [{ name: "http", port: 8000 }] },
});
const slice = (
  name: string,
  of: string,
  namespace: string,
  addressType = "IPv4",
  address = "10.1.0.1",
): ClusterObject => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name, namespace, labels: { "kubernetes.io/service-name": of } },
  addressType,
  ports: [{ name: "http", port: 9000, protocol: "TCP" }],
  endpoints: [{ addresses: [address], conditions: { ready: true, serving: true, terminating: false }, zone: "a" }],
});
const mapping = (name: string, namespace: string): ClusterObject => ({
  apiVersion: "getambassador.io/v2",
  kind: "Mapping",
  metadata: { name, namespace },
  spec: { prefix: "/x/", service: "x" },
});

const ambassador = (namespace: string, config: Readonly<Record<string, unknown>>): ClusterObject => ({
  apiVersion: "getambassador.io/v2",
  kind: "Module",
  metadata: { name: "ambassador", namespace },
  spec: { config },
});

/** A Source that runs, and what it has told. */
class Running {
  readonly source: ClusterSource;
  readonly known = new Map<string, { readonly object: unknown; readonly apiVersion: string }>();
  problems: readonly Problem[] = [];
  wanted: ReadonlySet<string> = new Set();
  #waiting: (() => void)[] = [];

  constructor(source: ClusterSource) {
    this.source = source;
  }

  start(): Promise<void> {
    return this.source.start((change) => this.#take(change));
  }

  #take({ set, removed, problems }: SourceChange): void {
    for (const key of removed) this.known.delete(key);
    for (const { ref, object, apiVersion } of set)
      this.known.set(`${ref.kind} ${ref.namespace}/${ref.name}`, { object, apiVersion });
    this.problems = problems;
    this.source.follow(this.wanted);
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  keys(namespace: string): string[] {
    return [...this.known.keys()].filter((key) => key.includes(` ${namespace}/`)).sort();
  }
}

describeCluster("the cluster Source", () => {
  let cluster: ApiServer;
  let running: Running | null = null;

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
  }, 90_000);

  afterEach(async () => {
    await running?.source.stop();
    running = null;
  });

  afterAll(async () => cluster?.stop());

  /** Namespaces of a test, and the chart with these values. Gives the folder of the service account. */
  async function install(values: unknown, ...namespaces: readonly string[]): Promise<string> {
    for (const namespace of namespaces) await cluster.admin.createNamespace(namespace);
    await installChart(cluster, values);
    const folder = join(cluster.folder, namespaces[0]!);
    await mkdir(folder);
    await writeFile(join(folder, "ca.crt"), cluster.ca);
    await writeFile(join(folder, "token"), await cluster.admin.serviceAccountToken("sluice", "sluice"));
    return folder;
  }

  async function open(folder: string, options: Partial<ClusterOptions> = {}): Promise<Running> {
    running = new Running(
      new ClusterSource({
        api: new Api(await openAccess({ kind: "pod", server: cluster.url, folder })),
        namespaces: [],
        mappings: false,
        platformNamespaces: [],
        forbiddenAddresses: [],
        releases: null,
        lastGood: null,
        once: false,
        times: {
          reflector: { ...reflectorTimes, absentMs: 200, backoff: { ...reflectorTimes.backoff, firstMs: 50 } },
          lastGoodAfterMs: 3000,
          secretsMs: 5000,
        },
        random: Math.random,
        ...options,
      }),
    );
    return running;
  }

  test("reads what the chart permits in all namespaces, Mappings and a named Secret included, and follows each", async () => {
    const folder = await install({ mappings: true, secrets: [{ namespace: "whole", names: ["cert"] }] }, "whole");
    await cluster.admin.apply([
      deployment("iris", "whole"),
      service("iris-default", "whole"),
      slice("iris-default-4", "iris-default", "whole"),
      slice("iris-default-6", "iris-default", "whole", "IPv6", "fd00::1"),
      mapping("raw", "whole"),
      ambassador("whole", { server_name: "edge" }),
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "cert", namespace: "whole" },
        stringData: { "tls.crt": "x" },
      },
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "other", namespace: "whole" },
        stringData: { "tls.crt": "x" },
      },
    ]);
    const one = await open(folder, { mappings: true });
    one.wanted = new Set(["whole/cert", "whole/other"]);
    await one.start();
    const objects = [
      "EndpointSlice whole/iris-default-4",
      "EndpointSlice whole/iris-default-6",
      "Mapping whole/raw",
      "Module whole/ambassador",
      "Secret whole/cert",
      "SeldonDeployment whole/iris",
      "Service whole/iris-default",
    ];
    expect(one.keys("whole")).toEqual(objects);
    // The role names one Secret; that the other is refused is the proof that Secrets are not open.
    expect(one.problems.map(({ code, subject }) => `${code} ${subject.name}`)).toEqual([
      "resource-forbidden secrets/other",
    ]);
    expect(one.source.trouble()).toBeNull();
    await cluster.admin.apply([deployment("late", "whole"), mapping("late", "whole")]);
    await one.until(() => one.known.has("SeldonDeployment whole/late") && one.known.has("Mapping whole/late"));
    await kubectl(await cluster.kubeconfig("admin"), [
      "annotate",
      "-n",
      "whole",
      "sdep",
      "iris",
      "sluice.io/traffic=default=100",
    ]);
    await one.until(() => JSON.stringify(one.known.get("SeldonDeployment whole/iris")!.object).includes("default=100"));
    await cluster.admin.apply([ambassador("whole", { server_name: "changed" })]);
    await one.until(() => JSON.stringify(one.known.get("Module whole/ambassador")!.object).includes("changed"));
    await cluster.admin.merge(
      { apiVersion: "v1", kind: "Secret", metadata: { name: "cert", namespace: "whole" } },
      { stringData: { "tls.crt": "rotated" } },
    );
    await one.until(() =>
      JSON.stringify(one.known.get("Secret whole/cert")!.object).includes(Buffer.from("rotated").toString("base64")),
    );
    await cluster.admin.delete(deployment("iris", "whole"), slice("iris-default-4", "iris-default", "whole"));
    await one.until(
      () => !one.known.has("SeldonDeployment whole/iris") && !one.known.has("EndpointSlice whole/iris-default-4"),
    );
  });

  test("reads the namespaces of the chart's Roles and needs no right beyond them", async () => {
    const folder = await install({ watch: { namespaces: ["first", "second"] } }, "first", "second", "third");
    await cluster.admin.delete({
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRoleBinding",
      metadata: { name: "sluice-sluice" },
    });
    await cluster.admin.apply([deployment("a", "first"), service("b", "second"), deployment("c", "third")]);
    const one = await open(folder, { namespaces: ["first", "second"] });
    await one.start();
    expect([...one.known.keys()].sort()).toEqual(["SeldonDeployment first/a", "Service second/b"]);
    expect(one.problems).toEqual([]);
  });

  test("goes on where it was after SIGKILL and restart, and misses nothing", async () => {
    const folder = await install({}, "killed");
    await cluster.admin.apply([deployment("a", "killed")]);
    const one = await open(folder);
    await one.start();
    await cluster.stopServer("SIGKILL");
    await one.until(() => one.problems.some(({ code }) => code === "api-server-away"));
    expect(one.keys("killed")).toEqual(["SeldonDeployment killed/a"]);
    expect(one.source.ageSeconds()).toBeGreaterThan(0);
    await cluster.startServer();
    await cluster.admin.apply([deployment("b", "killed")]);
    await cluster.admin.delete(deployment("a", "killed"));
    await one.until(() => one.keys("killed").join() === "SeldonDeployment killed/b");
    await one.until(() => one.problems.length === 0);
    expect(one.source.ageSeconds()).toBe(0);
  }, 90_000);

  test("lists again when its version was compacted away", async () => {
    const folder = await install({}, "compacted");
    await cluster.admin.apply([deployment("a", "compacted")]);
    const one = await open(folder);
    await one.start();
    // Its watches cannot see what happens now, nor ask for it later: the history is gone.
    cluster.freeze();
    const stopping = cluster.stopServer("SIGKILL");
    cluster.resume();
    await stopping;
    await cluster.startServer();
    await cluster.admin.apply([deployment("b", "compacted")]);
    await cluster.admin.delete(deployment("a", "compacted"));
    await cluster.compact();
    await cluster.restart();
    await one.until(() => one.keys("compacted").join() === "SeldonDeployment compacted/b");
    await one.until(() => one.problems.length === 0);
  }, 120_000);

  test("notices a server that is silent", async () => {
    const folder = await install({}, "frozen");
    const one = await open(folder, {
      times: {
        reflector: { ...reflectorTimes, idleMs: 1500, listIdleMs: 1500, shortWatchMs: 100 },
        lastGoodAfterMs: 3000,
        secretsMs: 1000,
      },
    });
    await one.start();
    cluster.freeze();
    await one.until(() => one.problems.some(({ code }) => code === "api-server-away"));
    expect(one.source.trouble()).toMatch(/nothing came for 1\.5 s|there was no answer within 1\.5 s/);
    cluster.resume();
    await cluster.admin.apply([deployment("after", "frozen")]);
    await one.until(() => one.keys("frozen").length === 1);
  }, 60_000);

  test("waits with a refused token and goes on with a fresh one", async () => {
    const folder = await install({}, "rotated");
    await cluster.admin.apply([deployment("a", "rotated")]);
    await writeFile(join(folder, "token"), "expired");
    const one = await open(folder);
    const started = one.start();
    while (!(one.source.trouble() ?? "").includes("401")) await new Promise((resolve) => setTimeout(resolve, 10));
    await writeFile(join(folder, "token"), await cluster.admin.serviceAccountToken("sluice", "sluice"));
    await started;
    expect(one.keys("rotated")).toEqual(["SeldonDeployment rotated/a"]);
  });

  test("starts without the CRD, finds it when it is installed, and loses its objects with it", async () => {
    const folder = await install({}, "crd");
    await cluster.uninstall("seldondeployments");
    const one = await open(folder);
    await one.start();
    // A CRD goes some time after its deletion was accepted.
    await one.until(() => one.problems.some(({ code }) => code === "resource-absent"));
    await cluster.install("seldondeployments");
    await cluster.admin.apply([deployment("a", "crd", "v1alpha3")]);
    await one.until(() => one.keys("crd").length === 1);
    expect(one.known.get("SeldonDeployment crd/a")!.apiVersion).toBe("machinelearning.seldon.io/v1");
    await one.until(() => one.problems.length === 0);
    await cluster.uninstall("seldondeployments");
    await one.until(() => one.keys("crd").length === 0 && one.problems.some(({ code }) => code === "resource-absent"));
    await cluster.install("seldondeployments");
  }, 90_000);

  test("a Problem is one event on its object, however many replicas tell it and how often, and the object stays as it is", async () => {
    const folder = await install({}, "told");
    await cluster.admin.apply([deployment("iris", "told")]);
    const one = await open(folder);
    await one.start();
    const before = await cluster.admin.get("/apis/machinelearning.seldon.io/v1/namespaces/told/seldondeployments/iris");
    const problem: Problem = {
      code: "bad-value",
      level: "error",
      subject: { kind: "SeldonDeployment", namespace: "told", name: "iris" },
      field: 'metadata.annotations["x"]',
      sentence: "it is no number",
    };
    const { events } = one.source;
    expect(
      await Promise.all([
        events.write(eventOf(problem)),
        events.write(eventOf(problem)),
        events.write(eventOf(problem)),
      ]),
    ).toContain("written");
    expect(await events.write(eventOf(problem))).toBe("fresh");
    const kubeconfig = await cluster.kubeconfig("admin");
    const shown = async (): Promise<string[]> =>
      (
        await kubectl(kubeconfig, [
          "get",
          "events",
          "-n",
          "told",
          "--no-headers",
          "-o",
          "custom-columns=T:.type,R:.reason,O:.involvedObject.name,C:.count,M:.message",
        ])
      )
        .trim()
        .split("\n")
        .map((line) => line.replace(/\s+/g, " "));
    expect(await shown()).toEqual(['Warning BadValue iris 1 metadata.annotations["x"]: it is no number']);
    expect(await events.write(eventOf({ ...problem, sentence: "it is less than 0" }))).toBe("written");
    expect(await shown()).toEqual(['Warning BadValue iris 2 metadata.annotations["x"]: it is less than 0']);
    expect(await kubectl(kubeconfig, ["describe", "sdep", "-n", "told", "iris"])).toContain("it is less than 0");
    expect(await events.write(eventOf({ ...problem, subject: { ...problem.subject, name: "gone" } }))).toBe(
      "no-object",
    );
    expect(
      await cluster.admin.get("/apis/machinelearning.seldon.io/v1/namespaces/told/seldondeployments/iris"),
    ).toEqual(before);
  });
});
