// Shadow completeness: each request is copied once, and what became of the copies adds up. Needs Sluice's admin port (ADMIN_URL), and nobody else
// who calls the deployment meanwhile.
import { sleep } from "k6";
import {
  copies,
  deployment,
  expect,
  metric,
  noFailures,
  noMistakes,
  numberOf,
  predict,
  summaryTrendStats,
} from "./target.ts";

const requests = numberOf("REQUESTS", 1000);
const perSecond = numberOf("RATE", 200);
/** Share of requests that is copied: the `traffic` of the shadow, of 1. */
const share = numberOf("SHARE", 1);
/** A copy that is not counted by then is missing. */
const waitSeconds = 15;

export const options = {
  scenarios: {
    shadow: {
      executor: "constant-arrival-rate",
      rate: perSecond,
      duration: `${Math.ceil(requests / perSecond)}s`,
      preAllocatedVUs: 20,
      maxVUs: 200,
      exec: "shadow",
    },
  },
  thresholds: { ...noFailures, ...noMistakes, dropped_iterations: ["count==0"] },
  summaryTrendStats,
};

interface Before {
  readonly all: number;
  readonly sent: number;
  readonly requests: number;
}

export function setup(): Before {
  return { all: copies(null), sent: copies("sent"), requests: primaries() };
}

export function shadow(): void {
  predict(deployment.shadow);
}

export function teardown(before: Before): void {
  const asked = primaries() - before.requests;
  let all = copies(null) - before.all;
  for (let waited = 0; all < asked * share && waited < waitSeconds; waited++) {
    sleep(1);
    all = copies(null) - before.all;
  }
  const sent = copies("sent") - before.sent;
  const bound = 4.5 * Math.sqrt(asked * share * (1 - share));
  expect(asked >= requests, `${asked} requests were answered by the primary, ${requests} asked for`);
  expect(Math.abs(all - asked * share) <= bound, `${all} copies are accounted for, ${asked} × ${share} expected`);
  expect(sent === all, `${sent} of ${all} copies were sent and answered`);
}

/** Requests that the live predictors answered. */
function primaries(): number {
  return metric("sluice_requests_total", [`deployment="${deployment.shadow}"`, 'role="live"']);
}
