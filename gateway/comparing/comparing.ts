// The comparing thread: takes pairs of answers from data workers, compares them, and tells the control worker what they came to. Whatever ends it ends
// no request: pairs that it had are lost, and its counts stay with the control worker.
import type { MessagePort } from "node:worker_threads";
import type { PairBatch, PairsTaken } from "../shared/compared-pairs.ts";
import type { CompareStart } from "../shared/messages.ts";
import { systemClock } from "../shared/clock.ts";
import { startHeartbeat } from "../shared/memory/heartbeat.ts";
import { stepBack } from "../shared/thread-priority.ts";
import { Comparisons } from "./comparisons.ts";
import type { ComparingToControl, DisagreementsAsked, FromComparing, ToComparing } from "./messages.ts";
import { PacedPairs } from "./paced-pairs.ts";

/** Time between two looks at what changed. */
const tellMs = 500;
/** Without a pair for so long it may end. */
const idleMs = 3_600_000;

/** Runs until the supervisor ends the thread. */
export function startComparing(start: CompareStart, parent: MessagePort): void {
  stepBack();
  startHeartbeat(new Float64Array(start.beats));
  const comparisons = new Comparisons(start.settings.keepDisagreements === "on");
  let control: MessagePort | null = null;
  let lastPairMs = performance.now();
  let saidIdle = false;

  const paced = new PacedPairs((pair, bytes) => comparisons.add(pair, bytes), systemClock);

  const compare = (channel: MessagePort, batch: PairBatch): void => {
    lastPairMs = performance.now();
    saidIdle = false;
    paced.take(batch, (some) => channel.postMessage(some satisfies PairsTaken));
  };
  const joinControl = (channel: MessagePort): void => {
    control?.close();
    control = channel;
    comparisons.allChanged();
    channel.on("message", ({ id, namespace, deployment }: DisagreementsAsked) => {
      const kept = comparisons.disagreements(namespace, deployment);
      channel.postMessage({ kind: "disagreements", id, kept } satisfies ComparingToControl);
    });
    tell();
  };
  const tell = (): void => {
    if (control === null) return;
    const states = comparisons.takeChanged();
    if (states.length > 0) control.postMessage({ kind: "counts", states } satisfies ComparingToControl);
  };
  setInterval(() => {
    tell();
    if (saidIdle || performance.now() - lastPairMs < idleMs) return;
    saidIdle = true;
    parent.postMessage({ kind: "idle" } satisfies FromComparing);
  }, tellMs);
  parent.on("message", ({ kind, channel }: ToComparing) => {
    if (kind === "control") joinControl(channel);
    else channel.on("message", (batch: PairBatch) => compare(channel, batch));
  });
}
