// The alerts as Prometheus' rules, for the chart, and as sections of the runbook.
import { dump } from "js-yaml";
import type { GeneratedFile, GeneratedPart } from "../generated.ts";
import { alerts, records, type Alert } from "./alerts.ts";

/** Where people work with the gateway: in a cluster, by the plugin. */
const plugin = "kubectl sluice";

/** The chart puts the address of the runbook here. */
export const runbookMark = "RUNBOOK_URL";

const kept = Object.entries(records).map(([record, expr]) => ({ record, expr }));

export const alertRulesFile: GeneratedFile = {
  file: "k8s/chart/files/alerts.yaml",
  text: () =>
    `# Made by "npm run pages".\n${dump({ groups: [{ name: "sluice", rules: [...kept, ...alerts.map(ruleOf)] }] }, { lineWidth: -1 })}`,
};

export const alertsPart: GeneratedPart = {
  page: "gateway/RUNBOOK.md",
  name: "alerts",
  text: () => alerts.map(sectionOf).join("\n\n"),
};

function ruleOf({ name, severity, expression, pending, summary }: Alert): unknown {
  return {
    alert: name,
    expr: expression,
    for: pending,
    labels: { severity },
    annotations: { summary, runbook_url: `${runbookMark}#${name.toLowerCase()}` },
  };
}

function sectionOf({ name, command, cures }: Alert): string {
  const lines = cures.map((cure) => `- ${cure.replaceAll("PLUGIN", plugin)}`).join("\n");
  return `### ${name}\n\n\`${command.replaceAll("PLUGIN", plugin)}\`\n\n${lines}`;
}
