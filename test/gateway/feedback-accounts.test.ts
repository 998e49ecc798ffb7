// What clients saw of their feedback, what /metrics and /api/v1/feedback count of it, and the log are equal to the feedback, under faults and with workers that end.
//
// A data worker that is killed may be between the counts of one feedback: its number, its reward's and their sums are apart by that one, and nothing else is lost.
import { afterEach, beforeEach, expect, test } from "vitest";
import * as fc from "fast-check";
import type { DeploymentFeedback } from "../../gateway/api/feedback.ts";
import { askGrpc, askRest, type Asking, type Seen } from "./accounts/asking.ts";
import { change, type Counts } from "./accounts/books.ts";
import {
  countedOf,
  feedbacks,
  linesOf,
  maxBodyBytes,
  predictorOf,
  takenFeedbacks,
  wayOf,
  written,
  type Feedback,
  type Puids,
  type Taken,
} from "./accounts/feedback.ts";
import { contradiction, type Line } from "./accounts/lines.ts";
import { ScriptedModels } from "./accounts/scripted-models.ts";
import type { GatewayProcess } from "./gateway-process.ts";
import { GatewayStage } from "./gateway-stage.ts";
import { until } from "./until.ts";

let stage: GatewayStage;
let main: ScriptedModels;
let canary: ScriptedModels;
let gateway: GatewayProcess;
let admin: string;
let port: number;
let puids: Puids;
let asked = 0;

/** A deployment of these predictors; `models` null: without an Endpoint. */
function manifestOf(name: string, predictors: Readonly<Record<string, ScriptedModels | null>>): string {
  const parts = Object.entries(predictors).map(([predictor, models]) => {
    const endpoints = models === null ? "[]" : "[{ addresses: [127.0.0.1], conditions: { ready: true } }]";
    return `---
apiVersion: v1
kind: Service
metadata: { name: ${name}-${predictor}, namespace: prod }
spec: { clusterIP: 10.0.0.1, ports: [{ name: http, port: 8000 }, { name: grpc, port: 5001 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: ${name}-${predictor}-1
  namespace: prod
  labels: { kubernetes.io/service-name: ${name}-${predictor}, endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io }
addressType: IPv4
ports: [{ name: http, port: ${models?.restPort ?? 1} }, { name: grpc, port: ${models?.callPort ?? 1} }]
endpoints: ${endpoints}
`;
  });
  const share = 100 / parts.length;
  const named = Object.keys(predictors).map(
    (predictor) =>
      `    - { name: ${predictor}, traffic: ${share}, graph: { name: classifier, implementation: SKLEARN_SERVER } }\n`,
  );
  return `apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: ${name}, namespace: prod, annotations: { seldon.io/rest-timeout: "150", seldon.io/grpc-timeout: "150" } }
spec:
  predictors:
${named.join("")}${parts.join("")}`;
}

beforeEach(async () => {
  stage = await GatewayStage.open();
  [main, canary] = [await ScriptedModels.start("main"), await ScriptedModels.start("canary")];
  const { manifests } = stage;
  await manifests.write("both.yaml", manifestOf("both", { main, canary }));
  await manifests.write("half.yaml", manifestOf("half", { main, canary }));
  await manifests.write("sole.yaml", manifestOf("sole", { main }));
  gateway = stage.serve(2, "--access-log", "all", "--trusted-hops", "1", "--feedback-body-bytes", String(maxBodyBytes));
  const at = await gateway.listening();
  admin = at.admin;
  port = Number(new URL(at.traffic).port);
  puids = await puidsOfAnswers();
  await manifests.write("half.yaml", manifestOf("half", { main, canary: null }));
  await until(async () => (await readyOf("half")).length === 1, "one predictor is unready");
});
afterEach(async () => {
  main.stop();
  canary.stop();
  await stage.close();
});

