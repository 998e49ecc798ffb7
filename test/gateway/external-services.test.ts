// An AuthService of a whole process: it comes, changes and goes by its manifest, and holds in every worker from then on, through the end of the control worker.
import { Agent } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Origin, answerEach } from "../wire/origin.ts";
import { type GatewayProcess, Manifests, serving } from "./gateway-process.ts";
import { post } from "./load-client.ts";
import { until } from "./until.ts";

const answer = (status: string): string => `HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`;

let manifests: Manifests;
let model: Origin;
let auth: Origin;
let gateway: GatewayProcess;

/** It is asked at this address, and has these further fields. */
async function guard(fields: string): Promise<void> {
  await manifests.write(
    "auth.yaml",
    `apiVersion: getambassador.io/v2\nkind: AuthService\nmetadata: { name: auth, namespace: ops }\nspec: { auth_service: "127.0.0.1:${auth.port}", ${fields} }\n`,
  );
}

beforeEach(async () => {
  manifests = await Manifests.create();
  model = await new Origin().listen();
  auth = await new Origin(answerEach(answer("401 Unauthorized"))).listen();
  await manifests.deploy("iris", model.port);
  gateway = serving(manifests.folder, 2, "--gateway-namespace", "ops");
});

afterEach(async () => {
  await gateway.kill();
  await Promise.all([model.close(), auth.close()]);
  await manifests.remove();
});

test("by its manifest, in every worker", async () => {
  const { traffic, admin } = await gateway.listening();
  /** Answers on connections of their own, which the kernel spreads over the workers. */
  const statuses = async (): Promise<string> => {
    const all = await Promise.all(
      Array.from({ length: 20 }, async () => (await post(`${traffic}/seldon/prod/iris/x`, new Agent())).status),
    );
    return [...new Set(all.map(String))].toSorted().join();
  };
  await until(async () => (await statuses()) === "200");
  await guard("timeout_ms: 900");
  await until(async () => (await statuses()) === "401", "the service is asked");
  // Nothing but what is said of it changes: no Mapping, no Upstream.
  auth.behaviour = (connection) => connection.socket.destroy();
  await until(async () => (await statuses()) === "403", "it cannot be asked");
  await guard("timeout_ms: 900, status_on_error: { code: 503 }");
  await until(async () => (await statuses()) === "503", "its other status");
  await guard("timeout_ms: soon");
  await until(
    async () => (await (await fetch(`${admin}/api/v1/problems`)).text()).includes("its last good form holds"),
    "the Problem",
  );
  expect(await statuses()).toBe("503");
  gateway.endThread("control");
  await gateway.seen("worker-ended", { thread: "control" });
  // Its successor has no last good form: it closes.
  await until(async () => (await statuses()) === "500", "closed");
  await manifests.write("auth.yaml", "# nothing\n");
  await until(async () => (await statuses()) === "200", "nobody is asked");
  expect(await (await fetch(`${admin}/metrics`)).text()).toMatch(
    /sluice_external_calls_total\{service="auth",outcome="denied"\} [1-9]/,
  );
});
