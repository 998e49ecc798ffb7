// Incidents of the runbook: how each is brought about, what the client sees, and the commands that lead to its cause.
import { join } from "node:path";
import { freePort } from "../../ports.ts";
import type { GatewayStage } from "../gateway-stage.ts";
import { until } from "../until.ts";

/** What is there when the incident has happened. */
export interface Scene {
  readonly stage: GatewayStage;
  readonly traffic: string;
  readonly admin: string;
  /** Requests of a client, as they are answered. */
  readonly ask: (fields?: Readonly<Record<string, string>>) => Promise<number>;
  /** The same by gRPC: the status of the call. */
  readonly askGrpc: () => Promise<number>;
}

export interface Incident {
  readonly name: string;
  /** Before the gateway starts; gives further options of `serve`. */
  readonly arrange: (stage: GatewayStage) => Promise<readonly string[]>;
  /** What happens, and what the client sees. */
  readonly happen: (scene: Scene) => Promise<void>;
  /** What `sluice status` says first; null: the gateway is well, and the request itself was wrong. */
  readonly first: RegExp | null;
  /** After `sluice status`: the commands that its first screen names, and the words that tell the cause in one of them. */
  readonly commands: readonly (readonly string[])[];
  readonly cause: RegExp;
}

const deployment = "prod/iris";
const path = "/seldon/prod/iris/api/v1.0/predictions";

/** As many as make a share meaningful. */
const many = 30;

async function expectAll(ask: Scene["ask"], status: number, count = many): Promise<void> {
  for (let at = 0; at < count; at++) {
    const got = await ask();
    if (got !== status) throw new Error(`the client got ${got} instead of ${status}`);
  }
}

const serviceFile = "prod-iris.yaml";

/** The manifest of `Manifests.deploy`, changed. */
async function deployed(stage: GatewayStage, change: (text: string) => string, port = stage.model.port): Promise<void> {
  await stage.manifests.deploy("iris", port);
  await stage.manifests.write(serviceFile, change(await stage.manifests.read(serviceFile)));
}

const unready = (text: string): string => text.replace("ready: true", "ready: false");
const none: readonly string[] = [];

