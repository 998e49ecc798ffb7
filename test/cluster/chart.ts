// The chart, rendered by the helm of the same build.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { loadAll } from "js-yaml";
import type { ClusterObject } from "./api-client.ts";
import { binary } from "./binaries.ts";

/** Folder of the chart. */
export const chart = new URL("../../k8s/chart", import.meta.url).pathname;

/** Objects of a release `sluice` in namespace `sluice`. Throws what helm says. */
export async function renderChart(values: unknown): Promise<readonly ClusterObject[]> {
  const helm = spawn(binary("helm"), ["template", "sluice", chart, "--namespace", "sluice", "--values", "-"]);
  let rendered = "";
  let said = "";
  helm.stdout.setEncoding("utf8").on("data", (chunk: string) => (rendered += chunk));
  helm.stderr.setEncoding("utf8").on("data", (chunk: string) => (said += chunk));
  helm.stdin.end(JSON.stringify(values));
  const [code] = await once(helm, "close");
  if (code !== 0) throw new Error(`helm template: exit code ${code}: ${said.trim()}`);
  return loadAll(rendered) as ClusterObject[];
}
