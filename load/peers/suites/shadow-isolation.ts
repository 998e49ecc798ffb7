// shadow-isolation: what a shadow does to the primary, by the state of the shadow. A gateway for each state takes turns with one
// that has no shadow and is like it in all else; `none again` has none either, and shows what two equal gateways differ by.
//
// The shadows' servers run on the gateway's core, each a process of its own that the scheduler gives only what the gateway leaves (SCHED_IDLE):
// beside the generator and the primary's upstream they would be measured as if the copies were the gateway's doing. They spin, so that the core does
// not halt between requests: the time to wake it is the host's, up to milliseconds, and hides everything else.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { statusBytes, threadTimes, totalNs } from "../account.ts";
import type { AlternationResult, Quantiles } from "../alternation.ts";
import { startChild, type Child } from "../child.ts";
import { deployments, answerOf, type Deployment, type FleetPlan, type Place } from "../fleet.ts";
import { alternate, load } from "../load.ts";
import { plainPlan, requireNoErrors, type LoadPlan } from "../load-plan.ts";
import { deploymentManifest, mainOnly, manifestFile, serviceManifests, type Split } from "../manifests.ts";
import type { Behaviour, FaultyQuestion, FaultyReport } from "../origins/behaviours.ts";
import { freePort, loadCore, pause, proxyCore, setIdle } from "../process.ts";
import { startSluice, type Sluice } from "../proxies/sluice.ts";
import { number, table } from "../report.ts";
import { scrapeMetrics, sumOf } from "../scraping.ts";
import { ratios, spread, type Spread } from "../statistics.ts";
import { startUpstream } from "../upstream.ts";
import { isChosen, type Suite, type SuiteOptions } from "./suite.ts";

type ShadowServer = Child<FaultyQuestion, FaultyReport>;

export interface ShadowState {
  readonly name: string;
  /** `sluice.io/compare: "true"` */
  readonly compares?: true;
  /** What the shadow's server does; null: there is none. */
  readonly behaviour: Behaviour | null;
  /** `none`: no copies. `closed`: an Endpoint where nobody listens. `empty`: no Endpoint. */
  readonly endpoint: "none" | "listening" | "closed" | "empty";
}

const unshadowed = "none";
const withoutShadow: ShadowState = { name: unshadowed, behaviour: null, endpoint: "none" };

const states: readonly ShadowState[] = [
  { name: "none again", behaviour: null, endpoint: "none" },
  { name: "healthy", behaviour: "healthy", endpoint: "listening" },
  { name: "slow", behaviour: "slow", endpoint: "listening" },
  { name: "stuck", behaviour: "stuck", endpoint: "listening" },
  { name: "resetting", behaviour: "resetting", endpoint: "listening" },
  { name: "refusing", behaviour: null, endpoint: "closed" },
  { name: "huge", behaviour: "huge", endpoint: "listening" },
  { name: "absent", behaviour: null, endpoint: "empty" },
];

const mostP50 = 1.05;
const mostP99 = 1.1;
const shareOfSaturation = 0.3;
/** Beyond what a gateway without a shadow grows by: the budget of copies (64 MiB), and connections. */
const mostExtraBytes = 96 * 2 ** 20;
/** For the last copies to be accounted for, once their servers are gone. */
const settleMs = 15_000;
const drainMs = 1000;
const warmUpMs = 3000;
const turnMs = 200;
const leadInMs = 40;
const gapMs = 10;
const largeBodies: Partial<LoadPlan> = { connections: 32, bodyBytes: 100_000, warmUpMs: 0, measureMs: 1000 };

const shadowed: Split = {
  mainFields: ["traffic: 100"],
  canaryFields: ["shadow: true", "traffic: 100"],
  annotations: [],
};

interface Side {
  readonly state: ShadowState;
  /** Spins; null: `none`, which is always beside another side. */
  readonly server: ShadowServer | null;
  readonly sluice: Sluice;
  readonly readyBytes: number;
}

/** What the gateway says of its copies, and the shadow's server of its requests. */
interface Account {
  readonly requests: number;
  readonly answered: number;
  readonly failed: number;
  readonly dropped: ReadonlyMap<string, number>;
  /** null: there is no server. */
  readonly received: number | null;
}

