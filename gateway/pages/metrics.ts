// The table of metrics, for RUNBOOK.md.
import { valuesOf } from "../shared/metrics/metric.ts";
import { metrics } from "../shared/metrics/all.ts";
import { compareText } from "../../routing/text/problem.ts";
import { table, type GeneratedPart } from "./generated.ts";

export const metricsPart: GeneratedPart = {
  page: "gateway/RUNBOOK.md",
  name: "metrics",
  text: () =>
    table(
      ["metric", "meaning"],
      [...metrics.values()]
        .toSorted((a, b) => compareText(a.name, b.name))
        .map((metric) => {
          const { name, labels, help, values } = metric;
          const meanings = valuesOf(metric).map((value) => {
            const meaning = values[value]!;
            return meaning === "" ? `\`${value}\`` : `\`${value}\` (${coded(meaning)})`;
          });
          return [
            `\`${name}${labels.length === 0 ? "" : `{${labels.join(",")}}`}\``,
            meanings.length === 0 || name === "sluice_failures_total"
              ? coded(help)
              : `${coded(help.slice(0, -1))}: ${meanings.join(", ")}.`,
          ];
        }),
    ),
};

/** With options and metrics as code. */
function coded(text: string): string {
  return text.replaceAll(/--[a-z][a-z-]+|sluice_[a-z_]+/g, "`$&`");
}
