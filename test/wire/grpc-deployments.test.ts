// gRPC to deployments that change or are not there: health by metadata, explainers, an Upstream that is reached in another way, Endpoints that
// come and go, all with calls under way.
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { Client, credentials, Metadata, ServerCredentials, status } from "@grpc/grpc-js";
import { afterEach, describe, expect, test } from "vitest";
import { serving } from "../../gateway/edge/message/grpc-message.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import type { Upstream } from "../../routing/model/upstream.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { is, named, prefix } from "../routing/build.ts";
import { eventually } from "../turns.ts";
import { endpointsOn, Gateway, irisTo } from "./gateway.ts";
import { GrpcClient, GrpcOrigin, metadataOf, paths } from "./grpc-peer.ts";
import { certPem, keyPem } from "./identity.ts";
import { deployment, modelService, serveDocuments } from "./manifests.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function originOf(name: string, credentialsOf = ServerCredentials.createInsecure()): Promise<GrpcOrigin> {
  const origin = await new GrpcOrigin(name).listen(credentialsOf);
  closers.push(() => origin.close());
  return origin;
}

async function startGateway(): Promise<Gateway> {
  const gateway = await new Gateway().listen();
  closers.push(() => {
    gateway.close();
    expect(gateway.faults).toBe(0);
  });
  return gateway;
}

function clientOf(gateway: Gateway): GrpcClient {
  const client = new GrpcClient(gateway.port);
  closers.push(() => client.close());
  return client;
}

const iris = metadataOf({ seldon: "iris", namespace: "prod" });

/** The gRPC Route of `iris` in `prod`. */
function grpcMapping(): Mapping {
  const mapping = irisTo("iris", { rewrite: { kind: "none" } });
  return {
    ...mapping,
    match: {
      ...mapping.match,
      path: prefix("/"),
      headers: [named("seldon", is("iris")), named("namespace", is("prod"))],
    },
  };
}

function serve(gateway: Gateway, ports: readonly number[], upstream: Partial<Upstream> = {}): void {
  gateway.serve(
    [grpcMapping()],
    [{ ...upstreamOf("iris"), protocol: "http2", ...upstream }],
    [endpointsOn("iris", ports)],
  );
}

describe("health", () => {
  /** The serving status, or the code and words of a failed call. `service` "": the gateway, unless the metadata says more. */
  function checkOf(gateway: Gateway): (service: string, fields?: Readonly<Record<string, string>>) => Promise<string> {
    const client = new Client(`127.0.0.1:${gateway.port}`, credentials.createInsecure());
    closers.push(() => client.close());
    const same = (bytes: Buffer): Buffer => bytes;
    return (service, fields = {}) =>
      new Promise((resolve) => {
        const request =
          service === "" ? Buffer.alloc(0) : Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)]);
        client.makeUnaryRequest(paths.health, same, same, request, metadataOf(fields), (error, reply) => {
          if (error !== null) resolve(`${status[error.code]}: ${error.details}`);
          // A model of the tests says its name.
          else
            resolve(
              reply!.length === 2
                ? Object.entries(serving).find(([, value]) => value === reply![1])![0]
                : reply!.toString(),
            );
        });
      });
  }

  test("with metadata is asked of the deployment; where nobody can answer, the gateway does", async () => {
    const origin = await originOf("the model");
    const gateway = await startGateway();
    const unready = modelService("prod", "later-default", { grpc: 1 }).replace("ready: true", "ready: false");
    await serveDocuments(gateway, [
      deployment("prod", "iris"),
      modelService("prod", "iris-default", { grpc: origin.port }),
      deployment("prod", "later"),
      unready,
    ]);
    const check = checkOf(gateway);
    expect(await check("", { seldon: "iris", namespace: "prod" })).toBe("the model");
    expect(await check("", { seldon: "later", namespace: "prod" })).toBe("no");
    expect(await check("", { seldon: "nobody", namespace: "prod" })).toMatch(/^NOT_FOUND: unknown service/u);
    expect([await check("prod/iris"), await check("prod/later")]).toEqual(["yes", "no"]);
    expect(await check("prod/nobody")).toMatch(/^NOT_FOUND/u);
  });

  test("before and in a drain: first the gateway alone is unready, then each deployment", async () => {
    const origin = await originOf("the model");
    const gateway = await startGateway();
    await serveDocuments(gateway, [
      deployment("prod", "iris"),
      modelService("prod", "iris-default", { grpc: origin.port }),
    ]);
    const check = checkOf(gateway);
    expect([await check(""), await check("prod/iris")]).toEqual(["yes", "yes"]);
    const told: number[] = [];
    const watcher = new Client(`127.0.0.1:${gateway.port}`, credentials.createInsecure());
    closers.push(() => watcher.close());
    const watch = watcher.makeServerStreamRequest(
      "/grpc.health.v1.Health/Watch",
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      Buffer.concat([Buffer.from([0x0a, 9]), Buffer.from("prod/iris")]),
      new Metadata(),
    );
    watch.on("data", (reply: Buffer) => told.push(reply[1]!));
    watch.on("error", () => undefined);
    await eventually(() => told.length === 1, "the first word");
    const drained = gateway.plane.drain(1000, 5000);
    expect([await check(""), await check("prod/iris"), await check("", { seldon: "iris", namespace: "prod" })]).toEqual(
      ["no", "yes", "the model"],
    );
    await gateway.advance(1000);
    await gateway.goOnUntil(() => told.length === 2, "the next word");
    await gateway.advance(5000);
    await drained;
    expect(told).toEqual([serving.yes, serving.no]);
  });
});

