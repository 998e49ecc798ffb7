// Live traffic while pods come and go (routing rule 7): real objects on a real API server, real model servers, and
// not one failed request. The order of events is the one of Seldon's operator and of Kubernetes' controllers.
import { once } from "node:events";
import { request } from "node:http";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { GatewayProcess } from "../gateway/gateway-process.ts";
import type { ClusterObject } from "./api-client.ts";
import { ApiServer } from "./api-server.ts";
import { installChart, startInstalled } from "./installed-gateway.ts";
import { PodNetwork } from "./pod-network.ts";
import { PodService } from "./pods.ts";
import { answersOf, PredictionStream } from "./stream.ts";
import { describeClusterWithPods } from "./suite.ts";

/** Seldon's pods serve this long after they were told to end (10 s there; enough here for a change to arrive many times over). */
const preStopMs = 1000;

interface PredictorSpec {
  readonly name: string;
  readonly traffic?: number;
}

describeClusterWithPods("a SeldonDeployment under load", () => {
  let cluster: ApiServer;
  let network: PodNetwork;
  let gateway: GatewayProcess;
  let traffic = "";
  let admin = "";
  let namespace = "";
  let tests = 0;
  let services: PodService[] = [];
  let stream: PredictionStream;

  beforeAll(async () => {
    cluster = await ApiServer.start();
    await cluster.install("seldondeployments", "mappings", "tlscontexts");
    network = await PodNetwork.create();
    gateway = await startInstalled(cluster, await installChart(cluster, { mappings: true }));
    ({ traffic, admin } = await gateway.listening());
  }, 90_000);

  afterAll(async () => {
    await gateway?.kill();
    await network?.remove();
    await cluster?.stop();
  });

  beforeEach(async () => {
    tests += 1;
    namespace = `models-${tests}`;
    services = [];
    await cluster.admin.createNamespace(namespace);
  });

  afterEach(async () => {
    await stream.stop();
    await Promise.all(services.map((service) => service.kill()));
  });

  const deployment = (
    predictors: readonly PredictorSpec[],
    annotations: Record<string, string> = {},
  ): ClusterObject => ({
    apiVersion: "machinelearning.seldon.io/v1",
    kind: "SeldonDeployment",
    metadata: { name: "iris", namespace, annotations },
    spec: {
      predictors: predictors.map((predictor) => ({
        ...predictor,
        graph: { name: "classifier", implementation: "SKLEARN_SERVER" },
      })),
    },
  });

  const serviceOf = (predictor: string): PodService => {
    const service = new PodService(cluster.admin, network, { namespace, deployment: "iris", predictor });
    services.push(service);
    return service;
  };

  const url = (): string => `${traffic}/seldon/${namespace}/iris/api/v1.0/predictions`;

  /** Resolves with the first answer. */
  const startStream = async (): Promise<void> => {
    stream = new PredictionStream(url());
    await stream.more(1);
  };

  const problemCodes = async (): Promise<readonly string[]> => {
    const { items: problems } = (await (await fetch(`${admin}/api/v1/problems`)).json()) as {
      readonly items: readonly { readonly code: string; readonly subject: { readonly namespace: string } }[];
    };
    return problems.filter(({ subject }) => subject.namespace === namespace).map(({ code }) => code);
  };

  test("a rolling update replaces every pod and no request fails", async () => {
    const service = serviceOf("main");
    await cluster.admin.apply([deployment([{ name: "main" }])]);
    await service.create(3);
    await startStream();
    const old = [...service.pods];
    for (const pod of old) {
      const fresh = await service.add();
      await stream.more(20);
      await service.become(fresh, "ready");
      await stream.reaches(fresh.name);
      await service.end(pod, preStopMs);
    }
    await stream.more(200);
    expect(stream.failures).toEqual([]);
    expect(service.pods.every(({ answered }) => answered > 0)).toBe(true);
  });

  test("a predictor scaled to zero gives its share to the other, and takes it again when it is back", async () => {
    const [main, canary] = [serviceOf("main"), serviceOf("canary")];
    await cluster.admin.apply([
      deployment([
        { name: "main", traffic: 50 },
        { name: "canary", traffic: 50 },
      ]),
    ]);
    await main.create(1);
    await canary.create(2);
    await startStream();
    await stream.reaches(canary.name);
    await Promise.all([...canary.pods].map((pod) => canary.end(pod, preStopMs)));
    await stream.leaves(canary.name);
    const back = await canary.add();
    await stream.more(50);
    await canary.become(back, "ready");
    await stream.reaches(canary.name);
    const answers = answersOf(await stream.count(400), canary.name);
    expect(stream.failures).toEqual([]);
    // 400 draws at one half: five standard deviations are 50.
    expect(answers).toBeGreaterThan(150);
    expect(answers).toBeLessThan(250);
  });

  test("a deployment scaled to zero is served by its terminating pods to the last, then says 503, and is back by itself", async () => {
    const service = serviceOf("main");
    await cluster.admin.apply([deployment([{ name: "main" }])]);
    await service.create(1);
    await startStream();
    const [last] = service.pods;
    await service.become(last!, "terminating");
    await stream.more(200);
    await stream.stop();
    expect(stream.failures).toEqual([]);
    await last!.stop();
    await service.forget(last!);
    let response = await fetch(url(), { method: "POST", body: "{}" });
    while (response.status === 200) response = await fetch(url(), { method: "POST", body: "{}" });
    expect(response.status).toBe(503);
    const pod = await service.add();
    await service.become(pod, "ready");
    await startStream();
    await stream.more(50);
    expect(stream.failures).toEqual([]);
  });

  test("a predictor added before its Service, its slice and its pods are there gets nothing until a pod is ready", async () => {
    const [main, canary] = [serviceOf("main"), serviceOf("canary")];
    await cluster.admin.apply([deployment([{ name: "main" }])]);
    await main.create(1);
    await startStream();
    await cluster.admin.apply([
      deployment([
        { name: "main", traffic: 60 },
        { name: "canary", traffic: 40 },
      ]),
    ]);
    await stream.more(150);
    await canary.create(0);
    await stream.more(100);
    const pod = await canary.add();
    await stream.more(100);
    expect(pod.answered).toBe(0);
    await canary.become(pod, "ready");
    await stream.reaches(canary.name);
    const answers = answersOf(await stream.count(400), canary.name);
    expect(stream.failures).toEqual([]);
    // 400 draws at 0.4: five standard deviations are 49.
    expect(answers).toBeGreaterThan(111);
    expect(answers).toBeLessThan(209);
  });

  test("a predictor is renamed: the pods of the old name serve until one of the new name is ready, and never beside it", async () => {
    const [before, after] = [serviceOf("main"), serviceOf("better")];
    await cluster.admin.apply([deployment([{ name: "main" }])]);
    await before.create(2);
    await startStream();
    await cluster.admin.apply([deployment([{ name: "better" }])]);
    await stream.more(150);
    await expect.poll(problemCodes).toContain("serving-previous-predictor");
    await after.create(0);
    const pod = await after.add();
    await stream.more(100);
    await after.become(pod, "ready");
    await stream.reaches(after.name);
    await stream.leaves(before.name);
    await Promise.all([...before.pods].map((old) => before.end(old, preStopMs)));
    await before.remove();
    await stream.more(100);
    expect(stream.failures).toEqual([]);
    expect(await problemCodes()).not.toContain("serving-previous-predictor");
  });

  test("a predictor is removed: its route goes with the edit, and its pods end after that", async () => {
    const [main, canary] = [serviceOf("main"), serviceOf("canary")];
    await cluster.admin.apply([
      deployment([
        { name: "main", traffic: 50 },
        { name: "canary", traffic: 50 },
      ]),
    ]);
    await main.create(1);
    await canary.create(1);
    await startStream();
    await stream.reaches(canary.name);
    await cluster.admin.apply([deployment([{ name: "main" }])]);
    await stream.leaves(canary.name);
    await canary.end(canary.pods[0]!, preStopMs);
    await canary.remove();
    await stream.more(100);
    expect(stream.failures).toEqual([]);
  });

  test("what the operator derives for Ambassador, v1 annotations and v2 Mappings alike, changes nothing beside the SeldonDeployment", async () => {
    const [main, canary] = [serviceOf("main"), serviceOf("canary")];
    const iris = deployment([
      { name: "main", traffic: 70 },
      { name: "canary", traffic: 30 },
    ]);
    await cluster.admin.apply([iris]);
    const owner = {
      apiVersion: iris.apiVersion,
      kind: iris.kind,
      name: "iris",
      uid: (
        (await cluster.admin.get(`/apis/${iris.apiVersion}/namespaces/${namespace}/seldondeployments/iris`)) as {
          readonly metadata: { readonly uid: string };
        }
      ).metadata.uid,
    };
    /** As the operator writes them, which it does late: with the weights of an earlier spec. */
    const mapping = (predictor: string, weight: number): ClusterObject => ({
      apiVersion: "getambassador.io/v2",
      kind: "Mapping",
      metadata: {
        name: `iris-${predictor}-rest`,
        namespace,
        ownerReferences: [owner],
        labels: { "seldon-deployment-id": "iris" },
      },
      spec: {
        prefix: `/seldon/${namespace}/iris/`,
        rewrite: "/",
        service: `iris-${predictor}.${namespace}:8000`,
        weight,
        timeout_ms: 1,
      },
    });
    const annotation = (predictor: string, weight: number): Record<string, string> => ({
      "getambassador.io/config": `---\napiVersion: ambassador/v1\nkind: Mapping\nname: iris-${predictor}\nprefix: /seldon/${namespace}/iris/\nrewrite: /\nservice: iris-${predictor}.${namespace}:8000\nweight: ${weight}\ntimeout_ms: 1\n`,
    });
    await main.create(1, annotation("main", 10));
    await canary.create(1, annotation("canary", 90));
    await cluster.admin.apply([mapping("main", 10), mapping("canary", 90)]);
    await startStream();
    await stream.reaches(canary.name);
    for (const weight of [80, 60, 100, 0]) {
      await cluster.admin.apply([mapping("canary", weight), mapping("main", 100 - weight)]);
      await stream.more(40);
    }
    await cluster.admin.delete(mapping("canary", 0));
    const answers = answersOf(await stream.count(400), canary.name);
    expect(stream.failures).toEqual([]);
    // 400 draws at 0.3: five standard deviations are 46.
    expect(answers).toBeGreaterThan(74);
    expect(answers).toBeLessThan(166);
  });

  test("a terminating pod ends what it has begun and is asked for nothing new", async () => {
    const service = serviceOf("main");
    await cluster.admin.apply([deployment([{ name: "main" }])]);
    await service.create(2);
    await startStream();
    const [slow, other] = service.pods;
    slow!.delayMs = 1500;
    const begun = request(url(), { method: "POST" });
    begun.end("{}");
    // One of the clients of the stream, or this request, is at the slow pod soon.
    const [response] = (await once(begun, "response")) as [{ readonly statusCode: number; resume(): void }];
    response.resume();
    expect(response.statusCode).toBe(200);
    await service.become(slow!, "terminating");
    await stream.leaves(slow!.name);
    const ended = slow!.answered;
    await stream.more(100);
    expect(slow!.answered).toBe(ended);
    await slow!.stop();
    await service.forget(slow!);
    await stream.more(100);
    expect(stream.failures).toEqual([]);
    expect(other!.answered).toBeGreaterThan(0);
  });
});
