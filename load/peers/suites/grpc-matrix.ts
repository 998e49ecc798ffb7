// grpc-matrix: unary gRPC calls in several shapes, beside the peers.
import { setGrpcStage } from "../grpc-stage.ts";
import { plainGrpcPlan, type GrpcPlan } from "../grpc-plan.ts";
import { grpcLoad } from "../load.ts";
import { details, summary, type Measured } from "../matrix.ts";
import { doesTable, takeRounds, threadTable } from "../rounds.ts";
import { isChosen, type Suite, type SuiteOptions } from "./suite.ts";

const workloads: readonly { readonly title: string; readonly plan: Partial<GrpcPlan>; readonly timed: boolean }[] = [
  { title: "72 B, 8 connections × 16 streams", plan: { connections: 8, streams: 16 }, timed: false },
  { title: "72 B, 64 connections × 1 stream", plan: { connections: 64, streams: 1 }, timed: false },
  { title: "72 B, 1 connection × 100 streams", plan: { connections: 1, streams: 100 }, timed: false },
  { title: "72 B, 1 connection × 1 stream", plan: { connections: 1, streams: 1 }, timed: true },
  {
    title: "72 B, metadata of its own in each call, 8 × 16",
    plan: { connections: 8, streams: 16, varied: true },
    timed: false,
  },
  {
    title: "100 kB both ways, 8 connections × 4 streams",
    plan: { connections: 8, streams: 4, bodyBytes: 100_000 },
    timed: false,
  },
];

async function run(options: SuiteOptions): Promise<string> {
  const { fleet, contenders } = await setGrpcStage(options);
  const all: Measured[] = [];
  for (const { title, plan, timed } of workloads.filter((one) => isChosen(options, one.title))) {
    const whole = { ...plainGrpcPlan(fleet, options), ...plan };
    const turns = await takeRounds(contenders, {
      title,
      count: options.rounds,
      firstWarmUpMs: all.length === 0 ? 3000 : 1000,
      plan: whole,
      run: (one) => grpcLoad({ ...whole, ...one }),
    });
    all.push({ title, contenders, turns, timed });
  }
  return [
    doesTable(contenders),
    `${options.rounds} rounds, ${fleet.deployments} deployments, calls uniform over them; each answer's status, grpc-status and bytes are checked. Medians; a ratio is the median of the rounds' ratios, first peer over the other.`,
    summary(
      all,
      contenders.map(({ kind }) => kind.name),
    ),
    ...all.flatMap(details),
    "## Threads, last round of the first workload",
    threadTable(contenders, all[0]!.turns),
  ].join("\n\n");
}

export const grpcMatrix: Suite = {
  name: "grpc-matrix",
  does: "CPU time of unary gRPC calls beside the peers",
  deployments: 1000,
  run,
};
