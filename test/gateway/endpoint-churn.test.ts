// Endpoints that come and go, at one address in several Upstreams, while another tenant makes new addresses all the time and workers end: each answer and each failure counts
// at the Endpoint that gave it.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Deployment } from "../../gateway/api/deployments.ts";
import { printEndpoint } from "../../routing/model/upstream.ts";
import { GatewayStage } from "./gateway-stage.ts";
import { until } from "./until.ts";

interface Place {
  readonly ip: string;
  readonly port: number;
}

let stage: GatewayStage;
const servers: Server[] = [];
/** Requests that models had, by deployment and address. */
const seen = new Map<string, number>();

beforeEach(async () => {
  stage = await GatewayStage.open();
});
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await stage.close();
});

async function model(ip: string): Promise<Place> {
  const server = createServer((request, response) => {
    request.resume();
    const key = `${String(request.headers["x-name"])} ${address}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
    const status = Number(request.headers["x-status"]);
    if (status !== 200) seen.set(`${key} errors`, (seen.get(`${key} errors`) ?? 0) + 1);
    response.writeHead(status).end("{}");
  });
  server.listen(0, ip);
  await once(server, "listening");
  servers.push(server);
  const { port } = server.address() as AddressInfo;
  const address = printEndpoint(ip, port);
  return { ip, port };
}

/** A seeded draw below `end`. */
function drawn(seed: number): (end: number) => number {
  let state = seed;
  return (end) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
}

async function slices(name: string, namespace: string, places: readonly Place[]): Promise<void> {
  const [first] = (await stage.manifests.read(`${namespace}-${name}.yaml`)).split("---\napiVersion: discovery");
  const service = `${name}-default`;
  const each = places.map(
    ({ ip, port }, at) => `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${service}-${at}, namespace: ${namespace}, labels: { kubernetes.io/service-name: ${service}, endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io } }
addressType: ${ip.includes(":") ? "IPv6" : "IPv4"}
ports: [{ name: http, port: ${port}, protocol: TCP }]
endpoints: [{ addresses: ["${ip}"], conditions: { ready: true } }]
`,
  );
  await stage.manifests.write(`${namespace}-${name}.yaml`, [first, ...each].join("---\n"));
}

test("each answer and each failure counts at its Endpoint", async () => {
  const draw = drawn(7);
  const live = await Promise.all(["127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3", "::1", "::1"].map(model));
  const dead: readonly Place[] = [{ ip: "127.0.0.9", port: live[0]!.port }];
  const names = ["one", "two", "three"];
  for (const name of [...names, "churn"])
    await stage.manifests.deploy(name, live[0]!.port, name === "churn" ? "other" : "prod");
  const gateway = stage.serve(2);
  const { traffic, admin } = await gateway.listening();
  const current = new Map<string, readonly Place[]>(names.map((name) => [name, [live[0]!]]));
  /** What its models had seen when the Endpoint joined. */
  const joined = new Map<string, number>(
    names.map((name) => [`${name} ${printEndpoint("127.0.0.1", live[0]!.port)}`, 0]),
  );
  const deployments = async (): Promise<readonly Deployment[]> =>
    ((await (await fetch(`${admin}/api/v1/deployments`)).json()) as { items: Deployment[] }).items;
  const of = (all: readonly Deployment[], name: string): Deployment["predictors"][number]["endpoints"] =>
    all.find((one) => one.name === name)!.predictors[0]!.endpoints;
  let fresh = 0;
  for (let step = 0; step < 14; step++) {
    // Another tenant's.
    const churned = Array.from({ length: 800 }, () => {
      fresh += 1;
      return `10.${fresh >> 16}.${(fresh >> 8) & 255}.${fresh & 255}`;
    });
    const text = await stage.manifests.read("other-churn.yaml");
    await stage.manifests.write(
      "other-churn.yaml",
      text.replace(
        /endpoints:[^]*$/u,
        `endpoints: [{ addresses: [${churned.join(",")}], conditions: { ready: true } }]\n`,
      ),
    );
    for (const name of names) {
      if (draw(3) === 0) continue;
      const next = [...live, ...dead].filter(() => draw(2) === 0);
      if (next.length === 0) next.push(live[draw(live.length)]!);
      await slices(name, "prod", next);
      const had = new Set(current.get(name)!.map(({ ip, port }) => printEndpoint(ip, port)));
      current.set(name, next);
      for (const { ip, port } of next) {
        const address = printEndpoint(ip, port);
        if (!had.has(address)) joined.set(`${name} ${address}`, seen.get(`${name} ${address}`) ?? 0);
      }
    }
    await until(async () => {
      const all = await deployments();
      return names.every(
        (name) =>
          of(all, name)
            .map(({ address }) => address)
            .sort()
            .join() ===
          current
            .get(name)!
            .map(({ ip, port }) => printEndpoint(ip, port))
            .sort()
            .join(),
      );
    }, "the Endpoints are taken");
    if (step % 5 === 4) {
      const ended = gateway.records.filter(({ event }) => event === "worker-ended").length;
      gateway.endThread(step % 2 === 0 ? "data-0" : "data-1", "terminate");
      await until(() => gateway.records.filter(({ event }) => event === "worker-ended").length > ended, "it ended");
    }
    if (step % 7 === 6) {
      const ended = gateway.records.filter(({ event }) => event === "worker-ended").length;
      gateway.endThread("control", "terminate");
      await until(() => gateway.records.filter(({ event }) => event === "worker-ended").length > ended, "it ended");
      await until(async () => (await fetch(`${admin}/readyz`).catch(() => ({ status: 0 }))).status === 200);
      // It knows what was counted, and not when.
      for (const key of joined.keys()) joined.set(key, seen.get(key) ?? 0);
    }
    await Promise.all(
      Array.from({ length: 30 }, async (_, at) => {
        const name = names[at % 3]!;
        const status = draw(5) === 0 ? 500 : 200;
        const answer = await fetch(`${traffic}/seldon/prod/${name}/x`, {
          headers: { "x-name": name, "x-status": String(status) },
        });
        await answer.text();
      }),
    );
    const all = await deployments();
    for (const name of names)
      for (const { address, lastFiveMinutes } of of(all, name)) {
        const key = `${name} ${address}`;
        const total = seen.get(key) ?? 0;
        const told = `${step} ${key} ${JSON.stringify(lastFiveMinutes)} seen ${total} joined at ${joined.get(key)}`;
        expect(lastFiveMinutes, told).not.toBe(null);
        const { answers, modelErrors, failures } = lastFiveMinutes!;
        expect(answers, told).toBeLessThanOrEqual(total);
        expect(answers, told).toBeGreaterThanOrEqual(total - joined.get(key)!);
        expect(modelErrors, told).toBeLessThanOrEqual(seen.get(`${key} errors`) ?? 0);
        if (!address.startsWith("127.0.0.9"))
          expect(
            failures.filter(({ flag }) => flag !== ""),
            told,
          ).toEqual([]);
        else expect(answers, told).toBe(0);
      }
  }
}, 120_000);
