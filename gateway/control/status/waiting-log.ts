// Waiting log: a gateway that is not ready says in the log what it waits for, first soon and then once a minute.
import type { Log } from "../../shared/log.ts";
import { stalenessTimes } from "./staleness.ts";

/** Logs `not-ready` with what it waits for, as soon as that has been the same for 5 s, and again each minute. `waitsFor` null: it is ready. */
export function logWaiting(waitsFor: () => string | null, log: Log): { readonly stop: () => void } {
  const { lookMs, graceSeconds, repeatMs } = stalenessTimes;
  let sentence: string | null = null;
  let sayAtMs = Infinity;
  const look = (): void => {
    const now = waitsFor();
    const nowMs = performance.now();
    if (now === null) sayAtMs = Infinity;
    else if (now !== sentence) sayAtMs = nowMs + graceSeconds * 1000;
    sentence = now;
    if (now === null || nowMs < sayAtMs) return;
    sayAtMs = nowMs + repeatMs;
    log.write("not-ready", { sentence: now });
  };
  look();
  const timer = setInterval(look, lookMs);
  return { stop: () => clearInterval(timer) };
}
