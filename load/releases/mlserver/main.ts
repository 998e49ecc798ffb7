// Rollouts of two real MLServers behind one gateway: one that is good, and ones that refuse, fail and become slow in their first step. `--mlserver PROGRAM`: of a virtual environment into which
// `pip install mlserver==1.6.1` was done. Ports are the loopback's.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { freePort } from "../../peers/process.ts";

const { values } = parseArgs({ options: { mlserver: { type: "string", default: "mlserver" } } });
const sluice = fileURLToPath(new URL("../../../gateway/sluice.mjs", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "sluice-mlserver-"));
const modeFile = join(folder, "mode");
const plan =
  "to canary; steps 50%, 100%; every 40s; min 50 requests; warm 10s, 5 requests; errors ≤ 1%; refusals ≤ 1%; p95 ≤ 2x main";
const everyMs = 33;
/** From the begin of a rollout to the fault: the canary is warm, in its first step. */
const faultAfterMs = 25_000;
const question = JSON.stringify({ inputs: [{ name: "x", shape: [1], datatype: "FP64", data: [1] }] });

const model = `
import asyncio, os
from mlserver import MLModel
from mlserver.errors import InferenceError
from mlserver.types import InferenceResponse, ResponseOutput

class Model(MLModel):
    async def load(self):
        return True

    async def predict(self, payload):
        mode = open(os.environ["MODE"]).read() if "MODE" in os.environ else "good"
        if mode == "fails":
            raise RuntimeError("the model is broken")
        if mode == "refuses":
            raise InferenceError("no such input")
        if mode == "slow":
            await asyncio.sleep(0.2)
        output = ResponseOutput(name="y", shape=[1], datatype="FP64", data=[float(os.environ["ANSWER"])])
        return InferenceResponse(model_name=self.name, outputs=[output])
`;

const children: ChildProcess[] = [];

