// Status: is the gateway well, and if not, what is wrong first? A function of what the control worker knows.
import type { Status, Trouble, TroubleKind } from "../api/status.ts";
import { isDeployments } from "./deployments.ts";
import type { Slices } from "./slices.ts";
import type { AdminView } from "./view.ts";
import { compareText } from "../../routing/text/problem.ts";

/** All of a Status but its verdict. */
export type Facts = Omit<Status, "isWell" | "first" | "troubles">;

const dayMs = 24 * 3_600_000;
/** A certificate that ends within this time should have been renewed: `status` says so. */
const renewalMs = 7 * dayMs;
/** A source that does not know the truth for less than this is not worth a word. */
const graceSeconds = 5;

/** `nowMs`: epoch. */
export function statusOf(facts: Facts, nowMs: number): Status {
  const troubles = troublesOf(facts, nowMs);
  return { isWell: troubles.length === 0, first: troubles[0]?.sentence ?? null, troubles, ...facts };
}

/** What is wrong, the most severe first: the order of `troubleKinds`. */
function troublesOf(facts: Facts, nowMs: number): readonly Trouble[] {
  const { waitsFor, workers, sources, failingPredictors, redis, certificates, openBreakers, problems } = facts;
  const troubles: Trouble[] = [];
  const add = (kind: TroubleKind, sentence: string): number => troubles.push({ kind, sentence });
  if (waitsFor !== null) add("not-ready", `The gateway is not ready: ${waitsFor}.`);
  else if (workers.ready < workers.wanted)
    add(
      "workers-missing",
      `${workers.ready} of ${workers.wanted} data workers serve: the log says why (worker-ended).`,
    );
  for (const { kind, ageSeconds, trouble } of sources)
    if (trouble !== null && ageSeconds >= graceSeconds)
      add("source-stale", `The ${kind} was last read ${wordsOfSeconds(ageSeconds)} ago: ${trouble}.`);
  const failing = failingPredictors[0];
  if (failing !== undefined)
    add(
      "predictor-failing",
      `${failing.namespace}/${failing.deployment} ${failing.predictor}: ${failing.sentence}${more(failingPredictors.length)}.`,
    );
  const { count: without, deployments } = facts.withoutEndpoint;
  if (without > 0)
    add(
      "no-endpoint",
      `${without} ${without === 1 ? "deployment has" : "deployments have"} no ready Endpoint: ${deployments.map(({ namespace, name }) => `${namespace}/${name}`).join(", ")}${without > deployments.length ? `, and ${without - deployments.length} more` : ""}.`,
    );
  if (redis !== null && redis.connected < redis.wanted)
    add("redis-away", `${redis.connected} of ${redis.wanted} data workers are connected to Redis.`);
  const ended = certificates.filter(({ endsAtMs }) => endsAtMs <= nowMs);
  if (ended[0] !== undefined)
    add(
      "certificate-ended",
      `The certificate of ${ended[0].name} ended ${dateOf(ended[0].endsAtMs)}${more(ended.length)}.`,
    );
  if (openBreakers.length > 0)
    add(
      "breaker-open",
      `Circuit breakers are at their limit (${openBreakers.map((one) => `${one.count} of ${one.resource}`).join(", ")}): sluice explain shows which.`,
    );
  if (problems.error > 0)
    add(
      "problem",
      `${problems.error} ${problems.error === 1 ? "Problem keeps an object" : "Problems keep objects"} from being served as written: sluice problems lists them.`,
    );
  const ending = certificates.filter(({ endsAtMs }) => endsAtMs > nowMs && endsAtMs - nowMs < renewalMs);
  if (ending[0] !== undefined)
    add(
      "certificate-ends",
      `The certificate of ${ending[0].name} ends ${dateOf(ending[0].endsAtMs)}${more(ending.length)}.`,
    );
  if (facts.ejectedEndpoints > 0)
    add(
      "endpoint-ejected",
      `Sluice ejected ${facts.ejectedEndpoints} ${facts.ejectedEndpoints === 1 ? "Endpoint" : "Endpoints"} for errors in a row.`,
    );
  return troubles;
}

function more(count: number): string {
  return count > 1 ? ` (and ${count - 1} more)` : "";
}

/** `2 min`; of less than two minutes the seconds. */
export function wordsOfSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  return whole < 7200 ? `${Math.round(whole / 60)} min` : `${Math.round(whole / 3600)} h`;
}

/** `2026-11-23`; of a time that no calendar has its number. */
export function dateOf(epochMs: number): string {
  const date = new Date(epochMs);
  return Number.isNaN(date.getTime()) ? `at ${epochMs} ms` : date.toISOString().slice(0, 10);
}

/** Deployments without an Endpoint that a Status lists. */
const maxWithoutEndpoint = 20;
/** Predictors that are looked at between two looks at the clock. */
const together = 16;

/** Deployments of which no predictor of live traffic has a ready Endpoint. */
export async function withoutEndpoint(
  view: Pick<AdminView, "predictorEndpoints" | "hasMapping">,
  slices: Slices,
): Promise<Status["withoutEndpoint"]> {
  const without = new Map<string, { readonly namespace: string; readonly name: string }>();
  const others = new Set<string>();
  let seen = 0;
  for (const { predictor, endpoints } of view.predictorEndpoints) {
    seen += 1;
    if (seen % together === 0) await slices.pause();
    if (predictor.role !== "live") continue;
    const { namespace, deployment: name } = predictor;
    const key = `${namespace}/${name}`;
    if (endpoints.some(({ state }) => state === "ready")) others.add(key);
    else if (isDeployments(view, predictor)) without.set(key, { namespace, name });
  }
  const found = [...without].filter(([key]) => !others.has(key)).toSorted(([a], [b]) => compareText(a, b));
  return { count: found.length, deployments: found.slice(0, maxWithoutEndpoint).map(([, one]) => one) };
}

/** Certificates that a Status lists. */
const maxCertificates = 20;
const listedMs = 30 * dayMs;

/** Those that end within 30 days, the next first. */
export function endingCertificates(
  expiries: readonly { readonly name: string; readonly notAfterMs: number }[],
  nowMs: number,
): Status["certificates"] {
  return expiries
    .filter(({ notAfterMs }) => notAfterMs - nowMs < listedMs)
    .toSorted((a, b) => a.notAfterMs - b.notAfterMs || compareText(a.name, b.name))
    .slice(0, maxCertificates)
    .map(({ name, notAfterMs }) => ({ name, endsAtMs: notAfterMs }));
}
