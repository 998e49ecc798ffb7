// The text of `sluice status`: the verdict, then a line for each fact, with a column for each replica where they differ.
import { dateOf, wordsOfSeconds } from "../../admin/view/status.ts";
import type { JoinedStatus, Status } from "../../api/status.ts";
import { cut, tableOf } from "../terminal/cells.ts";

/** Troubles beyond the first that are printed. */
const maxTroubles = 10;
const maxSentence = 400;
const maxCell = 60;

export function printStatus({ isWell, troubles, replicas }: JoinedStatus): string {
  const [first = "", ...others] = troubles.map(({ sentence }) => cut(sentence, maxSentence));
  const verdict = isWell ? ["Well: nothing is wrong."] : [`Wrong: ${first}`];
  for (const sentence of others.slice(0, maxTroubles)) verdict.push(`  also: ${sentence}`);
  if (others.length > maxTroubles) verdict.push(`  also: ${others.length - maxTroubles} more`);
  const rows = facts.map(([label, wordsOf]) => {
    const cells = replicas.map(({ status }) => (status === null ? "away" : wordsOf(status)));
    const there = new Set(replicas.flatMap(({ status }, at) => (status === null ? [] : [cells[at]!])));
    return [label, ...(there.size === 1 ? [[...there][0]!] : cells)];
  });
  const isOne = replicas.length === 1;
  const table = tableOf(
    [
      { heading: isOne ? "" : "REPLICA", align: "left", maxWidth: 12 },
      ...replicas.map(({ name }) => ({ heading: isOne ? "" : name, align: "left" as const, maxWidth: maxCell })),
    ],
    rows,
  );
  return `${[...verdict, "", ...table.map((line) => `  ${line}`)].join("\n")}\n`;
}

const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;

/** What is told of a replica, a line each. */
const facts: readonly (readonly [label: string, wordsOf: (status: Status) => string])[] = [
  ["version", ({ version }) => version],
  ["ready", ({ waitsFor }) => (waitsFor === null ? "yes" : `no: ${waitsFor}`)],
  [
    "workers",
    ({ workers: { ready, wanted, restarts, stalls } }) =>
      `${ready} of ${wanted} serve${restarts === 0 ? "" : `, ${restarts} replaced since the start`}${stalls === 0 ? "" : ` (${stalls} blocked)`}`,
  ],
  [
    "table",
    ({ table: { hash, routes } }) => (hash === "" ? "none yet" : `${hash.slice(0, 13)}, ${plural(routes, "Route")}`),
  ],
  [
    "source",
    ({ sources }) =>
      sources
        .map(({ kind, ageSeconds, trouble }) =>
          trouble === null ? `${kind}, current` : `${kind}, ${wordsOfSeconds(ageSeconds)} old: ${trouble}`,
        )
        .join("; "),
  ],
  [
    "predictors",
    ({ failingPredictors }) => (failingPredictors.length === 0 ? "none fails" : `${failingPredictors.length} fail`),
  ],
  [
    "endpoints",
    ({ withoutEndpoint: { count } }) =>
      count === 0
        ? "every deployment has a ready one, or is scaled to 0"
        : `${plural(count, "deployment")} without a ready one`,
  ],
  [
    "breakers",
    ({ openBreakers }) =>
      openBreakers.length === 0
        ? "none is at its limit"
        : openBreakers.map(({ resource, count }) => `${count} of ${resource} at the limit`).join(", "),
  ],
  ["ejected", ({ ejectedEndpoints: { count } }) => (count === 0 ? "no Endpoint" : plural(count, "Endpoint"))],
  [
    "problems",
    ({ problems: { error, warning, info } }) =>
      `${plural(error, "error")}, ${plural(warning, "warning")}, ${info} for information`,
  ],
  [
    "certificates",
    ({ certificates: [next] }) =>
      next === undefined ? "none ends within 30 days" : `the next ends ${dateOf(next.endsAtMs)}: ${next.name}`,
  ],
  ["peers", ({ peers }) => (peers === null ? "not asked" : peersWords(peers))],
  ["leader", ({ leader }) => leader ?? "none"],
  ["redis", ({ redis }) => (redis === null ? "not used" : `${redis.connected} of ${redis.wanted} workers connected`)],
];

function peersWords({ peers, tablesAgree }: NonNullable<Status["peers"]>): string {
  const there = peers.filter(({ state }) => state === "answering").length;
  const away = peers.filter(({ state }) => state !== "answering").map(({ name, state }) => `${name} ${state}`);
  return `${there} of ${peers.length} answer, ${tablesAgree ? "with the same table" : "tables differ"}${away.length === 0 ? "" : ` (${away.join(", ")})`}`;
}