async function startModel(name: string, answer: string): Promise<number> {
  const at = join(folder, name);
  await mkdir(at);
  const [http, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  await writeFile(join(at, "model.py"), model);
  await writeFile(join(at, "model-settings.json"), JSON.stringify({ name: "iris", implementation: "model.Model" }));
  await writeFile(
    join(at, "settings.json"),
    JSON.stringify({ host: "127.0.0.1", http_port: http, grpc_port: grpc, metrics_port: metrics, parallel_workers: 0 }),
  );
  const env = { ...process.env, ANSWER: answer, ...(name === "canary" ? { MODE: modeFile } : {}) };
  children.push(spawn(values.mlserver, ["start", "."], { cwd: at, env, stdio: "ignore" }));
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${http}/v2/health/ready`).catch(() => null);
    if (ready?.ok === true) return http;
    await delay(200);
  }
}

function manifest(main: number, canary: number, image: string): string {
  const service = (name: string, port: number): string => `---
apiVersion: v1
kind: Service
metadata: { name: iris-${name}, namespace: prod, labels: { seldon-deployment-id: iris } }
spec: { clusterIP: 10.0.0.1, ports: [{ name: http, port: 8000, protocol: TCP }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: iris-${name}-1
  namespace: prod
  labels: { kubernetes.io/service-name: iris-${name}, endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io }
addressType: IPv4
ports: [{ name: http, port: ${port}, protocol: TCP }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
`;
  const predictor = (name: string, traffic: number, of: string): string =>
    `    - { name: ${name}, traffic: ${traffic}, graph: { name: classifier, type: MODEL }, componentSpecs: [{ spec: { containers: [{ name: classifier, image: "${of}" }] } }] }`;
  return `apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: iris, namespace: prod, annotations: { sluice.io/rollout: "${plan}" } }
spec:
  protocol: v2
  predictors:
${predictor("main", 100, "mlserver:1")}
${predictor("canary", 0, image)}
${service("main", main)}${service("canary", canary)}`;
}

interface Rollout {
  readonly state: string;
  readonly shares: readonly { readonly predictor: string; readonly percent: number }[];
  readonly sentence: string;
}

interface Calls {
  all: number;
  ofCanary: number;
  met: number;
  readonly failed: Map<string, number>;
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 });

function ask(traffic: string, calls: Calls, isFaulty: () => boolean): void {
  const began = isFaulty();
  const startedMs = performance.now();
  const failed = (what: string): void => {
    calls.failed.set(what, (calls.failed.get(what) ?? 0) + 1);
    calls.met += 1;
  };
  calls.all += 1;
  const sent = request(
    `${traffic}/seldon/prod/iris/v2/models/iris/infer`,
    { method: "POST", agent, headers: { "content-type": "application/json", "content-length": question.length } },
    (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
      answer.on("end", () => {
        if (answer.statusCode !== 200) failed(String(answer.statusCode));
        else if (text.includes("2.0")) {
          calls.ofCanary += 1;
          if (began && performance.now() - startedMs >= 200) calls.met += 1;
        }
      });
    },
  );
  sent.on("error", (error) => failed(error.message));
  sent.end(question);
}

try {
  await writeFile(modeFile, "good");
  const [main, canary] = await Promise.all([startModel("main", "1"), startModel("canary", "2")]);
  const manifests = join(folder, "manifests");
  await mkdir(manifests);
  await writeFile(join(manifests, "iris.yaml"), manifest(main, canary, "mlserver:1"));
  const [traffic, admin] = [await freePort(), await freePort()].map((port) => `127.0.0.1:${port}`) as [string, string];
  const argv = [
    "serve",
    "--folder",
    manifests,
    "--listen",
    traffic,
    "--admin",
    admin,
    "--workers",
    "1",
    "--releases-record",
    join(folder, "record"),
  ];
  children.push(spawn(process.execPath, [sluice, ...argv], { stdio: ["ignore", "ignore", "inherit"] }));
  const seen = async (): Promise<Rollout> => {
    const { items } = (await (await fetch(`http://${admin}/api/v1/rollouts`)).json()) as { items: Rollout[] };
    return items[0]!;
  };
  while ((await fetch(`http://${admin}/readyz`).catch(() => null))?.ok !== true) await delay(100);
  const rows: string[] = [];
  for (const [at, mode] of ["good", "refuses", "fails", "slow"].entries()) {
    const calls: Calls = { all: 0, ofCanary: 0, met: 0, failed: new Map() };
    await writeFile(modeFile, "good");
    await writeFile(join(manifests, "iris.yaml"), manifest(main, canary, `mlserver:${at + 2}`));
    let faultMs = 0;
    const load = setInterval(() => ask(`http://${traffic}`, calls, () => faultMs > 0), everyMs);
    const startedMs = performance.now();
    let rollout: Rollout;
    for (;;) {
      await delay(250);
      rollout = await seen();
      const elapsedMs = performance.now() - startedMs;
      const isNew = elapsedMs > 5000;
      if (faultMs === 0 && mode !== "good" && elapsedMs > faultAfterMs) {
        faultMs = performance.now();
        await writeFile(modeFile, mode);
      }
      if (isNew && (rollout.state === "promoted" || rollout.state === "aborted")) break;
    }
    const endedMs = performance.now();
    await delay(3000);
    clearInterval(load);
    await delay(1000);
    const failed = [...calls.failed].map(([what, count]) => `${count} × ${what}`).join(", ");
    const seconds = ((endedMs - (faultMs === 0 ? startedMs : faultMs)) / 1000).toFixed(0);
    rows.push(
      `| ${mode} | ${rollout.state} | ${seconds} | ${calls.all} | ${calls.ofCanary} | ${calls.met} | ${failed} | ${rollout.sentence} |`,
    );
    console.log(rows.at(-1));
  }
  console.log(
    [
      "| canary | ended as | after s, from the fault on | calls | answered by the canary | met the fault | failed | says |",
      "| --- | --- | --- | --- | --- | --- | --- | --- |",
      ...rows,
    ].join("\n"),
  );
} finally {
  for (const child of children) child.kill("SIGKILL");
  agent.destroy();
  await rm(folder, { recursive: true, force: true });
}
