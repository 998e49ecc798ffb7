// Active health checks of a whole process: probes do not multiply with the workers, and all workers act on them.
import { Agent } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Origin, answerEach, requestsIn } from "../wire/origin.ts";
import { until } from "./until.ts";
import { type GatewayProcess, Manifests, serving } from "./gateway-process.ts";
import { post } from "./load-client.ts";

const checked = (port: number): string => `apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata:
  name: iris
  namespace: prod
  annotations:
    seldon.io/ambassador-config: |
      apiVersion: getambassador.io/v3alpha1
      kind: Mapping
      name: iris
      hostname: "*"
      prefix: /seldon/prod/iris/
      service: iris-default:8000
      health_checks:
        - interval: 1s
          unhealthy_threshold: 1
          health_check: { http: { path: /ready } }
spec:
  predictors: [{ name: default, graph: { name: classifier, implementation: SKLEARN_SERVER } }]
---
apiVersion: v1
kind: Service
metadata: { name: iris-default, namespace: prod }
spec: { clusterIP: 10.0.0.1, ports: [{ name: http, port: 8000, protocol: TCP }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: iris-default-1
  namespace: prod
  labels: { kubernetes.io/service-name: iris-default, endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io }
addressType: IPv4
ports: [{ name: http, port: ${port}, protocol: TCP }]
endpoints:
  - { addresses: [127.0.0.1], conditions: { ready: true } }
  - { addresses: [127.0.0.2], conditions: { ready: true } }
`;

const answer = (status: string): string => `HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`;

let manifests: Manifests;
let good: Origin;
let bad: Origin;
let gateway: GatewayProcess;

beforeEach(async () => {
  manifests = await Manifests.create();
  good = await new Origin(answerEach(answer("200 OK"))).listen();
  bad = await new Origin(
    answerEach((request) => answer(request.startsWith("GET /ready ") ? "200 OK" : "500 Internal Server Error")),
  ).listen(good.port, "127.0.0.2");
  await manifests.write("iris.yaml", checked(good.port));
  gateway = serving(manifests.folder, 3);
});
afterEach(async () => {
  await gateway.kill();
  await good.close();
  await bad.close();
  await manifests.remove();
});

function probesOf(origin: Origin): number {
  return requestsIn(origin.text).filter((request) => request.startsWith("GET /ready ")).length;
}

test("an Endpoint that fails its check gets nothing from any worker, and is used again when it is well", async () => {
  const { traffic, admin } = await gateway.listening();
  const failing = async (): Promise<number> =>
    Number(
      /sluice_endpoints\{namespace="prod",[^}]*,state="failing"\} (\d+)/.exec(
        await (await fetch(`${admin}/metrics`)).text(),
      )?.[1] ?? 0,
    );
  /** Answers on so many connections of their own, which the kernel spreads over the workers. */
  const statuses = async (count: number): Promise<ReadonlySet<number>> => {
    const all = await Promise.all(
      Array.from({ length: count }, async () => (await post(`${traffic}/seldon/prod/iris/x`, new Agent())).status),
    );
    return new Set(all);
  };
  expect(await statuses(60)).toEqual(new Set([200, 500]));
  bad.behaviour = answerEach(answer("500 Internal Server Error"));
  await until(async () => (await failing()) === 1);
  await until(async () => (await statuses(60)).size === 1);
  expect(await statuses(200)).toEqual(new Set([200]));
  // One probe a second and Endpoint, for three workers as for one.
  const [goodBefore, badBefore, startMs] = [probesOf(good), probesOf(bad), performance.now()];
  await until(() => probesOf(bad) >= badBefore + 4);
  const seconds = (performance.now() - startMs) / 1000;
  expect(seconds).toBeGreaterThan(2.5);
  expect(probesOf(good) - goodBefore).toBeLessThanOrEqual(Math.ceil(seconds / 0.9) + 1);
  // A worker that is replaced knows at once.
  gateway.endThread("data-1");
  await gateway.seen("worker-ended", { thread: "data-1" });
  await until(async () => (await fetch(`${admin}/readyz`)).status === 200);
  const settled = await statuses(100);
  expect(settled).toEqual(new Set([200]));
  // The control worker ends: what it told is forgotten, and found out again.
  gateway.endThread("control");
  await gateway.seen("worker-ended", { thread: "control" });
  await until(async () => (await failing().catch(() => 0)) === 1);
  await until(async () => (await statuses(60)).size === 1);
  bad.behaviour = answerEach(answer("200 OK"));
  await until(async () => (await failing()) === 0);
  const have = bad.connections.length;
  await until(async () => {
    await statuses(20);
    return bad.connections.slice(have).some(({ text }) => text.startsWith("POST"));
  });
  expect(await statuses(60)).toEqual(new Set([200]));
});