/** A server also where nobody listens: it spins, so that the core of the gateways never halts. */
async function startServer(
  behaviour: Behaviour | null,
  answerBytes: number | null,
): Promise<{ readonly server: ShadowServer; readonly port: number | null }> {
  const server = startChild<FaultyQuestion, FaultyReport>(
    new URL("../origins/faulty-origin.ts", import.meta.url),
    proxyCore,
  );
  const { ports } = await server.ask({
    behaviours: behaviour === null ? [] : [behaviour],
    ...(answerBytes === null ? {} : { answerBytes }),
  });
  setIdle(server.pid);
  await server.ask({ behaviours: [], spins: true });
  return { server, port: behaviour === null ? null : ports[behaviour]! };
}

async function startSide(
  folder: string,
  fleet: FleetPlan,
  state: ShadowState,
  answerBytes: number | null,
): Promise<Side> {
  const started = state === withoutShadow ? null : await startServer(state.behaviour, answerBytes);
  const port = state.endpoint === "closed" ? await freePort() : (started?.port ?? null);
  const manifests = join(folder, "manifests");
  writeSide(
    manifests,
    fleet,
    state.endpoint === "none"
      ? mainOnly
      : state.compares === true
        ? { ...shadowed, annotations: ['sluice.io/compare: "true"'] }
        : shadowed,
    port === null ? null : { host: "127.0.0.1", port },
  );
  const sluice = await startSluice({
    manifests,
    workers: 1,
    core: proxyCore,
    logFile: join(folder, "sluice.log"),
  });
  return { state, server: started?.server ?? null, sluice, readyBytes: statusBytes(sluice.pid, "VmRSS") ?? 0 };
}

function writeSide(folder: string, fleet: FleetPlan, split: Split, shadow: Place | null): void {
  for (const deployment of deployments(fleet)) {
    const file = manifestFile(folder, deployment);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, sideManifest(deployment, split, shadow));
  }
}

function sideManifest(deployment: Deployment, split: Split, shadow: Place | null): string {
  const { name, namespace } = deployment;
  return (
    deploymentManifest(deployment, split) +
    serviceManifests(`${name}-main`, namespace, deployment.main) +
    serviceManifests(`${name}-canary`, namespace, shadow)
  );
}

/** Ends the shadow's server, so that what waits for it fails, and gives the account once every request has its copy accounted for; throws when that never comes. */
async function settle({ state, sluice, server }: Side): Promise<Account> {
  // What a healthy one has still to answer is answered.
  if (state.behaviour === "healthy") await pause(drainMs);
  const deadlineMs = performance.now() + settleMs;
  const received =
    server === null || state.behaviour === null
      ? null
      : ((await server.ask({ behaviours: [] })).received[state.behaviour] ?? 0);
  await server?.stop();
  for (;;) {
    const { text } = await scrapeMetrics(sluice.adminPort);
    const requests = sumOf(text, "sluice_requests_total", 'role="live"');
    const of = (outcome: string): number => sumOf(text, "sluice_shadow_requests_total", `outcome="${outcome}"`);
    const dropped = new Map(
      ["size", "memory", "queue", "unready", "incomplete"].map((why) => [why, of(`dropped_${why}`)]),
    );
    const account: Account = { requests, answered: of("sent"), failed: of("failed"), dropped, received };
    const inFlight = sumOf(text, "sluice_requests_in_flight");
    const counted = account.answered + account.failed + sum(dropped);
    if (counted === (state.endpoint === "none" ? 0 : requests) && inFlight === 0) return account;
    if (performance.now() > deadlineMs || counted > requests)
      throw new Error(
        `${state.name}: ${requests} requests, but ${counted} copies are accounted for (${accountCells(account).join(", ")}), ${inFlight} in flight`,
      );
    await pause(100);
  }
}

function sum(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}

function accountCells({ requests, answered, failed, dropped, received }: Account): readonly string[] {
  const why = [...dropped].filter(([, count]) => count > 0).map(([reason, count]) => `${reason} ${count}`);
  return [
    String(requests),
    String(answered + failed),
    String(answered),
    String(failed),
    String(sum(dropped)),
    why.join(", ") || "–",
    received === null ? "–" : String(received),
  ];
}

function ratioCell({ median, min, max }: Spread): string {
  return `${median.toFixed(3)} (${min.toFixed(2)} – ${max.toFixed(2)})`;
}

