// rest-matrix: every shape of HTTP/1.1 traffic beside the peers, in one run.
import { plainPlan, type LoadPlan } from "../load-plan.ts";
import { details, summary, type Measured } from "../matrix.ts";
import { setRealTime } from "../process.ts";
import { doesTable, medianOf, restRounds, takeRounds, takeRoundsOfAble, threadTable, type Turn } from "../rounds.ts";
import { setStage } from "../stage.ts";
import { isChosen, type Suite, type SuiteOptions } from "./suite.ts";

interface Workload {
  readonly title: string;
  readonly plan: Partial<LoadPlan>;
}

const closedLoops: readonly Workload[] = [
  { title: "70 B POST, one head, 64 connections", plan: { connections: 64, called: "one" } },
  { title: "70 B POST, distinct heads over all deployments, 64 connections", plan: { connections: 64 } },
  { title: "100 kB POST, 64 connections", plan: { connections: 64, bodyBytes: 100_000 } },
  {
    title: "chunked 96 kB POST, 64 connections",
    plan: { connections: 64, bodyBytes: 96 * 1024, chunkBytes: 16 * 1024 },
  },
  { title: "70 B POST, 512 connections", plan: { connections: 512 } },
  { title: "70 B POST, 1 connection", plan: { connections: 1 } },
  { title: "70 B POST, 16 connections, pipelined × 16", plan: { connections: 16, pipelined: 16 } },
];
/** The closed loop whose throughput is called saturation. */
const saturating = closedLoops[1]!;
const openLoop = "open loop";
/** A peer whose saturation is not above the rate by so much is left out of an open loop: its queue would only grow. */
const headroom = 1.2;

function perSecond(turn: Turn): number {
  return turn.result.requests / turn.result.seconds;
}

async function run(options: SuiteOptions): Promise<string> {
  const { fleet, contenders, upstream } = await setStage(options, false);
  const names = contenders.map(({ kind }) => kind.name);
  const plain = plainPlan(fleet, options);
  const all: Measured[] = [];
  const opens = isChosen(options, openLoop);
  for (const { title, plan } of closedLoops.filter(
    (one) => isChosen(options, one.title) || (opens && one === saturating),
  )) {
    const rounds = restRounds(title, options.rounds, { ...plain, ...plan });
    // After the first workload the programs are warm.
    const { able, turns } = await takeRoundsOfAble(
      contenders,
      all.length === 0 ? rounds : { ...rounds, firstWarmUpMs: 1000 },
    );
    all.push({ title, contenders: able, turns, timed: plan.connections === 1 });
  }
  const saturated = all.find(({ title }) => title === saturating.title)?.turns ?? new Map<string, readonly Turn[]>();
  const saturation = (name: string): number => medianOf(saturated.get(name) ?? [], perSecond);
  setRealTime(upstream.pid, true);
  for (const paceSetter of opens
    ? [names[0]!, ...names.filter((name) => name === "haproxy-one" || name === "haproxy-map")]
    : []) {
    const rate = Math.round(saturation(paceSetter) / 2);
    const able = contenders.filter(({ kind }) => saturation(kind.name) > rate * headroom);
    const title = `70 B POST, ${openLoop} at ${rate}/s: half of the saturation of ${paceSetter}, 64 connections`;
    const rounds = restRounds(title, options.rounds, {
      ...plain,
      connections: 64,
      pace: { kind: "open", perSecond: rate, spins: true },
    });
    all.push({
      title,
      contenders: able,
      turns: await takeRounds(able, { ...rounds, firstWarmUpMs: 1000 }),
      timed: true,
    });
  }
  return [
    doesTable(contenders),
    `${options.rounds} rounds. Medians; a ratio is the median of the rounds' ratios, first peer over the other. –: it failed under this work, or its saturation is too near to the rate.`,
    summary(all, names),
    ...all.flatMap(details),
    `## Threads, last round of: ${all[0]!.title}`,
    threadTable(all[0]!.contenders, all[0]!.turns),
  ].join("\n\n");
}

export const restMatrix: Suite = {
  name: "rest-matrix",
  does: "CPU time and latency of every shape of HTTP/1.1 traffic beside the peers",
  deployments: 1000,
  run,
};
