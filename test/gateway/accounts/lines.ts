// Lines of the access log, as the counters, /api and the clients must have them.
import { meaningOf } from "../../../gateway/explain/measured-words.ts";
import type { FailureFlag } from "../../../gateway/failure-flags.ts";
import { grpcStatusNames } from "../../../gateway/grpc-statuses.ts";
import { grpcColumn, httpColumn } from "../../../gateway/shared/memory/counters.ts";
import { grpcColumns, statusColumns } from "../../../gateway/shared/metrics/status-columns.ts";
import { isFailureEntry, type AccessEntry } from "../../../gateway/shared/access-fields.ts";
import type { Seen } from "./asking.ts";
import { tally, type Counts } from "./books.ts";

export type Line = AccessEntry & { readonly event: string };

export const seriesOf = ({ namespace, deployment, predictor }: Line): string =>
  `${namespace}/${deployment}/${predictor}`;

/** The series of sluice_requests_total in which a line says that its request is. */
export function countOf(line: Line): string {
  const isGrpc = line.deployment === "" ? line.grpcStatus !== "" : line.deployment.endsWith("call");
  const status = grpcStatusNames.findIndex((name) => name === line.grpcStatus);
  const code =
    line.origin === ""
      ? isGrpc
        ? "CANCELLED"
        : "0"
      : isGrpc
        ? grpcColumns[grpcColumn(status)]
        : statusColumns[httpColumn(line.code)];
  return `${seriesOf(line)} ${isGrpc ? "grpc" : "http"} ${line.origin} ${code}`;
}

export const flagsOf = (line: Line): readonly string[] => (line.flag === "" ? [] : line.flag.split(","));

/** The same by the lines of requests that came to an Endpoint, or would have. */
export function triedOf(lines: readonly Line[]): Counts {
  return tally(
    lines.flatMap((line) => {
      const endpoint = `${line.namespace}/${line.deployment}`;
      if (line.address === "" || line.deployment === "again") return [];
      if (line.origin === "model")
        return [`${endpoint} answers`, ...(isFailureEntry(line) ? [`${endpoint} flag `] : [])];
      return line.origin === "gateway" ? flagsOf(line).map((flag) => `${endpoint} flag ${flag}`) : [];
    }),
  );
}

export const triesOfAgain = "prod/again tries";

/** They are no deployments. */
const mappingsAlone: ReadonlySet<string> = new Set(["moved", "crossed"]);

/** What the same requests are by their lines. */
export function measuredOf(lines: readonly Line[]): Counts {
  const named = lines.filter(({ deployment }) => deployment !== "" && !mappingsAlone.has(deployment));
  return tally(
    named.flatMap((line) => {
      const name = `${line.namespace}/${line.deployment}`;
      const own = line.origin === "model" && isFailureEntry(line) ? [`${name} model errors`, `${name} flag `] : [];
      const failed = own.length > 0 || flagsOf(line).some((flag) => meaningOf(flag as FailureFlag) === "failed");
      return [
        name,
        ...own,
        ...(failed ? [`${name} failed`] : []),
        ...flagsOf(line).map((flag) => `${name} flag ${flag}`),
      ];
    }),
  );
}

/** Does a line say what the client of its request saw? "": it does. */
export function contradiction(seen: Seen, line: Line): string {
  const said = `${line.origin} ${line.code} ${line.grpcStatus} ${line.flag}`;
  const saw = `${seen.status} ${seen.grpcStatus}${seen.isWhole ? "" : " cut"}${seen.left ? " left" : ""}`;
  const wrong = (why: string): string => `${seen.id}: saw ${saw}, line ${said}: ${why}`;
  if (seen.answeredId !== "" && seen.answeredId !== line.requestId) return wrong("another id");
  if (seen.status > 0 && seen.status !== line.code) return wrong("another status");
  if (seen.left) return (line.origin === "") === (line.flag === "DC") ? "" : wrong("who left");
  if (line.origin === "" || line.flag === "DC") return wrong("its client did not leave");
  if (!seen.isWhole) return line.origin === "gateway" && line.flag !== "" ? "" : wrong("it was cut");
  if (line.grpcStatus === "") return seen.grpcStatus < 0 ? "" : wrong("a status of gRPC");
  // To a caller an answer without a status, or with one that gRPC does not know, is UNKNOWN.
  return line.grpcStatus === (grpcStatusNames[seen.grpcStatus] ?? "UNKNOWN") ? "" : wrong("another status of gRPC");
}

export const idOf = ({ id, answeredId }: Seen): string => (answeredId === "" ? id : answeredId);

export interface KeptLine {
  readonly requestId: string;
  readonly flag: string;
  readonly origin: string;
  readonly code: number;
  readonly grpcStatus: string;
}
export const kept = ({ requestId, flag, origin, code, grpcStatus }: KeptLine): KeptLine => ({
  requestId,
  flag,
  origin,
  code,
  grpcStatus,
});
export const byId = (one: KeptLine, other: KeptLine): number => (one.requestId < other.requestId ? -1 : 1);

/** The label of the status that a client saw. */
export function codeOf({ status, grpcStatus }: Seen): string {
  return grpcStatus < 0 ? statusColumns[httpColumn(status)]! : grpcColumns[grpcColumn(grpcStatus)]!;
}
