// Sticky callers at two gateway processes on one folder: over REST, gRPC and gRPC-Web, while the share moves under load, and through retries.
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Deployment } from "../../gateway/api/deployments.ts";
import { framed } from "../../gateway/edge/message/grpc-message.ts";
import { GrpcClient, GrpcOrigin, metadataOf, paths } from "../wire/grpc-peer.ts";
import { deployment, modelService } from "../wire/manifests.ts";
import { type GatewayProcess, Manifests, ModelServer, serving } from "./gateway-process.ts";
import { until } from "./until.ts";

const predictors = ["main", "canary"] as const;
const users = Array.from({ length: 40 }, (_, at) => `user-${at}`);
const path = "/seldon/prod/iris/api/v1.0/predictions";

const models = new Map<string, ModelServer>();
const origins = new Map<string, GrpcOrigin>();
const clients: GrpcClient[] = [];
let folder: Manifests;
let gateways: readonly GatewayProcess[];
/** `HOST:PORT` of each. */
let at: readonly string[];

beforeAll(async () => {
  folder = await Manifests.create();
  for (const name of predictors) {
    const model = await ModelServer.start();
    model.answer = (_, response) => response.end(name);
    models.set(name, model);
    origins.set(name, await new GrpcOrigin(name).listen());
  }
  await share(30);
  gateways = [serving(folder.folder, 2), serving(folder.folder, 2)];
  at = await Promise.all(gateways.map(async (gateway) => new URL((await gateway.listening()).traffic).host));
});
afterAll(async () => {
  for (const client of clients) client.close();
  await Promise.all(gateways.map((gateway) => gateway.kill()));
  for (const origin of origins.values()) origin.close();
  for (const model of models.values()) await model.stop();
  await folder.remove();
});

async function share(canary: number, annotations: Readonly<Record<string, string>> = {}): Promise<void> {
  const all = {
    "sluice.io/sticky": "header x-user",
    "sluice.io/traffic": `main=${100 - canary},canary=${canary}`,
    ...annotations,
  };
  const named = predictors.map((name) => `{ name: ${name}, graph: { name: classifier } }`);
  const services = predictors.map((name) =>
    modelService("prod", `iris-${name}`, { http: models.get(name)!.port, grpc: origins.get(name)!.port }),
  );
  await folder.write("iris.yaml", [deployment("prod", "iris", named, all), ...services].join("\n---\n"));
}

/** One request on a connection of its own: the text of its answer. */
async function raw(host: string, head: string, body: Buffer): Promise<string> {
  const [name, port] = host.split(":");
  const socket = connect(Number(port), name);
  let text = "";
  socket.setEncoding("latin1").on("data", (piece: string) => (text += piece));
  socket.write(`${head}Host: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`);
  socket.end(body);
  await once(socket, "close");
  return text;
}

const predictorIn = (text: string): string => /main|canary/.exec(text.slice(text.indexOf("\r\n\r\n")))?.[0] ?? text;

const ways: Readonly<Record<string, (host: string, user: string) => Promise<string>>> = {
  REST: async (host, user) =>
    predictorIn(await raw(host, `POST ${path} HTTP/1.1\r\nX-User: ${user}\r\n`, Buffer.from("{}"))),
  gRPC: async (host, user) => {
    const client = new GrpcClient(Number(host.split(":")[1]));
    clients.push(client);
    return client.who(paths.predict, metadataOf({ seldon: "iris", namespace: "prod", "x-user": user }));
  },
  "gRPC-Web": async (host, user) => {
    const fields = "Content-Type: application/grpc-web\r\nX-Grpc-Web: 1\r\nseldon: iris\r\nnamespace: prod\r\n";
    const head = `POST ${paths.predict} HTTP/1.1\r\n${fields}X-User: ${user}\r\n`;
    return predictorIn(await raw(host, head, framed(0, Buffer.alloc(0))));
  },
};

/** The share, once both gateways know it. */
async function moved(percent: number, annotations: Readonly<Record<string, string>> = {}): Promise<void> {
  await share(percent, annotations);
  for (const gateway of gateways) {
    const { admin } = await gateway.listening();
    await until(async () => {
      const found = (await (await fetch(`${admin}/api/v1/deployments/prod/iris`)).json()) as Deployment;
      return found.predictors[1]?.declaredPercent === percent;
    });
  }
}

/** Who is with the canary, as one gateway and then the other says it. */
async function ofCanary(): Promise<readonly (readonly string[])[]> {
  return Promise.all(
    at.map(async (host) => {
      const answers = await Promise.all(users.map((user) => ways["REST"]!(host, user)));
      return users.filter((_, one) => answers[one] === "canary");
    }),
  );
}

