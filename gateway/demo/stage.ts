// What each check of the demo has: the gateway, the folder and the models; and how it waits and tells.
import { setTimeout as sleep } from "node:timers/promises";
import type { ModelPorts } from "./manifests.ts";
import type { Tally } from "./predictions.ts";

export interface Finding {
  readonly asked: string;
  readonly answered: string;
  readonly expected: boolean;
}

/** What the checks run against. URLs have no trailing slash. */
export interface Stage {
  readonly base: string;
  /** URL of the admin port. */
  readonly admin: string;
  readonly folder: string;
  readonly ports: ModelPorts;
  /** Predictions that the shadow was asked for so far. */
  readonly shadowed: () => Promise<number>;
  /** A shadow copy, or a new table, that has not come after this is not coming, ms. */
  readonly patienceMs: number;
  /** Nobody waits for anything any more. */
  readonly stop: AbortSignal;
}

export type Check = (stage: Stage) => Promise<Finding>;

/** Reads until `done` says so, `factor` times the patience ends or the demo is stopped, with a pause between; the last reading either way. */
export async function eventually<T>(
  { patienceMs, stop }: Pick<Stage, "patienceMs" | "stop">,
  read: () => Promise<T>,
  done: (reading: T) => boolean,
  { factor, pauseMs } = { factor: 1, pauseMs: 10 },
): Promise<T> {
  const endMs = performance.now() + factor * patienceMs;
  for (;;) {
    const reading = await read();
    if (done(reading) || stop.aborted || performance.now() > endMs) return reading;
    await sleep(pauseMs);
  }
}

/** As one line. */
export function words({ first, second, failed, failure }: Tally): string {
  const counts = [
    ...(first > 0 ? [`${first} × version 1`] : []),
    ...(second > 0 ? [`${second} × version 2`] : []),
    ...(failed > 0 ? [`${failed} failed (${failure ?? ""})`] : []),
  ];
  return counts.join(", ");
}
