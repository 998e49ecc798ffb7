// Requests as lines of a terminal, for `sluice failures` and `sluice logs`.
import type { AccessEntry } from "../../shared/access-fields.ts";
import { tableOf, type TextColumn } from "../terminal/cells.ts";

const columns: readonly TextColumn[] = [
  { heading: "TIME", align: "left", maxWidth: 24 },
  { heading: "STATUS", align: "left", maxWidth: 19 },
  { heading: "FLAG", align: "left", maxWidth: 8 },
  { heading: "DEPLOYMENT", align: "left", maxWidth: 60 },
  { heading: "PREDICTOR", align: "left", maxWidth: 40 },
  { heading: "ENDPOINT", align: "left", maxWidth: 47 },
  { heading: "MS", align: "right", maxWidth: 12 },
  { heading: "REQUEST ID", align: "left", maxWidth: 128 },
  { heading: "FAILURE", align: "left", maxWidth: 300 },
];

function cellsOf(entry: AccessEntry): readonly string[] {
  const { atMs, code, grpcStatus, flag, namespace, deployment, predictor, address, durationMs, requestId } = entry;
  const failure = [entry.sentence, `${entry.method} ${entry.path}`.trim()].filter((text) => text !== "").join(" · ");
  return [
    new Date(atMs).toISOString(),
    grpcStatus === "" ? (code === 0 ? "-" : String(code)) : grpcStatus,
    flag === "" ? "-" : flag,
    deployment === "" ? "-" : `${namespace}/${deployment}`,
    predictor === "" ? "-" : predictor,
    address === "" ? "-" : address,
    String(Math.round(durationMs)),
    requestId === "" ? "-" : requestId,
    failure,
  ];
}

/** A table under headings, a request a line. */
export function requestTable(entries: readonly AccessEntry[]): readonly string[] {
  return tableOf(columns, entries.map(cellsOf));
}

/** One request by itself: the columns have no common width. */
export function requestLine(entry: AccessEntry): string {
  return (
    tableOf(
      columns.map((column) => ({ ...column, heading: "" })),
      [cellsOf(entry)],
    )[0] ?? ""
  );
}

const causeColumns: readonly TextColumn[] = [
  { heading: "COUNT", align: "right", maxWidth: 6 },
  ...columns.filter(({ heading }) => ["FLAG", "DEPLOYMENT", "PREDICTOR", "ENDPOINT"].includes(heading)),
  { heading: "CAUSE", align: "left", maxWidth: 300 },
];

/** How many failures each cause has, the most frequent first, under headings: failure flag, deployment, predictor, Endpoint and sentence. */
export function causeTable(entries: readonly AccessEntry[], maxCauses: number): readonly string[] {
  const causes = Map.groupBy(entries, (entry) => {
    const [, status, flag, deployment, predictor, endpoint] = cellsOf(entry);
    return JSON.stringify([flag, deployment, predictor, endpoint, entry.sentence || `the model answered ${status}`]);
  });
  const rows = [...causes]
    .sort(([, one], [, other]) => other.length - one.length)
    .map(([cause, same]) => [String(same.length), ...(JSON.parse(cause) as readonly string[])]);
  const more = rows.length - maxCauses;
  return [
    ...tableOf(causeColumns, rows.slice(0, maxCauses)),
    ...(more > 0 ? [`and ${more} more ${more === 1 ? "cause" : "causes"}`] : []),
  ];
}
