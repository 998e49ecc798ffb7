// The supervisor's watch over its threads: who has been silent for too long, and where such a thread stands.
import type { Worker } from "node:worker_threads";
import { fixed } from "../shared/metrics/fixed.ts";

/** Time between two looks. */
export const watchEveryMs = 250;
/** The control worker may be busy for long: with a first snapshot of a large cluster, or with a folder of a million files. */
export const controlStallMs = 60_000;
/** Until all serve, a data worker may be silent for so long: 64 of them may start on two cores. */
export const startStallMs = 60_000;
/** The supervisor that looks this late stood still itself, and so did every thread: the process was stopped, or had no core. */
const stoodStillMs = 1000;
/** A thread that stands in native code gives no stack: it is not waited for longer. */
const stackMs = 1000;
const sampledMs = 50;

export class StallWatch {
  #lookedMs: number;
  #awakeSinceMs = -Infinity;

  constructor(nowMs: number) {
    this.#lookedMs = nowMs;
  }

  /** Called every `watchEveryMs`, before threads are judged. */
  look(nowMs: number): void {
    if (nowMs - this.#lookedMs > stoodStillMs) this.#awakeSinceMs = nowMs;
    this.#lookedMs = nowMs;
  }

  /** How long a thread has been silent, ms, if that is longer than it may; else 0. One that has not begun to beat is starting; with a limit of 0 nobody looks. */
  stalledMs(cells: Float64Array, limitMs: number): number {
    const beatMs = cells[fixed.beatMs]!;
    if (beatMs === 0) return 0;
    const stalledMs = this.#lookedMs - Math.max(beatMs, this.#awakeSinceMs);
    return limitMs > 0 && stalledMs >= limitMs ? stalledMs : 0;
  }
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly hitCount: number;
  readonly children?: readonly number[];
  readonly positionTicks?: readonly { readonly line: number; readonly ticks: number }[];
}

/** Where a thread stands, written like the stack of an Error, from a short CPU profile: V8 takes it in the middle of a loop. "": not to be had. */
export async function stackOf(worker: Worker): Promise<string> {
  const profile = profileOf(worker).catch(() => null);
  const timeout = Promise.withResolvers<null>();
  const timer = setTimeout(() => timeout.resolve(null), stackMs);
  const text = await Promise.race([profile, timeout.promise]);
  clearTimeout(timer);
  return text === null ? "" : printStack((JSON.parse(text) as { readonly nodes: readonly ProfileNode[] }).nodes);
}

async function profileOf(worker: Worker): Promise<string> {
  const handle = await worker.startCpuProfile();
  await new Promise((resolve) => {
    setTimeout(resolve, sampledMs);
  });
  return handle.stop();
}

/** The call path with most samples, innermost first; "" where none is known. */
export function printStack(nodes: readonly ProfileNode[]): string {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const childrenOf = (node: ProfileNode): readonly ProfileNode[] =>
    (node.children ?? []).flatMap((id) => byId.get(id) ?? []);
  const totals = new Map<number, number>();
  const total = (node: ProfileNode): number => {
    const known = totals.get(node.id);
    if (known !== undefined) return known;
    const sum = childrenOf(node).reduce((one, child) => one + total(child), node.hitCount);
    totals.set(node.id, sum);
    return sum;
  };
  const lines: string[] = [];
  let node = nodes[0];
  while (node !== undefined) {
    if (node.callFrame.url !== "")
      lines.unshift(`    at ${node.callFrame.functionName || "<anonymous>"} (${node.callFrame.url}:${lineOf(node)})`);
    const children = childrenOf(node).filter(
      ({ hitCount, children: further, callFrame }) =>
        !/^\((?:program|idle|garbage collector)\)$/.test(callFrame.functionName) &&
        hitCount + (further?.length ?? 0) > 0,
    );
    const next: ProfileNode | undefined = children.toSorted((a, b) => total(b) - total(a))[0];
    // Most samples end here, or nothing below was seen.
    node = next === undefined || total(next) < node.hitCount ? undefined : next;
  }
  return lines.join("\n");
}

function lineOf({ positionTicks, callFrame }: ProfileNode): number {
  const ticks = new Map<number, number>();
  for (const { line, ticks: count } of positionTicks ?? []) ticks.set(line, (ticks.get(line) ?? 0) + count);
  const [line] = [...ticks].toSorted(([, a], [, b]) => b - a)[0] ?? [callFrame.lineNumber + 1];
  return line;
}
