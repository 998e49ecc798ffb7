// grpc-idle: memory of 1,000 connections with 10 open streams each, on which nothing happens. At the end every stream is finished and must be answered.
import { processTree, statusBytes } from '../account.ts';
import { deployments } from '../fleet.ts';
import { callFields } from '../grpc-plan.ts';
import { setGrpcStage } from '../grpc-stage.ts';
import { Calls, type Call } from '../h2/calls.ts';
import { block, message } from '../h2/frames.ts';
import { grpcPredictors } from '../origins/grpc.ts';
import { pause } from '../process.ts';
import type { Contender } from '../rounds.ts';
import { number, table } from '../report.ts';
import type { Suite, SuiteOptions } from './suite.ts';

const streams = 10;
const defaultConnections = 1000;
const settleMs = 2000;
const waitMs = 30_000;
/** Connections opened before there is a pause, so that no backlog overflows. */
const together = 50;

function rss(pid: number): number {
  return processTree(pid).reduce((sum, one) => sum + (statusBytes(one, 'VmRSS') ?? 0), 0);
}

async function until(done: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadlineMs = performance.now() + waitMs;
  while (!(await done())) {
    if (performance.now() > deadlineMs) throw new Error(`${what}: not in ${waitMs} ms`);
    await pause(100);
  }
}

async function measure({ kind, peer }: Contender, options: SuiteOptions, blocks: readonly Buffer[], openStreams: () => Promise<number>): Promise<readonly string[]> {
  const connections = options.requests ?? defaultConnections;
  const answers = Object.values(grpcPredictors).map((fill) => message(72, fill));
  let answered = 0;
  let first: string | null = null;
  const owner = {
    done: (_connection: Calls, call: Call, whole: boolean): void => {
      if (call.grpcStatus === 0 && whole) answered++;
      else first ??= `status ${call.status}, grpc-status ${call.grpcStatus} ${call.grpcMessage}`;
    },
    lost: (_connection: Calls, calls: number, sentence: string): void => {
      if (calls > 0) first ??= sentence;
    },
  };
  const before = rss(peer.pid);
  const open: { readonly calls: Calls; readonly ids: readonly number[] }[] = [];
  for (let i = 0; i < connections; i++) {
    const calls = new Calls({ host: '127.0.0.1', port: peer.port }, answers, owner);
    open.push({ calls, ids: Array.from({ length: streams }, (_, stream) => calls.begin(blocks[(i * streams + stream) % blocks.length]!, message(72, 'q'), false, 0)) });
    if (i % together === 0) await pause(20);
  }
  await until(async () => first !== null || (await openStreams()) === connections * streams, `${kind.name}: all streams at the origin`);
  await pause(settleMs);
  const idle = rss(peer.pid);
  for (const { calls, ids } of open) for (const id of ids) calls.finish(id);
  await until(() => first !== null || answered === connections * streams, `${kind.name}: an answer on every stream`);
  for (const { calls } of open) calls.end();
  if (first !== null) throw new Error(`${kind.name}: the run is void: ${String(first)}`);
  await pause(settleMs);
  return [kind.name, String(connections), String(connections * streams), number((idle - before) / 1024 / connections), number(before / 2 ** 20), number(idle / 2 ** 20), number(rss(peer.pid) / 2 ** 20)];
}

async function run(options: SuiteOptions): Promise<string> {
  const { fleet, contenders, origin } = await setGrpcStage(options);
  const blocks = deployments(fleet).map((deployment) => block(callFields(deployment)));
  const openStreams = async (): Promise<number> => (await origin.ask({ predictors: {} })).openStreams;
  const rows: (readonly string[])[] = [];
  for (const contender of contenders) {
    rows.push(await measure(contender, options, blocks, openStreams));
    console.error(rows.at(-1)!.join(', '));
    await until(async () => (await openStreams()) === 0, 'no stream left at the origin');
  }
  return table(['peer', 'connections', 'streams', 'KiB a connection', 'RSS before, MiB', 'with idle streams', 'after'], rows);
}

export const grpcIdle: Suite = { name: 'grpc-idle', does: 'memory of a connection with 10 idle gRPC streams', deployments: 1000, run };
