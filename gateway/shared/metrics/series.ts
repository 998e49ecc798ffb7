// What is counted of each series: their families. Where workers count for them: slots.ts.
import { failureFlags } from "../../failure-flags.ts";
import { counter, gauge, histogram, valuesOf } from "./metric.ts";

/** Upper bounds of the duration histogram, seconds; the tenth bucket is +Inf. */
export const durationBounds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5];

/** Upper bounds of the histogram of rewards; behind the last bucket is +Inf. Most rewards are 0 or 1, or between. */
export const rewardBounds: readonly number[] = [-1, 0, 0.1, 0.25, 0.5, 0.75, 0.9, 1, 10];

/** What a circuit breaker limits, in the order of the cells. A breaker has one such row for each priority. What is in use is a gauge: it ends with its worker. */
const resources = { connections: "", pending: "requests that wait for a connection", requests: "", retries: "" };

const breakerLabels = ["namespace", "deployment", "predictor", "role", "resource"];

const seriesLabels = ["namespace", "deployment", "predictor", "role", "protocol"];

/** The families of the series. admin/families/series.ts writes them, for there may be many thousand series. */
export const seriesMetrics = {
  requests: counter(
    "sluice_requests_total",
    "Requests by what answered, the model or the gateway itself, and by status code; gRPC: by name of the status. code 0 and CANCELLED without origin: the client left before the end of its answer.",
    [...seriesLabels, "origin", "code"],
  ),
  failures: counter(
    "sluice_failures_total",
    "Failed requests, by failure flag.",
    [...seriesLabels, "flag"],
    failureFlags,
  ),
  retries: counter("sluice_retries_total", "Retries: requests that Sluice sent again to an Endpoint.", seriesLabels),
  durations: histogram(
    "sluice_latency_seconds",
    "Latency: seconds from the last byte of the request to the first byte of its answer; 0 where the answer began before that.",
    seriesLabels,
  ),
  shadows: counter("sluice_shadow_requests_total", "Shadow copies, by outcome.", [...seriesLabels, "outcome"], {
    sent: "the shadow answered",
    failed: "",
    dropped_size: "--shadow-body-bytes",
    dropped_memory: "--shadow-total-bytes",
    dropped_queue: "--shadow-queue",
    dropped_unready:
      "no Endpoint, or a pause after five failures in a row: refused, lost, timed out, or an answer over 1 MiB",
    dropped_incomplete: "the request was incomplete",
  }),
  feedback: counter(
    "sluice_feedback_total",
    "Feedback that a model took (2xx, OK), by why it went to this predictor.",
    [...seriesLabels, "routed"],
    {
      puid: "its puid names the predictor",
      earlier_model:
        "its puid names the predictor, which had another model then: bandits and gates learn nothing from it",
      sole: "the Route has one live member",
      no_puid: "by the split: it has no puid, or a compressed body",
      unknown_puid: "by the split: its puid names no live predictor of this Route, or is the client's own",
      unready: "by the split: the predictor that it names has no ready Endpoint, or admits nobody",
      too_long: "by the split: no puid in the first --feedback-body-bytes, or in as much as there was room for",
    },
  ),
  rewards: histogram(
    "sluice_reward",
    "Rewards of that feedback; without those that are no number from -1e9 to 1e9.",
    seriesLabels,
  ),
  endpoints: gauge(
    "sluice_endpoints",
    "Endpoints of a predictor in HTTP and gRPC together, each address once, by state. A predictor without a ready Endpoint has ready 0; a name that was not looked up yet has no series.",
    ["namespace", "deployment", "predictor", "role", "state"],
    { ready: "", terminating: "", failing: "the health check fails" },
  ),
  breakerUse: gauge(
    "sluice_breaker_use",
    "Connections, requests and retries in use that the circuit breakers of a predictor limit; only where there are some. An Upstream of several predictors counts for one of them, one of no predictor without names.",
    breakerLabels,
    resources,
  ),
  breakersOpen: gauge(
    "sluice_breakers_open",
    "Circuit breakers of a predictor that have reached a limit, by resource; only where there are some.",
    breakerLabels,
    resources,
  ),
};

export const shadowOutcomes = valuesOf(seriesMetrics.shadows);
export const feedbackWays = valuesOf(seriesMetrics.feedback);
export const breakerResources = valuesOf(seriesMetrics.breakerUse);
