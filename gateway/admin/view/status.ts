// Status: is the gateway well, and if not, what is wrong first? A function of what the control worker knows.
import { namespacedName } from "../../../routing/text/namespaced-name.ts";
import { troubleBounds, troubleKinds, type Status, type Trouble, type TroubleKind } from "../../api/status.ts";
import { isDeployments } from "./deployments.ts";
import type { Slices } from "../../shared/slices.ts";
import type { AdminView } from "./view.ts";
import type { CountedView, PredictorKey } from "../../api/counted.ts";
import { compareText } from "../../../routing/text/problem.ts";

/** All of a Status but its verdict. */
export type Facts = Omit<Status, "isWell" | "first" | "troubles">;

const dayMs = 24 * 3_600_000;
/** A certificate that ends within this time should have been renewed: `status` says so. */
const renewalMs = troubleBounds.certificateDays * dayMs;
/** A source that does not know the truth for less than this is not worth a word. */
const graceSeconds = 5;
/** A replica that starts or ends is away for a while. */
const peerGraceMs = 15_000;

/** `symptoms`: what no fact says. `nowMs`: epoch. */
export function statusOf(facts: Facts, nowMs: number, symptoms: readonly Trouble[] = []): Status {
  const order = ({ kind }: Trouble): number => troubleKinds.indexOf(kind);
  const troubles = [...troublesOf(facts, nowMs), ...symptoms].toSorted((one, other) => order(one) - order(other));
  return { isWell: troubles.length === 0, first: troubles[0]?.sentence ?? null, troubles, ...facts };
}

/** What the facts say is wrong. */
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
  if (facts.peers !== null) {
    const { trouble, peers } = facts.peers;
    if (trouble !== null) add("peers-unknown", `${trouble}.`);
    const away = peers.filter(({ state, sinceMs }) => state !== "answering" && nowMs - sinceMs >= peerGraceMs);
    if (away[0] !== undefined)
      add(
        "peer-away",
        `${away.length} of ${peers.length} other replicas cannot be counted: ${away[0].name}: ${away[0].sentence ?? ""}${more(away.length)}.`,
      );
  }
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
  const { count: ejected, endpoints } = facts.ejectedEndpoints;
  if (ejected > 0) {
    const named = endpoints
      .slice(0, maxNamedEjected)
      .map(
        ({ namespace, deployment, predictor, address, workers: by }) =>
          `${address} of ${namespace}/${deployment} ${predictor} (${by} of ${workers.wanted} data workers)`,
      );
    const names = named.length === 0 ? "" : `: ${named.join(", ")}`;
    const others = named.length > 0 && ejected > named.length ? `, and ${ejected - named.length} more` : "";
    add(
      "endpoint-ejected",
      `Sluice ejected ${ejected} ${ejected === 1 ? "Endpoint" : "Endpoints"} for errors in a row${names}${others}.`,
    );
  }
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

/** Predictors of live traffic without a ready Endpoint: `deployments` of which none has one, and the names of others. Those that were scaled to 0 are left out. */
export async function withoutEndpoint(
  view: Pick<AdminView, "counted" | "hasMapping"> & {
    readonly translation: Pick<AdminView["translation"], "isScaledToZero">;
  },
  slices: Slices,
): Promise<{ readonly deployments: Status["withoutEndpoint"]; readonly others: readonly string[] }> {
  const without = new Map<string, [PredictorKey, ...PredictorKey[]]>();
  const others = new Set<string>();
  let seen = 0;
  for (const { predictor, endpoints } of view.counted.predictorEndpoints) {
    seen += 1;
    if (seen % together === 0) await slices.pause();
    if (predictor.role !== "live") continue;
    const key = namespacedName(predictor.namespace, predictor.deployment);
    if (endpoints.some(({ state }) => state === "ready")) others.add(key);
    else if (isDeployments(view, predictor)) without.set(key, [predictor, ...(without.get(key) ?? [])]);
  }
  const found = [...without].toSorted(([a], [b]) => compareText(a, b));
  const none = found
    .filter(([key]) => !others.has(key))
    .map(([, [{ namespace, deployment }]]) => ({ namespace, name: deployment }))
    .filter(({ namespace, name }) => !view.translation.isScaledToZero(namespace, name));
  return {
    deployments: { count: none.length, deployments: none.slice(0, maxWithoutEndpoint) },
    others: found.flatMap(([key, predictors]) =>
      others.has(key) ? predictors.map(({ predictor }) => `${key} ${predictor}`) : [],
    ),
  };
}

/** Endpoints that a Status lists. */
const maxEjected = 20;
/** Those of them that its sentence names. */
const maxNamedEjected = 3;

/** Endpoints that data workers ejected. `most`: how many the worker ejected that ejected most. */
export async function ejectedEndpoints(
  counted: Pick<CountedView, "predictorEndpoints" | "ejectedBy">,
  most: number,
  slices: Slices,
): Promise<Status["ejectedEndpoints"]> {
  if (most === 0) return { count: 0, endpoints: [] };
  const found: Status["ejectedEndpoints"]["endpoints"][number][] = [];
  const addresses = new Set<string>();
  let seen = 0;
  for (const { predictor, endpoints } of counted.predictorEndpoints) {
    seen += 1;
    if (seen % together === 0) await slices.pause();
    const { namespace, deployment, predictor: name } = predictor;
    for (const endpoint of endpoints) {
      const workers = counted.ejectedBy(endpoint);
      if (workers === 0) continue;
      addresses.add(endpoint.slots.join());
      if (found.length < maxEjected)
        found.push({ namespace, deployment, predictor: name, address: endpoint.address, workers });
    }
  }
  // Those without counters of their own are counted by their worker alone.
  return { count: Math.max(most, addresses.size), endpoints: found };
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
