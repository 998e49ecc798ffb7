// The micro benchmarks, one after the other, or those that are named. With `node --expose-gc` also the heap of a reader.
import { benchCounters } from "./counters.ts";
import { benchDecide } from "./decide.ts";
import { benchLooks } from "./looks.ts";
import { benchPuids } from "./puids.ts";
import { benchRateLimits } from "./rate-limits.ts";
import { benchSticky } from "./sticky.ts";
import { benchTranslation } from "./translation.ts";
import { benchWorkers } from "./workers.ts";

const benches: Readonly<Record<string, () => void | Promise<void>>> = {
  counters: benchCounters,
  decide: benchDecide,
  looks: benchLooks,
  puids: benchPuids,
  "rate-limits": benchRateLimits,
  sticky: benchSticky,
  translation: benchTranslation,
  workers: benchWorkers,
};
const named = process.argv.slice(2);
for (const [name, bench] of Object.entries(benches)) if (named.length === 0 || named.includes(name)) await bench();
