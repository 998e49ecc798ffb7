// What became of copies for shadows and of pairs of answers: /metrics and /api agree to the copy with what clients asked and the shadow saw, under faults and with workers that end.
//
// A data worker that is killed loses the copies and pairs that it had, and evidence of its last second: they are counted nowhere, and nothing is counted twice.
import { afterEach, beforeEach, expect, test } from "vitest";
import * as fc from "fast-check";
import type { ComparedDeployment } from "../../gateway/api/comparisons.ts";
import { askGrpc, askRest, type Asking } from "./accounts/asking.ts";
import { ScriptedModels } from "./accounts/scripted-models.ts";
import { comparedManifest } from "./compared-stage.ts";
import type { GatewayProcess } from "./gateway-process.ts";
import { GatewayStage } from "./gateway-stage.ts";
import { until } from "./until.ts";

let stage: GatewayStage;
let primary: ScriptedModels;
let shadow: ScriptedModels;
let gateway: GatewayProcess;
let admin: string;
let port: number;
/** Ids of requests, by deployment. */
let asked: Record<"rest" | "call", string[]>;

beforeEach(async () => {
  stage = await GatewayStage.open();
  [primary, shadow] = [await ScriptedModels.start("main"), await ScriptedModels.start("next")];
  asked = { rest: [], call: [] };
  const times = 'annotations: { "seldon.io/rest-timeout": "150", "seldon.io/grpc-timeout": "150", ';
  const manifestOf = (name: string, main: number, next: number, protocol: "http" | "grpc"): string =>
    comparedManifest(name, { main, next }, "tolerance 0.01", protocol).replace("annotations: {", times);
  await stage.manifests.write("rest.yaml", manifestOf("rest", primary.restPort, shadow.restPort, "http"));
  await stage.manifests.write("call.yaml", manifestOf("call", primary.callPort, shadow.callPort, "grpc"));
  gateway = stage.serve(2, "--access-log", "all", "--trusted-hops", "1", "--shadow-timeout-ms", "200");
  const at = await gateway.listening();
  admin = at.admin;
  port = Number(new URL(at.traffic).port);
});
afterEach(async () => {
  primary.stop();
  shadow.stop();
  await stage.close();
});

interface Step {
  readonly to: "rest" | "call";
  readonly plan: string;
  readonly leaving: Asking["leaving"];
}

const leaving = fc.constantFrom<Asking["leaving"]>("after", "after", "after", "before", "during");
const plans = {
  rest: ["200", "200", "200", "404", "500", "nothing", "half", "reset", "slow", "hang"],
  call: ["0", "0", "0", "5", "13", "head", "reset", "cut", "hang"],
};
const steps: fc.Arbitrary<Step> = fc.oneof(
  ...(["rest", "call"] as const).map((to) =>
    fc.record({ to: fc.constant(to), plan: fc.constantFrom(...plans[to]), leaving }),
  ),
);

async function ask({ to, plan, leaving }: Step): Promise<void> {
  const id = `${to}${asked[to].length}`;
  asked[to].push(id);
  const asking: Asking = { port, id, plan, leaving, models: primary };
  await (to === "rest" ? askRest(asking, "GET /seldon/prod/rest/x HTTP/1.1") : askGrpc(asking, { seldon: to }));
}

async function askAll(list: readonly Step[], each: (at: number) => void): Promise<void> {
  let next = 0;
  const client = async (): Promise<void> => {
    for (let at = next++; at < list.length; at = next++) {
      each(at);
      await ask(list[at]!);
    }
  };
  await Promise.all(Array.from({ length: 8 }, client));
}

interface Counted {
  /** By outcome. */
  readonly copies: ReadonlyMap<string, number>;
  readonly compared: ReadonlyMap<string, number>;
}

const metrics = async (): Promise<string> => (await fetch(`${admin}/metrics`)).text();

/** Of one deployment, by /metrics. */
function counted(text: string, name: string): Counted {
  const of = (metric: string, label: string): ReadonlyMap<string, number> =>
    new Map(
      text
        .split("\n")
        .filter((line) => line.startsWith(`${metric}{`) && line.includes(`deployment="${name}"`))
        .map((line) => [new RegExp(`${label}="(\\w+)"`, "u").exec(line)![1]!, Number(line.split(" ").at(-1))]),
    );
  return {
    copies: of("sluice_shadow_requests_total", "outcome"),
    compared: of("sluice_comparisons_total", "outcome"),
  };
}

