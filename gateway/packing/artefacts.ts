// Makes what a release publishes, in `dist/`: `npm run tarball`. dist/npm has the npm package, dist/chart the Helm chart; each has licences and a bill of materials beside it.
// The image is made by the Dockerfile. Exit code 1: it cannot be made, and why is on standard error.
import { copyFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bomOfChart } from "./bom.ts";
import { makeChart } from "./chart.ts";
import { makeNpmPackage } from "./npm-package.ts";
import { bomFile, noticesFile, pack, stampOf } from "./pack.ts";
import { staleReason } from "./inputs.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const packed = join(root, "packed");
const out = join(root, "dist");

try {
  if (staleReason(root, packed) !== null) await pack(root, packed);
  await rm(out, { recursive: true, force: true });
  const stamp = await stampOf(root);
  const [npm, chart] = [join(out, "npm"), join(out, "chart")];
  const made = [
    await makeNpmPackage(root, packed, npm, process.env["SLUICE_REPOSITORY"] ?? null),
    await makeChart(root, stamp.version, chart),
  ];
  for (const file of [noticesFile, bomFile]) await copyFile(join(packed, file), join(npm, file));
  await writeFile(join(chart, bomFile), bomOfChart(stamp));
  for (const folder of [npm, chart]) await copyFile(join(root, "LICENSE"), join(folder, "LICENSE"));
  process.stdout.write(made.map((path) => `${path}\n`).join(""));
} catch (error) {
  process.stderr.write(
    `sluice: the artefacts cannot be made: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
}