function asking(plan: string, leaving: Asking["leaving"]): Asking {
  asked += 1;
  const models = { asked: (id: string) => Promise.race([main.asked(id), canary.asked(id)]) };
  return { port, id: `f${asked}`, plan, leaving, models };
}

async function readyOf(name: string): Promise<readonly string[]> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  return [
    ...text.matchAll(new RegExp(`^sluice_endpoints\\{.*deployment="${name}",.*state="ready"\\} [^0]`, "gmu")),
  ].map(([line]) => line);
}

/** Of predictions over REST and gRPC, until each model of both deployments has answered. */
async function puidsOfAnswers(): Promise<Puids> {
  const found = new Map<string, string>();
  for (let turn = 0; found.size < 4; turn++)
    for (const name of ["both", "half"]) {
      const { model, puid } = await (turn % 2 === 0
        ? askRest(asking("200", "after"), `POST /seldon/prod/${name}/api/v1.0/predictions HTTP/1.1`)
        : askGrpc(asking("0", "after"), { seldon: name }));
      // A busy model may not answer in its time.
      if (model !== "") found.set(`${name} ${model}`, puid);
    }
  return found;
}

interface Sent {
  readonly feedback: Feedback;
  readonly seen: Seen;
}

async function send(feedback: Feedback): Promise<Sent> {
  const one = asking(feedback.plan, feedback.leaving);
  const { header, body } = written(feedback, puids);
  if (feedback.over === "grpc") {
    const more = { ":path": "/seldon.protos.Seldon/SendFeedback", seldon: feedback.to };
    return { feedback, seen: await askGrpc(one, header === "" ? more : { ...more, "seldon-puid": header }, body) };
  }
  const fields = [
    `content-length: ${body.length}`,
    ...(header === "" ? [] : [`seldon-puid: ${header}`]),
    ...(feedback.kind === "zipped" ? ["content-encoding: gzip"] : []),
  ];
  const line = `POST /seldon/prod/${feedback.to}/api/v1.0/feedback HTTP/1.1`;
  return { feedback, seen: await askRest(one, line, fields.map((field) => `${field}\r\n`).join(""), body) };
}

async function sendAll(all: readonly Feedback[], each: (at: number) => void): Promise<readonly Sent[]> {
  const sent: Sent[] = [];
  let next = 0;
  const client = async (): Promise<void> => {
    for (let at = next++; at < all.length; at = next++) {
      each(at);
      sent.push(await send(all[at]!));
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
  return sent;
}

/** Lines of /metrics about feedback. */
async function counted(): Promise<Counts> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  return Object.fromEntries(
    [...text.matchAll(/^(sluice_(?:feedback|reward)_\w+\{.*\}) (\S+)$/gmu)].map(([, name, value]) => [
      name,
      Number(value),
    ]),
  );
}

async function byPredictor(): Promise<readonly (readonly [deployment: string, DeploymentFeedback["predictors"]])[]> {
  const answer = (await (await fetch(`${admin}/api/v1/feedback`)).json()) as { items: readonly DeploymentFeedback[] };
  return answer.items.map(({ name, predictors }) => [name, predictors]);
}

const tookIt = ({ feedback, seen }: Sent): boolean =>
  feedback.over === "grpc" ? seen.grpcStatus === 0 : seen.status >= 200 && seen.status < 300;

test("feedback that models took, its rewards, the log and what clients saw are equal to the feedback", async () => {
  const all: Taken[] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(feedbacks, { minLength: 60, maxLength: 100 }), async (list) => {
      const first = gateway.records.length;
      const sent = await sendAll(list, () => undefined);
      // Lines of the predictions before may come late.
      const ids = new Set(sent.map(({ seen }) => seen.id));
      const lines = (): readonly Line[] =>
        (gateway.records.slice(first) as unknown as Line[]).filter(
          ({ event, requestId }) => event === "access" && ids.has(requestId),
        );
      await until(() => lines().length >= sent.length, "a line for each feedback");
      const lineOf = new Map(lines().map((line) => [line.requestId, line]));
      const told = sent.map(({ feedback, seen }) => ({ feedback, seen, line: lineOf.get(seen.id)! }));
      expect(told.map(({ seen, line }) => contradiction(seen, line)).filter((found) => found !== "")).toEqual([]);
      for (const { feedback, seen, line } of told) {
        expect([line.deployment, line.predictor]).toEqual([feedback.to, predictorOf(feedback) ?? line.predictor]);
        if (seen.model !== "") expect(seen.model).toBe(line.predictor);
        const hasTaken =
          line.origin === "model" &&
          (feedback.over === "grpc" ? line.grpcStatus === "OK" : line.code >= 200 && line.code < 300);
        if (hasTaken) all.push({ feedback, predictor: line.predictor });
      }
      expect(await counted()).toEqual(linesOf(all));
      for (const [name, predictors] of await byPredictor())
        for (const { name: predictor, routed, rewards } of predictors) {
          const own = countedOf(all, name, predictor);
          expect([routed, rewards]).toMatchObject([own.routed, own.rewards]);
          const { count, sum, sumSquares } = own.rewards;
          if (count === 0) expect([rewards.mean, rewards.deviation]).toEqual([null, null]);
          else {
            expect(rewards.mean).toBeCloseTo(sum / count, 9);
            expect(rewards.deviation).toBeCloseTo(Math.sqrt(sumSquares / count - (sum / count) ** 2), 6);
          }
        }
    }),
    { numRuns: 4, endOnFailure: true },
  );
  // Nothing that is compared here was never there.
  expect(new Set(all.map(({ feedback }) => wayOf(feedback))).size).toBe(6);
});

