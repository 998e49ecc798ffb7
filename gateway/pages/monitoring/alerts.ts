// Alerts: one declaration each, from which the rules of the chart and the runbook follow.
import { troubleBounds as bounds, type TroubleKind } from "../../api/status.ts";
import { grpcServerErrors, grpcStatusNames } from "../../grpc-statuses.ts";

export interface Alert {
  /** Also the name of its heading in RUNBOOK.md. */
  readonly name: string;
  /** `critical`: clients lose answers now. `warning`: they will, or some do. */
  readonly severity: "critical" | "warning";
  /** PromQL. It is true where the alert fires. */
  readonly expression: string;
  /** What `sluice status` says beside it, which a test holds. */
  readonly trouble: TroubleKind;
  /** For so long it must be true. */
  readonly pending: string;
  /** What the one on call reads first: a sentence in Prometheus' templates. */
  readonly summary: string;
  /** The command that leads to the cause. `PLUGIN` stands for `kubectl sluice`, or for `sluice` with `--url`. */
  readonly command: string;
  /** Causes, and what to do. */
  readonly cures: readonly string[];
}

/** Answers that say that a server failed: HTTP 5xx, and the statuses of gRPC that Envoy counts so. */
export const failedCodes = ["5..", ...grpcServerErrors.map((status) => grpcStatusNames[status]!)].join("|");

const live = 'deployment!="",role="live"';
const failed = `rate(sluice_requests_total{${live},code=~"${failedCodes}"}[5m])`;
const answered = `rate(sluice_requests_total{${live}}[5m])`;

/** Series that Prometheus keeps for the alerts: a share of 5 minutes each, 0 to 1, and how many requests it is about. */
export const records: Readonly<Record<string, string>> = {
  "predictor:sluice_failed:share5m": share("namespace, deployment, predictor"),
  "deployment:sluice_failed:share5m": share("namespace, deployment"),
  "predictor:sluice_requests:increase5m": `sum by (namespace, deployment, predictor) (increase(sluice_requests_total{${live}}[5m]))`,
};

/** Of fewer requests a share says little. */
const enough = `and predictor:sluice_requests:increase5m >= ${bounds.requests}`;

function share(labels: string): string {
  return `sum by (${labels}) (${failed}) / sum by (${labels}) (${answered})`;
}

const predictor = "{{ $labels.namespace }}/{{ $labels.deployment }}, predictor {{ $labels.predictor }}";
const deployment = "{{ $labels.namespace }}/{{ $labels.deployment }}";
const percent = "{{ $value | humanizePercentage }}";

/** Failures of one flag, a second. */
function flagged(flag: string): string {
  return `sum by (namespace, deployment, predictor) (rate(sluice_failures_total{flag=~"${flag}"}[5m])) > 0`;
}

