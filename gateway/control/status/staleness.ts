// Staleness: a Source that does not know the truth any more says so in the log, first soon and then once a minute; traffic goes on.
import type { Source } from "../../../k8s/source/objects/source.ts";
import type { Log } from "../../shared/log.ts";

export interface StalenessTimes {
  /** Between two looks. */
  readonly lookMs: number;
  /** Trouble that is over sooner is not worth a line. */
  readonly graceSeconds: number;
  readonly repeatMs: number;
}

export const stalenessTimes: StalenessTimes = { lookMs: 1000, graceSeconds: 5, repeatMs: 60_000 };

/** Logs `source-stale` with the age and the reason, and `source-current` when it is over. */
export function logStaleness(
  source: Pick<Source, "ageSeconds" | "trouble">,
  log: Log,
  { lookMs, graceSeconds, repeatMs }: StalenessTimes,
): { readonly stop: () => void } {
  let loggedAtMs: number | null = null;
  const look = (): void => {
    const sentence = source.trouble();
    const ageSeconds = Math.round(source.ageSeconds());
    const nowMs = performance.now();
    if (sentence === null) {
      if (loggedAtMs !== null) log.write("source-current", {});
      loggedAtMs = null;
    } else if (ageSeconds >= graceSeconds && (loggedAtMs === null || nowMs - loggedAtMs >= repeatMs)) {
      loggedAtMs = nowMs;
      log.write("source-stale", { ageSeconds, sentence });
    }
  };
  const timer = setInterval(look, lookMs);
  return { stop: () => clearInterval(timer) };
}