test("a caller has one predictor at both, over REST, gRPC and gRPC-Web; no predictor gets an upgrade", async () => {
  const seen = new Set<string>();
  for (const user of users) {
    const answers: Record<string, string> = {};
    for (const [way, ask] of Object.entries(ways))
      for (const host of at) answers[`${way} at ${host}`] = await ask(host, user);
    const [first] = Object.values(answers);
    expect(answers).toEqual(Object.fromEntries(Object.keys(answers).map((way) => [way, first])));
    seen.add(first!);
  }
  expect([...seen].toSorted()).toEqual(["canary", "main"]);
  // A SeldonDeployment has no WebSocket, so no key decides about one.
  const upgrade = `GET ${path} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n`;
  const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-User: user-1\r\n";
  for (const host of at) expect(await raw(host, upgrade + key, Buffer.alloc(0))).toMatch(/^HTTP\/1\.1 403 /);
});

test("a ramp under load moves callers to the canary alone, at each process, and a roll-back those who came last", async () => {
  /** Of each user at each gateway: the predictors that answered, one after the other. */
  const met = new Map<string, string[]>();
  const failures: string[] = [];
  const over = new AbortController();
  const caller = async (host: string): Promise<void> => {
    while (!over.signal.aborted)
      for (const user of users) {
        const headers = { "x-user": user };
        const response = await fetch(`http://${host}${path}`, { method: "POST", body: "{}", headers });
        const answer = await response.text();
        if (response.status !== 200) failures.push(`${response.status} ${answer}`);
        const runs = met.get(`${user} at ${host}`) ?? [];
        met.set(`${user} at ${host}`, runs);
        if (runs.at(-1) !== answer) runs.push(answer);
        await delay(1);
      }
  };
  await moved(5);
  const [few] = await ofCanary();
  await expect.poll(ofCanary).toEqual([few, few]);
  const load = at.map(caller);
  for (const percent of [25, 50, 100]) await moved(percent);
  await expect.poll(ofCanary).toEqual([users, users]);
  await until(() => met.size === 2 * users.length && [...met.values()].every((runs) => runs.at(-1) === "canary"));
  // Whoever was with the canary stayed, and no other came to it twice.
  for (const runs of met.values()) expect([["canary"], ["main", "canary"]]).toContainEqual(runs);
  for (const percent of [50, 5]) await moved(percent);
  await expect.poll(ofCanary).toEqual([few, few]);
  const isOfFew = (key: string): boolean => few!.some((user) => key.startsWith(`${user} `));
  await until(() => [...met].every(([key, runs]) => isOfFew(key) || runs.at(-1) === "main"));
  over.abort();
  await Promise.all(load);
  for (const [key, runs] of met)
    expect(runs.slice(runs.indexOf("canary")), key).toEqual(isOfFew(key) ? ["canary"] : ["canary", "main"]);
  expect(failures).toEqual([]);
}, 90_000);

test("a retry stays with the predictor that was chosen", async () => {
  const [few] = await ofCanary();
  await moved(50, { "seldon.io/ambassador-retries": "2" });
  // Each data worker takes the table by itself.
  await until(async () => {
    const looks = [...(await ofCanary()), ...(await ofCanary()), ...(await ofCanary())];
    return looks[0]!.length > few!.length && looks.every((look) => look.join() === looks[0]!.join());
  });
  const canary = models.get("canary")!;
  const tries = new Map<string, number>();
  const asked: string[] = [];
  models.get("main")!.answer = (request, response) => {
    asked.push(String(request.headers["x-user"]));
    response.end("main");
  };
  canary.answer = (request, response) => {
    const user = String(request.headers["x-user"]);
    tries.set(user, (tries.get(user) ?? 0) + 1);
    response.writeHead(tries.get(user)! % 2 === 1 ? 503 : 200).end("canary");
  };
  const before = new Map<string, string>();
  for (const host of at)
    for (const user of users) {
      const answer = await ways["REST"]!(host, user);
      expect(before.get(user) ?? answer).toBe(answer);
      before.set(user, answer);
    }
  expect([...tries.values()].every((count) => count === 4)).toBe(true);
  expect(tries.size).toBeGreaterThan(5);
  expect(new Set([...tries.keys(), ...asked]).size).toBe(users.length);
  expect(asked.filter((user) => tries.has(user))).toEqual([]);
});