export const alerts: readonly Alert[] = [
  {
    name: "SluicePredictorFailing",
    severity: "critical",
    expression: `predictor:sluice_failed:share5m > ${bounds.failingShare} ${enough}`,
    trouble: "predictor-failing",
    pending: "1m",
    summary: `${percent} of the requests to ${predictor} fail.`,
    command: "PLUGIN failures NAMESPACE/NAME",
    cures: [
      "origin `model`: the model answers with an error. Read its log.",
      "flag UF or UC: the Endpoint refuses or closes connections. The model crashed, or its port is another one.",
      "flag UH: no Endpoint is ready. See [SluiceNoEndpoint](#sluicenoendpoint).",
      "flag UT: the model is slower than its limit. Raise `seldon.io/rest-timeout`, or add replicas.",
    ],
  },
  {
    name: "SluiceCanaryFailing",
    severity: "warning",
    expression: `predictor:sluice_failed:share5m > ${bounds.canaryShare} and predictor:sluice_failed:share5m > on (namespace, deployment) group_left () ${bounds.canaryTimes} * deployment:sluice_failed:share5m ${enough}`,
    trouble: "canary-failing",
    pending: "2m",
    summary: `${percent} of the requests to ${predictor} fail: more than twice the share of the whole deployment.`,
    command: "PLUGIN watch NAMESPACE/NAME",
    cures: [
      'Take the canary out: set its `traffic` to 0, or write `sluice.io/traffic: "main=100"`.',
      "`PLUGIN failures NAMESPACE/NAME` says how it fails.",
    ],
  },
  {
    name: "SluiceNoEndpoint",
    severity: "critical",
    expression: flagged("UH"),
    trouble: "no-endpoint",
    pending: "1m",
    summary: `Requests to ${predictor} find no ready Endpoint.`,
    command: "PLUGIN explain /seldon/NAMESPACE/NAME/api/v1.0/predictions",
    cures: [
      "No pod is ready: `kubectl -n NAMESPACE get pods`.",
      "The Service is gone, or its port has another name: `PLUGIN problems`.",
      "All weights are 0: `PLUGIN routes --deployment NAMESPACE/NAME`.",
    ],
  },
  {
    name: "SluicePredictorWithoutEndpoint",
    severity: "warning",
    expression: 'min by (namespace, deployment, predictor) (sluice_endpoints{role="live",state="ready"}) == 0',
    trouble: "predictor-without-endpoint",
    pending: "5m",
    summary: `Sluice knows no ready Endpoint of ${predictor}: other predictors get its share, or its requests fail.`,
    command: "PLUGIN watch NAMESPACE/NAME",
    cures: [
      "No pod is ready: `kubectl -n NAMESPACE get pods`.",
      "The Service is gone, or its port has another name: `PLUGIN problems`.",
      "It has no replicas on purpose: delete the predictor, or silence the alert for it.",
    ],
  },
  {
    name: "SluiceBreakerFull",
    severity: "warning",
    expression: flagged("UO"),
    trouble: "breaker-open",
    pending: "1m",
    summary: `A circuit breaker refuses requests to ${predictor}.`,
    command: "PLUGIN explain /seldon/NAMESPACE/NAME/api/v1.0/predictions",
    cures: [
      "The model is too slow for its load: add replicas.",
      "The limit is too low: raise `seldon.io/ambassador-circuit-breakers-max-requests` and its siblings.",
    ],
  },
  {
    name: "SluiceLimitsRefusing",
    severity: "warning",
    expression: `sum by (namespace, deployment) (rate(sluice_failures_total{flag="RL"}[5m])) / sum by (namespace, deployment) (${answered}) > ${bounds.limitedShare}`,
    trouble: "limits-refusing",
    pending: "5m",
    summary: `Rate limits refuse ${percent} of the requests to ${deployment}.`,
    command: "PLUGIN who --deployment NAMESPACE/NAME",
    cures: [
      "A client sends too much: `PLUGIN failures NAMESPACE/NAME` names it.",
      "The limit is too low: raise `sluice.io/rate-limit`, or `rateLimit` of the policy.",
    ],
  },
  {
    name: "SluiceRedisAway",
    severity: "critical",
    expression: 'sum (rate(sluice_redis_calls_total{outcome!="answered"}[5m])) > 0',
    trouble: "redis-away",
    pending: "1m",
    summary: "Redis does not answer: shared limits and tokens are refused, or counted by each replica alone.",
    command: "PLUGIN status",
    cures: [
      "Redis is down, or a NetworkPolicy lies between: the log line `redis-away` says why.",
      "Redis is slow: raise `--redis-timeout-ms`.",
    ],
  },
  {
    name: "SluiceCertificateEnds",
    severity: "warning",
    expression: `sluice_certificate_expiry_timestamp_seconds - time() < ${bounds.certificateDays} * 86400`,
    trouble: "certificate-ends",
    pending: "1h",
    summary: "The certificate {{ $labels.certificate }} ends in {{ $value | humanizeDuration }}.",
    command: "PLUGIN status",
    cures: ["Renew it. Sluice reads the Secret or the file again by itself."],
  },
  {
    name: "SluiceSourceStale",
    severity: "warning",
    expression: "sluice_source_age_seconds > 300",
    trouble: "source-stale",
    pending: "5m",
    summary:
      "{{ $labels.pod }} has not heard from the API server for {{ $value | humanizeDuration }}: it serves its last state, and no edit takes effect.",
    command: "PLUGIN status",
    cures: [
      "The API server is unreachable from this pod: the log line `source-stale` says why.",
      "A right was taken away: compare the ClusterRole with the chart.",
    ],
  },
  {
    name: "SluiceRolloutAborted",
    severity: "warning",
    expression: "max by (namespace, deployment) (sluice_rollout_aborted) == 1",
    trouble: "rollout-aborted",
    pending: "0m",
    summary: `The rollout of ${deployment} was rolled back: its new predictor gets no traffic.`,
    command: "PLUGIN rollout NAMESPACE/NAME",
    cures: [
      "Clients are served by the old predictor: nothing has to be done at night. The command says which gate was broken.",
      "Mend the model and deploy it: the rollout begins anew.",
      "To end the rollout for good, first write `traffic: 0` for the new predictor, then remove `sluice.io/rollout`: without the annotation the shares of the spec hold, and the faulty predictor could get traffic again.",
    ],
  },
  {
    name: "SluiceRolloutWaits",
    severity: "warning",
    expression: `max by (namespace, deployment) (sluice_rollout_step_age_seconds) > ${bounds.rolloutSeconds}`,
    trouble: "rollout-waits",
    pending: "5m",
    summary: `The rollout of ${deployment} has been at one step for {{ $value | humanizeDuration }}.`,
    command: "PLUGIN rollout NAMESPACE/NAME",
    cures: [
      "The command says what it waits for: requests, time, a gate that is undecided, a replica that does not answer, or a person. All shares stay as they are meanwhile.",
      'A person may decide: `sluice.io/rollout-promote: "true"` or `sluice.io/rollout-abort: "true"`.',
      "Its steps are as long on purpose: silence the alert for it.",
    ],
  },
  {
    name: "SluiceReplicasDisagree",
    severity: "warning",
    expression: "max (sluice_table_hash) != min (sluice_table_hash)",
    trouble: "tables-differ",
    pending: "5m",
    summary: "The replicas of Sluice serve different tables.",
    command: "PLUGIN status",
    cures: [
      "One replica cannot reach the API server: see [SluiceSourceStale](#sluicesourcestale).",
      "The replicas run with different options or versions: finish the rollout.",
    ],
  },
  {
    name: "SluiceWorkerReplaced",
    severity: "warning",
    expression: `increase(sluice_worker_restarts_total[${bounds.replacedMinutes}m]) > 0`,
    trouble: "thread-replaced",
    pending: "0m",
    summary: "{{ $labels.pod }} replaced a thread that ended: its open connections were lost.",
    command: "kubectl -n sluice logs POD | grep -E 'worker-ended|worker-stalled|thread-failed'",
    cures: ["The line says why. Report it as a bug."],
  },
  {
    name: "SluiceProblems",
    severity: "warning",
    expression: 'sum by (code) (sluice_problems{level="error"}) > 0',
    trouble: "problem",
    pending: "5m",
    summary: "Objects have the error {{ $labels.code }}.",
    command: "PLUGIN problems",
    cures: [
      "Each line names the object, the field and what to write. [PROBLEMS.md](../k8s/PROBLEMS.md) explains the code.",
    ],
  },
];