/** Of both deployments together, for all reasons. */
function drops(text: string): number {
  return sum([...text.matchAll(/^sluice_comparison_drops_total\{.*\} (\d+)$/gmu)].map(([, count]) => Number(count)));
}

async function comparedByApi(name: string): Promise<number> {
  const answer = await fetch(`${admin}/api/v1/comparisons/prod/${name}`);
  if (answer.status === 404) return 0;
  const { comparisons } = (await answer.json()) as ComparedDeployment;
  return sum(comparisons.map(({ pairs, incomparable }) => pairs + sum(incomparable.map(({ count }) => count))));
}

const sum = (counts: Iterable<number>): number => [...counts].reduce((one, other) => one + other, 0);
const timesSeen = (ids: readonly string[]): readonly number[] => ids.map((id) => shadow.timesAsked(id));

/** Copies that left, and pairs: as counted now. */
async function totals(): Promise<{
  readonly copies: number;
  readonly left: number;
  readonly sent: number;
  readonly compared: number;
  readonly dropped: number;
}> {
  const text = await metrics();
  const both = [counted(text, "rest"), counted(text, "call")];
  const of = (outcome: string): number => sum(both.map(({ copies }) => copies.get(outcome) ?? 0));
  return {
    copies: sum(both.flatMap(({ copies }) => [...copies.values()])),
    left: of("sent") + of("failed"),
    sent: of("sent"),
    compared: sum(both.flatMap(({ compared }) => [...compared.values()])),
    dropped: drops(text),
  };
}

test("each request has one copy with one outcome, and each copy that left is a pair that was compared or dropped", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 60, maxLength: 90 }), async (list) => {
      await askAll(list, () => undefined);
      const all = [...asked.rest, ...asked.call];
      await until(async () => (await totals()).copies >= all.length, "each copy has its outcome");
      await until(async () => {
        const { compared, dropped, left } = await totals();
        return compared + dropped >= left;
      }, "each pair is compared or dropped");
      const { copies, left, sent, compared, dropped } = await totals();
      expect(copies).toBe(all.length);
      // A copy beyond the sample is no pair, whether it left or not.
      expect(compared + dropped).toBeGreaterThanOrEqual(left);
      expect(compared + dropped).toBeLessThanOrEqual(copies);
      expect(compared).toBeLessThanOrEqual(left);
      // The shadow saw no copy twice, and each that it answered.
      const seen = timesSeen(all);
      expect(Math.max(...seen)).toBeLessThanOrEqual(1);
      expect(sum(seen)).toBeGreaterThanOrEqual(sent);
      expect(sum(seen)).toBeLessThanOrEqual(left);
      for (const name of ["rest", "call"] as const) {
        const own = counted(await metrics(), name);
        expect(sum(own.copies.values())).toBe(asked[name].length);
        await until(async () => (await comparedByApi(name)) === sum(counted(await metrics(), name).compared.values()));
      }
    }),
    { numRuns: 2, endOnFailure: true },
  );
  const { compared, dropped } = await totals();
  expect([compared > 0, dropped > 0]).toEqual([true, true]);
});

test("a data worker that is killed loses copies and pairs that it had, and none is counted twice", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: 60, maxLength: 80 }),
      fc.nat(59),
      fc.constantFrom("terminate" as const, "exit" as const, "throw" as const),
      async (list, at, way) => {
        const first = gateway.records.length;
        const before = await totals();
        await askAll(list, (step) => {
          if (step === at) gateway.endThread("data-0", way);
        });
        await until(() => gateway.records.slice(first).some(({ event }) => event === "worker-ended"), "it ended");
        const after = await totals();
        const all = [...asked.rest, ...asked.call];
        const seen = timesSeen(all);
        expect(Math.max(...seen)).toBeLessThanOrEqual(1);
        expect(after.copies).toBeLessThanOrEqual(all.length);
        expect(after.sent).toBeLessThanOrEqual(sum(seen));
        expect(after.compared).toBeLessThanOrEqual(after.left);
        expect(after.compared + after.dropped).toBeLessThanOrEqual(all.length);
        expect(after.copies).toBeGreaterThanOrEqual(before.copies);
        // What is lost was there when the worker ended: each later copy has its outcome.
        await askAll(list, () => undefined);
        await until(async () => (await totals()).copies >= after.copies + list.length, "later copies are counted");
        expect((await totals()).copies).toBeLessThanOrEqual(all.length + list.length);
      },
    ),
    { numRuns: 2, endOnFailure: true },
  );
});