test("an explainer has no gRPC: its name is nobody", async () => {
  const origin = await originOf("the model");
  const gateway = await startGateway();
  const explained = "{ name: default, graph: { name: m, type: MODEL }, explainer: { type: AnchorTabular } }";
  await serveDocuments(gateway, [
    deployment("prod", "iris", [explained]),
    modelService("prod", "iris-default", { grpc: origin.port }),
    modelService("prod", "iris-default-explainer", { grpc: origin.port }),
  ]);
  const client = clientOf(gateway);
  expect(await client.who(paths.predict, iris)).toBe("the model");
  for (const path of [paths.predict, paths.infer])
    expect(await client.who(path, metadataOf({ seldon: "iris-explainer", namespace: "prod" }))).toMatch(
      /^UNIMPLEMENTED/u,
    );
  expect(origin.calls).toHaveLength(1);
});

describe("an Upstream that is reached in another way", () => {
  /** One address: plain to one origin, TLS to the other. */
  async function front(plain: GrpcOrigin, secure: GrpcOrigin): Promise<number> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("data", (first: Buffer) => {
        const target = connect(first[0] === 0x16 ? secure.port : plain.port, "127.0.0.1");
        target.on("error", () => undefined);
        target.write(first);
        socket.pipe(target).pipe(socket);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }

  const tls = { context: "test", sni: null, caPem: null, certificate: null };

  test.each([
    ["plain, then TLS", null, tls, "plain", "secure"],
    ["TLS, then plain", tls, null, "secure", "plain"],
  ])(
    "%s: the call under way goes on, new calls are made in the new way",
    async (_what, before, after, first, second) => {
      const plain = await originOf("plain");
      const secure = await originOf(
        "secure",
        ServerCredentials.createSsl(null, [{ cert_chain: Buffer.from(certPem), private_key: Buffer.from(keyPem) }]),
      );
      const port = await front(plain, secure);
      const gateway = await startGateway();
      serve(gateway, [port], { tls: before });
      const client = clientOf(gateway);
      expect(await client.who(paths.predict, iris)).toBe(first);
      const chat = client.chat(iris);
      const heard: string[] = [];
      chat.on("data", (bytes: Buffer) => heard.push(bytes.toString()));
      const ended = once(chat, "status") as Promise<{ code: number }[]>;
      chat.write(Buffer.from("before"));
      await eventually(() => heard.length === 1, "the first answer");
      serve(gateway, [port], { tls: after });
      for (let i = 0; i < 5; i++) expect(await client.who(paths.predict, iris)).toBe(second);
      chat.write(Buffer.from("after"));
      await eventually(() => heard.length === 2, "the second answer");
      chat.end();
      expect((await ended)[0]!.code).toBe(status.OK);
      expect(heard).toEqual(["before", "after"]);
      // The session of the old way has nobody left.
      await eventually(() => gateway.counted("upstreamConnectionsHttp2") === 1, "one session");
      expect(gateway.entries).toEqual([]);
    },
  );
});

test("Endpoints of a headless Service: calls go to each of them, and to those that take the place of others, and none is lost", async () => {
  const origins = await Promise.all(["one", "two", "three", "four"].map((name) => originOf(name)));
  const gateway = await startGateway();
  const ports = (names: readonly string[]): number[] =>
    origins.filter(({ name }) => names.includes(name)).map(({ port }) => port);
  const endpoints = (names: readonly string[]): void => {
    gateway.change({ endpoints: [endpointsOn("iris", ports(names))] });
  };
  serve(gateway, ports(["one", "two"]));
  const client = clientOf(gateway);
  const ask = async (count: number): Promise<readonly string[]> => {
    const answers: string[] = [];
    for (let i = 0; i < count; i++)
      answers.push(...(await Promise.all([0, 1, 2, 3].map(() => client.who(paths.predict, iris)))));
    return answers;
  };
  const distinct = (answers: readonly string[]): readonly string[] => [...new Set(answers)].toSorted();
  expect(distinct(await ask(10))).toEqual(["one", "two"]);
  const during: (readonly string[])[] = [];
  for (const names of [
    ["two", "three"],
    ["three", "four"],
    ["four", "one"],
    ["one", "two", "three", "four"],
  ]) {
    const asked = ask(10);
    endpoints(names);
    during.push(await asked);
    // Whoever is asked now is one of those.
    expect(distinct(await ask(15))).toEqual(names.toSorted());
  }
  expect(during.flat().filter((answer) => !origins.some(({ name }) => name === answer))).toEqual([]);
  // Those that left have no session any longer.
  await eventually(() => gateway.counted("upstreamConnectionsHttp2") === 4, "a session to each");
});
