// Makes what a release publishes, in `dist/`: `npm run tarball`. dist/npm has the npm package, dist/chart the Helm chart; each has licences and a bill of materials beside it.
// The image is made by the Dockerfile. Exit code 1: it cannot be made, and why is on standard error.
import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeNpmPackage } from "./npm-package.ts";
import { bomFile, noticesFile, pack } from "./pack.ts";
import { staleReason } from "./inputs.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const packed = join(root, "packed");
const out = join(root, "dist");

try {
  if (staleReason(root, packed) !== null) await pack(root, packed);
  await rm(out, { recursive: true, force: true });
  const made = [await makeNpmPackage(root, packed, join(out, "npm"), process.env["SLUICE_REPOSITORY"] ?? null)];
  for (const file of [noticesFile, bomFile]) await copyFile(join(packed, file), join(out, "npm", file));
  await mkdir(out, { recursive: true });
  process.stdout.write(made.map((path) => `${path}\n`).join(""));
} catch (error) {
  process.stderr.write(
    `sluice: the artefacts cannot be made: ${error instanceof Error ? error.message : String(error)}\n`,
  );
  process.exitCode = 1;
}
