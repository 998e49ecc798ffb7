// `npm run bench`: the micro benchmarks, or those that are named: counters, decide, looks, puids, rate-limits, sticky, translation, workers. Packed, as the image runs:
// from sources `decide` takes a fifth longer, since V8 looks anew at each use whether what a module exports is still what was compiled in. In a process of
// its own: in that of the packing `decide` took up to a fifth longer, too.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { minified } from "../../gateway/packing/pack.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const file = join(root, ".cache", "bench", "benches.js");

const bundle = await rolldown({
  cwd: root,
  input: join(root, "load", "bench", "benches.ts"),
  platform: "node",
  external: [/^node:/],
  tsconfig: false,
});
await bundle.write({ file, format: "esm", codeSplitting: false, minify: minified });
await bundle.close();
process.exitCode =
  spawnSync(process.execPath, [...process.execArgv, file, ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1;
