// The report of a comparison as one HTML page: charts as inline SVG, no script, nothing from elsewhere, everything that somebody else wrote escaped.
import type { ComparedDeployment, ShownComparison, ShownDisagreement } from "../../api/comparisons.ts";
import { barChart, confusionChart, rangeChart } from "./charts.ts";
import { numberWords, percentWords, replicasWords, rulesWords, shareWords, titleOf } from "./comparison-words.ts";
import { html, type Html } from "./html.ts";

const maxPaths = 40;

const style = `:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2.5rem}table{border-collapse:collapse;margin:.5rem 0}th,td{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8882;padding:.5rem;max-height:20rem;overflow:auto}
.answers{display:grid;grid-template-columns:1fr 1fr;gap:1rem}.muted{opacity:.7}svg{max-width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:currentColor}summary{cursor:pointer}`;

/** A whole page. A browser runs nothing of it and fetches nothing for it, whatever the answers say. */
export function htmlReport(compared: ComparedDeployment, at: Date): string {
  const title = `${compared.namespace}/${compared.deployment}`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}: compared shadows</title>
        <style>
          ${html.trusted(style)}
        </style>
      </head>
      <body>
        <h1>${title}: compared shadows</h1>
        <p class="muted">Made by sluice compare at ${at.toISOString()}.</p>
        ${replicasWords(compared.replicas).map((line) => html`<p>${line}</p>`)}${deploymentPart(compared)}
      </body>
    </html> `;
  return page.text;
}

function deploymentPart({ comparisons, disagreements }: ComparedDeployment): Html {
  return html`${comparisons.map(comparisonPart)}
    <h2>The last disagreements</h2>
    ${disagreements.length === 0 ? html`<p>None is kept.</p>` : disagreements.map(disagreementPart)}`;
}

function comparisonPart(one: ShownComparison): Html {
  const { outcomes, agreement, labels, noise, agreementWithoutNoise, slower, paths, reasons } = one;
  const rows: (readonly [string, string])[] = [
    ["Agreement", `${shareWords(agreement)} of ${one.pairs} pairs`],
    ...(noise === null
      ? []
      : ([
          [
            "Noise",
            `The primary disagrees with itself in ${percentWords(noise)}. Without it ${percentWords(agreementWithoutNoise ?? 0)} agree.`,
          ],
        ] as const)),
    ...(labels.rows === 0 ? [] : ([["Labels", `${shareWords(labels.agreement)} of ${labels.rows} rows`]] as const)),
    ["Since", new Date(one.sinceMs).toISOString()],
    ["Rules", rulesWords(one)],
    ["Mean size", `primary ${sizeWords(one.meanPrimaryBytes)}, shadow ${sizeWords(one.meanShadowBytes)}`],
    ...reasons.map(({ reason, count }) => ["", `${count} × ${reason}`] as const),
  ];
  return html`<section>
    <h2>${titleOf(one)}</h2>
    <table>
      ${rows.map(
        ([name, value]) =>
          html`<tr>
            <th>${name}</th>
            <td>${value}</td>
          </tr>`,
      )}
    </table>
    <h3>Pairs</h3>
    ${barChart([
      { name: "agreed", value: outcomes.agreed, kind: "good" },
      { name: "disagreed", value: outcomes.disagreed, kind: "bad" },
      { name: "not comparable", value: outcomes.incomparable, kind: "other" },
      { name: "not answered by the shadow", value: outcomes.unanswered, kind: "other" },
      ...(outcomes.unasked === 0
        ? []
        : [{ name: "no other Endpoint to ask", value: outcomes.unasked, kind: "other" } as const]),
    ])}
    <h3>How much slower the shadow is, ms</h3>
    ${rangeChart([
      { name: "p50", value: slower.p50 },
      { name: "p90", value: slower.p90 },
      { name: "p99", value: slower.p99 },
    ])}
    ${
      labels.rows === 0
        ? html``
        : html`<h3>Labels: the primary's in rows, the shadow's in columns</h3>
            ${confusionChart(labels.confusion)}`
    }
    ${paths.length === 0 ? html`` : pathTable(one)}
  </section>`;
}

function pathTable({ paths }: ShownComparison): Html {
  return html`<h3>By path</h3>
    <table>
      <tr>
        <th>Path</th>
        <th class="n">Pairs apart</th>
        <th class="n">Numbers apart</th>
        <th class="n">Numbers</th>
        <th class="n">Mean difference</th>
        <th class="n">Largest</th>
      </tr>
      ${paths.slice(0, maxPaths).map(
        ({ path, redacted, pairsApart, numbersApart, numbers, meanDifference, maxDifference }) =>
          html`<tr>
            <td>${path === "" ? "(the whole answer)" : path}</td>
            ${[
              String(pairsApart),
              redacted ? "redacted" : String(numbersApart),
              redacted ? "redacted" : String(numbers),
              numberWords(meanDifference),
              numberWords(maxDifference),
            ].map((value) => html`<td class="n">${value}</td>`)}
          </tr>`,
      )}
    </table>`;
}

function disagreementPart(one: ShownDisagreement): Html {
  return html`<details>
    <summary>
      ${new Date(one.lastMs).toISOString()} · ${String(one.count)} × · ${titleOf(one)} · ${one.path} ${one.reason}
    </summary>
    <p class="muted">
      The first: ${new Date(one.atMs).toISOString()} · x-request-id ${one.requestId} · primary
      ${String(one.primaryStatus)} in ${numberWords(one.primaryMs)} ms · shadow ${String(one.shadowStatus)} in
      ${numberWords(one.shadowMs)} ms
    </p>
    <table>
      <tr>
        <th>Path</th>
        <th>Primary</th>
        <th>Shadow</th>
      </tr>
      ${one.differences.map(
        ({ path, primary, shadow }) =>
          html`<tr>
            <td>${path}</td>
            <td>${primary ?? "nothing"}</td>
            <td>${shadow ?? "nothing"}</td>
          </tr>`,
      )}
    </table>
    <div class="answers">
      <pre>${one.primary}</pre>
      <pre>${one.shadow}</pre>
    </div>
  </details>`;
}

function sizeWords(bytes: number | null): string {
  return bytes === null ? "unknown" : `${Math.round(bytes)} bytes`;
}
