// How much of limits and circuit breakers is left now, and what would refuse the explained request: asked of a gateway that runs.
import type { NamedCaller } from "../callers/words.ts";
import type { Explanation } from "./explanation.ts";
import type { Refusal, Way } from "./ways.ts";

/** What is in use on a way now. */
export interface WayUsage {
  /** Sentences. */
  readonly usage: readonly string[];
  /** The step that would refuse because of it; null: none. */
  readonly refuses: Refusal | null;
}

/** Adds what `usageOf` says of each live way. The first step that refuses is the one that answers: those who may call come before what is used up. */
export function withUsage(
  explanation: Explanation,
  usageOf: (way: Way, caller: NamedCaller | null) => WayUsage,
): Explanation {
  return {
    ...explanation,
    ways: explanation.ways.map((way) => {
      if (way.role === "shadow") return way;
      const { usage, refuses } = usageOf(way, way.caller);
      return { ...way, usage, refuses: way.refuses ?? refuses };
    }),
  };
}
