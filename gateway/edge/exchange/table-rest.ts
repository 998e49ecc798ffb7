// TableRest: now and then the worker lets go of Decisions that nobody has asked for since. Of 10,000 deployments few are asked at once.
import type { Clock } from "../../shared/clock.ts";
import type { RouteTable } from "../../../routing/table.ts";

/** What nobody asks for within this time, and at most twice of it, is let go. */
const restEveryMs = 60_000;

/** Gives a function that ends it. It calls `faulted` if a newer table is inconsistent. */
export function restOften(
  clock: Clock,
  table: { readonly now: Pick<RouteTable<unknown>, "rest"> },
  faulted: (error: unknown) => void,
): () => void {
  const rest = (): void => {
    alarm = clock.after(restEveryMs, rest);
    try {
      table.now.rest();
    } catch (error) {
      faulted(error);
    }
  };
  let alarm = clock.after(restEveryMs, rest);
  return () => alarm.cancel();
}
