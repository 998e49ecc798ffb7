// What the scripts run against: the demo, or any gateway for Seldon Core by environment variables (`k6 run -e URL=https://… canary.ts`).
import { fail } from "k6";
import http from "k6/http";
import { Counter, Rate } from "k6/metrics";

function variable(name: string, byDefault: string): string {
  return __ENV[name] ?? byDefault;
}

/** A number of the environment; anything else ends the run. */
export function numberOf(name: string, byDefault: number): number {
  const value = Number(variable(name, String(byDefault)));
  if (!Number.isFinite(value)) fail(`${name} is ${variable(name, "")}: write a number`);
  return value;
}

/** `30s`, `10m`: a duration in k6's words. */
export function duration(name: string, byDefault: string): string {
  return variable(name, byDefault);
}

const url = variable("URL", "http://127.0.0.1:8003").replace(/\/$/u, "");
const adminUrl = variable("ADMIN_URL", "http://127.0.0.1:8877").replace(/\/$/u, "");
const namespace = variable("NAMESPACE", "seldon");
const payload = variable("PAYLOAD", '{"data":{"ndarray":[[7.0,3.2,4.7,1.4]]}}');
/** Text of an answer by which a predictor is known. */
const mainText = variable("MAIN_TEXT", '"iris:1"');
const canaryText = variable("CANARY_TEXT", '"iris:2"');

/** Deployments that the scripts call. */
export const deployment = {
  plain: variable("PLAIN", "iris"),
  canary: variable("CANARY", "iris-canary"),
  header: variable("HEADER", "iris-header"),
  shadow: variable("SHADOW", "iris-shadow"),
};

/** Requests without a 200 and an answer of a known predictor. Every script's threshold is that there is none. */
const failures = new Rate("failed_predictions");
export const noFailures = { failed_predictions: ["rate==0"] };

/** Percentiles in the summary. */
export const summaryTrendStats = ["med", "p(95)", "p(99)", "max", "count"];

const noHeaders: Readonly<Record<string, string>> = {};

/** Asks for a prediction. Who answered: `main`, `canary`, or null for a failure, which is counted and, for the first ones, printed. */
export function predict(name: string, headers: Readonly<Record<string, string>> = noHeaders): "main" | "canary" | null {
  const answer = http.post(`${url}/seldon/${namespace}/${name}/api/v1.0/predictions`, payload, {
    headers: { "content-type": "application/json", ...headers },
    tags: { deployment: name },
    timeout: "10s",
  });
  const text = answer.body ?? "";
  const who =
    answer.status !== 200 ? null : text.includes(canaryText) ? "canary" : text.includes(mainText) ? "main" : null;
  failures.add(who === null);
  if (who === null) console.error(`${name}: ${answer.status} ${answer.error} ${text.slice(0, 200)}`);
  return who;
}

/** Sum of the samples of one of Sluice's metrics whose labels contain all of `labels`. Ends the run when the admin port does not answer. */
export function metric(name: string, labels: readonly string[]): number {
  const answer = http.get(`${adminUrl}/metrics`, { headers: noHeaders, tags: { deployment: "" }, timeout: "10s" });
  if (answer.status !== 200)
    fail(`${adminUrl}/metrics is answered ${answer.status} ${answer.error}: ADMIN_URL names Sluice's admin port`);
  let sum = 0;
  for (const line of (answer.body ?? "").split("\n")) {
    const named = line.startsWith(`${name}{`) || line.startsWith(`${name} `);
    if (named && labels.every((label) => line.includes(label))) sum += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}

/** Metric of the copies that a shadow was asked for, of the deployment `deployment.shadow`. */
export function copies(outcome: string | null): number {
  const labels = [`namespace="${namespace}"`, `deployment="${deployment.shadow}"`];
  return metric("sluice_shadow_requests_total", outcome === null ? labels : [...labels, `outcome="${outcome}"`]);
}

/** Things that are not as they must be at the end of a run. */
const mistakes = new Counter("mistakes");
export const noMistakes = { mistakes: ["count==0"] };

/** Counts and prints a mistake when `right` is false. */
export function expect(right: boolean, sentence: string): void {
  mistakes.add(right ? 0 : 1);
  if (right) console.log(sentence);
  else console.error(`not right: ${sentence}`);
}