test("a data worker that is killed loses no feedback but the one whose answer it was sending, and counts none twice", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(takenFeedbacks, { minLength: 60, maxLength: 80 }),
      fc.nat(59),
      fc.constantFrom("terminate" as const, "exit" as const, "throw" as const),
      async (list, at, way) => {
        const first = gateway.records.length;
        const before = await counted();
        const sent = await sendAll(list, (step) => {
          if (step === at) gateway.endThread("data-0", way);
        });
        await until(() => gateway.records.slice(first).some(({ event }) => event === "worker-ended"), "it ended");
        const added = change(before, await counted());
        const seen = sent.filter((one) => one.seen.isWhole && tookIt(one));
        const total = (named: string): number =>
          Object.entries(added).reduce((sum, [name, count]) => sum + (name.startsWith(named) ? count : 0), 0);
        // What a client saw was counted, for the predictor and the way that it was to take.
        const saw = linesOf(seen.map(({ feedback, seen: { model } }) => ({ feedback, predictor: model })));
        const missing = Object.entries(saw)
          .filter(([name]) => name.startsWith("sluice_feedback_total"))
          .reduce((sum, [name, count]) => sum + Math.max(0, count - (added[name] ?? 0)), 0);
        expect(missing).toBeLessThanOrEqual(1);
        // Nothing was counted that nobody sent.
        expect(total("sluice_feedback_total")).toBeLessThanOrEqual(list.length);
        const withReward = list.filter(({ kind }) => kind !== "zipped").length;
        expect(total("sluice_reward_count")).toBeLessThanOrEqual(withReward);
        // Between the counts of one feedback the worker may have ended.
        const zipped = seen.filter(({ feedback }) => feedback.kind === "zipped").length;
        const unseenZipped = list.filter(({ kind }) => kind === "zipped").length - zipped;
        const rewarded = total("sluice_feedback_total") - zipped - total("sluice_reward_count");
        expect(rewarded).toBeGreaterThanOrEqual(0);
        expect(rewarded).toBeLessThanOrEqual(1 + unseenZipped);
        expect([0, 1]).toContain(total("sluice_reward_count") - total("sluice_reward_sum"));
      },
    ),
    { numRuns: 4, endOnFailure: true },
  );
});
