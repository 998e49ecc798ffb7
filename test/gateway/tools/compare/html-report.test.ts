// The report of a comparison: everything that models wrote is escaped, and a browser shows it as it is, runs nothing and fetches nothing.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { shownComparisons } from "../../../../gateway/admin/view/comparisons.ts";
import type { ComparedDeployment } from "../../../../gateway/api/comparisons.ts";
import { htmlReport } from "../../../../gateway/tools/compare/html-report.ts";
import { Comparison } from "../../../../routing/release/compare/comparison.ts";
import { plainRules } from "../../../../routing/release/compare/rules.ts";

/** As a model of a tenant might answer. */
const hostile = `</pre><script>document.title="run"</script><img src=x onerror='document.title="run"'>"&`;

function reportOf(): string {
  const comparison = new Comparison(plainRules);
  for (let at = 0; at < 20; at++) {
    const body = (score: number): Buffer =>
      Buffer.from(JSON.stringify({ data: { names: [hostile, "other"], ndarray: [[score, 0.5]] }, [hostile]: score }));
    const answer = { status: 200, grpcStatus: -1, headerBytes: -1 };
    comparison.add({
      isGrpc: false,
      path: hostile,
      primary: { ...answer, body: body(0.9) },
      shadow: { ...answer, body: body(at % 2 === 0 ? 0.9 : 0.1) },
      isAsked: true,
      slowerMs: at - 5,
    });
  }
  const key = { namespace: "prod", deployment: "iris", predictor: hostile, against: "main" };
  const compared: ComparedDeployment = {
    namespace: "prod",
    deployment: "iris",
    replicas: [
      { replica: hostile, sentence: null },
      { replica: "gateway-1", sentence: hostile },
    ],
    comparisons: [...shownComparisons([{ ...key, rules: "true", sinceMs: 0, counts: comparison.counts }])],
    disagreements: [
      {
        predictor: hostile,
        against: "main",
        atMs: 0,
        count: 3,
        lastMs: 5,
        requestId: hostile,
        path: hostile,
        reason: hostile,
        differences: [{ path: hostile, primary: hostile, shadow: null }],
        primaryStatus: 200,
        shadowStatus: 200,
        primaryMs: 1,
        shadowMs: 2,
        primary: hostile,
        shadow: hostile,
      },
    ],
  };
  return htmlReport(compared, new Date(0));
}

test("nothing of an answer is markup", () => {
  const page = reportOf();
  expect(page).toContain("&lt;/pre&gt;&lt;script&gt;");
  expect(page).not.toMatch(/<script|<img|onerror='/);
  expect(page.match(/<svg/g)).toHaveLength(3);
  expect(page).toContain("50.00 % (");
  expect(page).toMatch(/<th>Rules<\/th>\s*<td>default rules<\/td>/);
});

const hasChromium = spawnSync("chromium", ["--version"]).status === 0;

test.skipIf(!hasChromium)("Chromium shows it, and runs nothing", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-report-"));
  try {
    const file = join(folder, "report.html");
    writeFileSync(file, reportOf());
    const shown = execFileSync(
      "chromium",
      [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        `--user-data-dir=${folder}/profile`,
        "--dump-dom",
        pathToFileURL(file).href,
      ],
      { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: 60_000 },
    );
    expect(shown).toContain("<title>prod/iris: compared shadows</title>");
    expect(shown).not.toMatch(/<script|<img/);
    expect(shown.match(/<svg/g)).toHaveLength(3);
    expect(shown.match(/<details>/g)).toHaveLength(1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
