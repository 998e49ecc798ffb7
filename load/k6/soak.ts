// Soak: a steady mix of all kinds of routes for as long as you like. Nothing fails; at the end nothing is in flight.
import { sleep } from "k6";
import {
  deployment,
  duration,
  expect,
  metric,
  noFailures,
  noMistakes,
  numberOf,
  predict,
  summaryTrendStats,
} from "./target.ts";

const settleSeconds = 2;

export const options = {
  scenarios: {
    soak: {
      executor: "constant-arrival-rate",
      rate: numberOf("RATE", 200),
      duration: duration("DURATION", "10m"),
      preAllocatedVUs: numberOf("VUS", 50),
      maxVUs: 500,
      exec: "soak",
    },
  },
  thresholds: {
    ...noFailures,
    ...noMistakes,
    dropped_iterations: ["count==0"],
    http_req_duration: [`p(99)<${numberOf("P99_MS", 500)}`],
  },
  summaryTrendStats,
};

const names = Object.values(deployment);
let turn = 0;

export function soak(): void {
  turn += 1;
  predict(names[turn % names.length]!, turn % 2 === 0 ? { location: "london" } : {});
}

/** Without Sluice's admin port (ADMIN_URL=) only the answers are judged. */
export function teardown(): void {
  if (__ENV["ADMIN_URL"] === "") return;
  sleep(settleSeconds);
  const inFlight = metric("sluice_requests_in_flight", []);
  expect(inFlight === 0, `${inFlight} requests are in flight at the end`);
}