/** What was measured of one state beside `none`. */
interface Measured {
  readonly side: Side;
  readonly perSecond: number;
  readonly result: AlternationResult;
  /** Of a request, of both gateways. */
  readonly cpuUs: readonly number[];
  /** The same of their data workers alone. */
  readonly carryingUs: readonly number[];
  readonly grownBytes: number;
  /** More than `none`. */
  readonly extraBytes: number;
  readonly endBytes: number;
  readonly account: Account;
}

function grownBytes({ sluice, readyBytes }: Side): number {
  return (statusBytes(sluice.pid, "VmHWM") ?? 0) - readyBytes;
}

/** Of the whole process, and of the threads that carry requests. */
function cpuNs({ sluice }: Side): readonly [all: number, carrying: number] {
  const times = threadTimes(sluice.pid);
  return [totalNs(times), totalNs(times.filter(({ name }) => name.includes("data")))];
}

/** Alternates one state with `none`, at 30 % of what `none` can do at this moment, then asks for what it may hold in memory. */
async function measure(options: SuiteOptions, plan: LoadPlan, none: Side, side: Side): Promise<Measured> {
  requireNoErrors(side.state.name, await load({ ...plan, port: side.sluice.port, warmUpMs: 0, measureMs: warmUpMs }));
  const saturated = await load({ ...plan, port: none.sluice.port, warmUpMs: 300, measureMs: 1000 });
  requireNoErrors(unshadowed, saturated);
  const perSecond = options.perSecond ?? Math.round((saturated.requests / saturated.seconds) * shareOfSaturation);
  const sides = [none, side] as const;
  const turnsARound = turnsOf(options);
  const beforeNs = sides.map(cpuNs);
  const result = await alternate({
    host: plan.host,
    ports: [none.sluice.port, side.sluice.port],
    connections: plan.connections,
    fleet: plan.fleet,
    bodyBytes: plan.bodyBytes,
    answer: plan.answers[0]!,
    perSecond,
    rounds: options.rounds,
    turnsARound,
    leadInMs,
    turnMs,
    gapMs,
    cores: [proxyCore, loadCore],
    mostVoid: options.rounds * turnsARound,
  });
  const [cpuUs, carryingUs] = ([0, 1] as const).map((which) =>
    sides.map((one, index) => (cpuNs(one)[which] - beforeNs[index]![which]) / 1000 / result.sides[index]!.answers),
  ) as [number[], number[]];
  for (const [index, one] of sides.entries()) requireNoErrors(one.state.name, result.sides[index]!);
  // Large bodies as fast as they go: what copies may hold in memory is bounded.
  for (const one of sides)
    requireNoErrors(one.state.name, await load({ ...plan, ...largeBodies, port: one.sluice.port }));
  const grown = grownBytes(side);
  const measured = {
    side,
    perSecond,
    result,
    cpuUs,
    carryingUs,
    grownBytes: grown,
    extraBytes: grown - grownBytes(none),
    endBytes: statusBytes(side.sluice.pid, "VmRSS") ?? 0,
  };
  const account = await settle(side);
  await side.sluice.stop();
  return { ...measured, account };
}

const p50Of = ({ p50Us }: Quantiles): number => p50Us;
const p99Of = ({ p99Us }: Quantiles): number => p99Us;

/** Each round, or turn, of the gateway with a shadow over the one without. */
function ratiosOf(
  { sides: [without, shadowing] }: AlternationResult,
  pick: (quantiles: Quantiles) => number,
  of: "rounds" | "turns",
): Spread {
  return ratios(shadowing[of].map(pick), without[of].map(pick));
}

function latencyCells({
  side,
  perSecond,
  result,
  cpuUs,
  carryingUs,
  grownBytes: grown,
  endBytes,
}: Measured): readonly string[] {
  const medians = (pick: (quantiles: Quantiles) => number): string =>
    result.sides.map(({ rounds }) => Math.round(spread(rounds.map(pick)).median)).join(" → ");
  return [
    side.state.name,
    String(perSecond),
    medians(p50Of),
    ratioCell(ratiosOf(result, p50Of, "rounds")),
    medians(p99Of),
    ratioCell(ratiosOf(result, p99Of, "rounds")),
    ratioCell(ratiosOf(result, p99Of, "turns")),
    cpuUs.map(number).join(" → "),
    carryingUs.map(number).join(" → "),
    `+${number(grown / 2 ** 20)}, ${number(endBytes / 2 ** 20)}`,
    `${result.voided}, ${result.disturbed}`,
  ];
}

