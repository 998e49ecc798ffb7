// The Helm chart as the file that `helm package` makes, without helm: the same sources give the same bytes.
import { execFile } from "node:child_process";
import { copyFile, cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** Writes `sluice-VERSION.tgz` into `out` and gives its path. Rejects where Chart.yaml is of another version: the chart names its image by it. */
export async function makeChart(root: string, version: string, out: string): Promise<string> {
  const chart = join(root, "k8s/chart");
  const written = await readFile(join(chart, "Chart.yaml"), "utf8");
  for (const field of ["version", "appVersion"])
    if (!written.split("\n").includes(`${field}: ${version}`))
      throw new Error(`k8s/chart/Chart.yaml: ${field} is not ${version}, which package.json says`);
  const stage = await mkdtemp(join(tmpdir(), "sluice-chart-"));
  try {
    await cp(chart, join(stage, "sluice"), { recursive: true });
    await copyFile(join(root, "LICENSE"), join(stage, "sluice/LICENSE"));
    await mkdir(out, { recursive: true });
    const file = join(out, `sluice-${version}.tgz`);
    const same = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner", "--mode=u=rwX,go=rX"];
    await promisify(execFile)("tar", [...same, "--use-compress-program=gzip -n", "-cf", file, "sluice"], {
      cwd: stage,
    });
    return file;
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}