export const incidents: readonly Incident[] = [
  {
    name: "the model is dead and its Endpoint is ready",
    async arrange(stage) {
      await stage.manifests.deploy("iris", await freePort());
      return none;
    },
    happen: ({ ask }) => expectAll(ask, 503),
    first: /prod\/iris default: .*30.* failed/,
    commands: [["failures", deployment]],
    cause: /127\.0\.0\.1:\d+.*(refused|ECONNREFUSED)|(refused|ECONNREFUSED).*127\.0\.0\.1:\d+/i,
  },
  {
    name: "no pod is ready, REST",
    async arrange(stage) {
      await deployed(stage, unready);
      return none;
    },
    happen: ({ ask }) => expectAll(ask, 503),
    first: /prod\/iris default: .*30.* failed/,
    commands: [
      ["failures", deployment],
      ["explain", path],
    ],
    cause: /no .*Endpoint.*ready|none.*ready/i,
  },
  {
    name: "no pod is ready, gRPC",
    async arrange(stage) {
      await deployed(stage, (text) => unready(text).replaceAll("name: http", "name: grpc"));
      return none;
    },
    async happen({ askGrpc }) {
      for (let at = 0; at < many; at++) if ((await askGrpc()) !== 14) throw new Error("it is not UNAVAILABLE");
    },
    first: /prod\/iris default: .*30.* failed/,
    commands: [["failures", deployment]],
    cause: /UNAVAILABLE.*iris/,
  },
  {
    name: "the model hangs",
    async arrange(stage) {
      stage.model.answer = () => undefined;
      await stage.manifests.deploy("iris", stage.model.port, "prod", { "seldon.io/rest-timeout": "100" });
      return none;
    },
    happen: ({ ask }) => expectAll(ask, 504),
    first: /prod\/iris default: .*30.* failed/,
    commands: [["failures", deployment]],
    cause: /timeout.*100 ms|100 ms.*timeout/i,
  },
  {
    name: "the model answers 500",
    async arrange(stage) {
      stage.model.answer = (_, response) => response.writeHead(500).end();
      await stage.manifests.deploy("iris", stage.model.port);
      return none;
    },
    happen: ({ ask }) => expectAll(ask, 500),
    first: /prod\/iris default: .*30.* failed/,
    commands: [["failures", deployment]],
    cause: /The model answered 500/,
  },
  {
    name: "the port of the Service has another name than that of its pods",
    async arrange(stage) {
      await deployed(stage, (text) =>
        text.replace("ports: [{ name: http, port: 8000", "ports: [{ name: web, port: 8000"),
      );
      return none;
    },
    happen: ({ ask }) => expectAll(ask, 503),
    first: /prod\/iris default: .*30.* failed/,
    commands: [["explain", path], ["problems"]],
    cause: /port.*(web|http)/i,
  },
  {
    name: "the Service is gone",
    async arrange(stage) {
      await stage.manifests.deploy("iris", stage.model.port);
      return none;
    },
    async happen({ stage, ask }) {
      await expectAll(ask, 200, 1);
      const [sd] = (await stage.manifests.read(serviceFile)).split("---\n");
      await stage.manifests.write(serviceFile, sd!);
      await until(async () => (await ask()) === 503);
      await expectAll(ask, 503);
    },
    first: /prod\/iris default: .* failed/,
    commands: [["problems"], ["changes", deployment]],
    cause: /Service.*iris-default|iris-default.*(gone|missing|not exist|no Service)/i,
  },
  {
    name: "a circuit breaker is full",
    async arrange(stage) {
      await stage.manifests.deploy("iris", stage.model.port, "prod", {
        "seldon.io/ambassador-circuit-breakers-max-requests": "1",
        "seldon.io/rest-timeout": "60000",
      });
      return none;
    },
    async happen({ stage, ask }) {
      const arrived = Promise.withResolvers<undefined>();
      stage.model.answer = () => arrived.resolve(undefined);
      void ask().catch(() => undefined);
      await arrived.promise;
      await expectAll(ask, 503);
    },
    first: /prod\/iris default: \d+ of \d+ failed in the last minute: UO, .*circuit breaker/,
    commands: [
      ["failures", deployment],
      ["explain", path],
    ],
    cause: /circuit breaker|max-requests|overflow/i,
  },
  {
    name: "the certificate of a host is absent",
    async arrange(stage) {
      await stage.manifests.deploy("iris", stage.model.port);
      await stage.manifests.write(
        "host.yaml",
        "apiVersion: getambassador.io/v3alpha1\nkind: Host\nmetadata: { name: shop, namespace: default }\nspec: { hostname: shop.example, tlsSecret: { name: shop-pair } }\n",
      );
      return ["--tls-listen", "127.0.0.1:0"];
    },
    happen: async () => undefined,
    first: /1 Problem/,
    commands: [["problems"]],
    cause: /shop-pair/,
  },
  {
    name: "a rate limit is reached",
    async arrange(stage) {
      await stage.manifests.deploy("iris", stage.model.port, "prod", { "sluice.io/rate-limit": "1/h" });
      return none;
    },
    async happen({ ask }) {
      await expectAll(ask, 200, 1);
      await expectAll(ask, 429);
    },
    first: /Rate limits refused 30 of 31 requests to prod\/iris/,
    commands: [
      ["failures", deployment],
      ["who", "--deployment", deployment],
    ],
    cause: /1\/h|1 request.* hour|one request/i,
  },
  {
    name: "Redis is away",
    async arrange(stage) {
      await stage.manifests.deploy("iris", stage.model.port, "prod", { "sluice.io/rate-limit": "1000/s" });
      await stage.files.write("policy.yaml", "limitsWithoutRedis: close\n");
      const port = await freePort();
      return ["--redis", `redis://127.0.0.1:${port}`, "--policy", join(stage.files.folder, "policy.yaml")];
    },
    happen: ({ ask }) => expectAll(ask, 503),
    first: /0 of 2 data workers are connected to Redis/,
    commands: [["failures", deployment]],
    cause: /shared rate limit is unavailable/,
  },
  {
    name: "the token is wrong",
    async arrange(stage) {
      await stage.files.write("keys", "app first-key-of-app\n");
      await stage.files.write(
        "policy.yaml",
        `providers:\n  keys: { kind: api-keys, file: ${JSON.stringify(join(stage.files.folder, "keys"))} }\n`,
      );
      await stage.manifests.deploy("iris", stage.model.port, "prod", { "sluice.io/auth": "keys" });
      return ["--policy", join(stage.files.folder, "policy.yaml")];
    },
    async happen({ ask }) {
      for (let at = 0; at < many; at++)
        if ((await ask({ "x-api-key": "another-key-of-app" })) !== 401) throw new Error("it is not 401");
    },
    first: /Access refused all 30 requests to prod\/iris/,
    commands: [
      ["failures", deployment],
      ["who", "--deployment", deployment],
    ],
    cause: /401.*iris.*(key|credentials)/i,
  },
  {
    name: "an edit did not take",
    async arrange(stage) {
      await stage.manifests.deploy("iris", stage.model.port, "prod", { "sluice.io/deny": "10.0.0.0/8" });
      return none;
    },
    async happen({ stage, ask, admin }) {
      await expectAll(ask, 200, 1);
      await stage.manifests.deploy("iris", stage.model.port, "prod", { "sluice.io/deny": "10.0.0.0/88" });
      await until(async () => (await (await fetch(`${admin}/api/v1/changes`)).text()).includes("10.0.0.0/88"));
    },
    first: /1 Problem/,
    commands: [["changes", deployment]],
    cause: /sluice\.io\/deny.*10\.0\.0\.0\/88/,
  },
];