/** What is over its bar. */
function wrongOf({ side: { state }, result, extraBytes, account }: Measured): readonly string[] {
  const wrong: string[] = [];
  const p50 = ratiosOf(result, p50Of, "rounds").median;
  const p99 = ratiosOf(result, p99Of, "rounds").median;
  if (p50 > mostP50) wrong.push(`p50 × ${p50.toFixed(3)}`);
  if (p99 > mostP99) wrong.push(`p99 × ${p99.toFixed(3)}`);
  if (extraBytes > mostExtraBytes) wrong.push(`${number(extraBytes / 2 ** 20)} MiB more than without a shadow`);
  if (state.behaviour === "healthy" && account.answered !== account.received)
    wrong.push("answered and received differ");
  return wrong.map((what) => `${state.name}: ${what}`);
}

/** Of each gateway in a round. */
function turnsOf({ measureMs }: SuiteOptions): number {
  return Math.max(1, Math.round(measureMs / turnMs));
}

async function run(options: SuiteOptions): Promise<string> {
  const { ports } = await startUpstream({
    folder: options.folder,
    predictors: ["main"],
    answer: answerOf,
    realTime: true,
  });
  return runStates(options, states, ports.get("main")!, answerOf("main"), null);
}

/** The same of any states. `answer`: of the server at `mainPort`; `answerBytes`: of that of a healthy shadow, null: as the fleet answers. */
export async function runStates(
  options: SuiteOptions,
  wanted: readonly ShadowState[],
  mainPort: number,
  answer: string,
  answerBytes: number | null,
): Promise<string> {
  const fleet: FleetPlan = { deployments: options.deployments, addresses: "shared", mainPort, canaryPort: mainPort };
  const plan: LoadPlan = { ...plainPlan(fleet, options), connections: 64, answers: [answer] };
  const start = (state: ShadowState): Promise<Side> =>
    startSide(join(options.folder, state.name.replaceAll(/[ ,]+/g, "-")), fleet, state, answerBytes);
  const none = await start(withoutShadow);
  requireNoErrors(unshadowed, await load({ ...plan, port: none.sluice.port, warmUpMs: 0, measureMs: warmUpMs }));
  const all: Measured[] = [];
  for (const state of wanted.filter(({ name }) => isChosen(options, name))) {
    const measured = await measure(options, plan, none, await start(state));
    console.error(latencyCells(measured).join(" | "));
    all.push(measured);
  }
  await none.sluice.stop();
  const wrong = all.flatMap(wrongOf);
  return [
    `Open loop at ${options.perSecond === null ? `${shareOfSaturation * 100} % of what the gateway without a shadow can do, measured before each case` : `${options.perSecond} requests a second`}; ${options.rounds} rounds, in each ${turnsOf(options)} turns of ${turnMs} ms of both gateways, one after the other; a pair of turns in which the host took time from a core is taken again, as long as no more than half are. Bars: p50 at most ${mostP50}, p99 at most ${mostP99} of the gateway without a shadow, median of the rounds.`,
    table(
      [
        "shadow",
        "requests/s",
        "p50 µs, without → with",
        "ratio (min – max of rounds)",
        "p99 µs",
        "ratio (min – max of rounds)",
        "p99, ratio by turns",
        "CPU µs a request",
        "of the data worker",
        "highest RSS since ready, RSS at the end, MiB",
        "turns taken again, disturbed ones kept",
      ],
      all.map(latencyCells),
    ),
    `${wrong.length === 0 ? "All bars are held." : `Not held: ${wrong.join("; ")}.`} No request failed.`,
    "What became of the copies: requests = sent + dropped, sent = answered + failed.",
    table(
      ["shadow", "requests", "sent", "answered", "failed", "dropped", "why", "received by the shadow"],
      all.map(({ side, account }) => [side.state.name, ...accountCells(account)]),
    ),
  ].join("\n\n");
}

export const shadowIsolation: Suite = {
  name: "shadow-isolation",
  does: "p50 and p99 of the primary by the state of its shadow, and what became of the copies",
  deployments: 1000,
  run,
};
