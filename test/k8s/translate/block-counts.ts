// How often the blocks of our code run: V8's own counters, the same in every run and on every machine. For scripts that tests start as processes of
// their own with `--no-opt --no-maglev --no-sparkplug`, because the counters are of a whole isolate, must begin before the code is loaded, and are not
// all kept by optimised code. What the engine does inside one call of its own (`indexOf`, `shift`) is not seen.
import { Session, type Profiler } from "node:inspector";

const session = new Session();
session.connect();
session.post("Profiler.enable");
session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

/** Runs of blocks in `work`, by function: `file:name@place`. */
export function blockCounts(work: () => void): ReadonlyMap<string, number> {
  session.post("Profiler.takePreciseCoverage");
  work();
  const counts = new Map<string, number>();
  session.post(
    "Profiler.takePreciseCoverage",
    (_error: Error | null, { result }: Profiler.TakePreciseCoverageReturnType) => {
      for (const { url, functions } of result) {
        if (url.includes("node_modules") || url.startsWith("node:")) continue;
        for (const { functionName, ranges } of functions)
          counts.set(
            `${url.slice(url.lastIndexOf("/") + 1)}:${functionName}@${ranges[0]!.startOffset}`,
            ranges.reduce((sum, range) => sum + range.count, 0),
          );
      }
    },
  );
  return counts;
}

/** All of them together. */
export function sumOf(counts: ReadonlyMap<string, number>): number {
  return counts.values().reduce((sum, count) => sum + count, 0);
}
