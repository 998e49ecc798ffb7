// Columns in which requests are counted by status, of HTTP and of gRPC.
import { grpcServerErrors, grpcStatusNames } from "../../grpc-statuses.ts";

/**
 * Status columns, in order. A code that is not listed is counted in the last column of its class. 0: the client left before an answer.
 * The usual one is the last, beside what each request counts (see `slotLayout`).
 */
export const statusColumns: readonly string[] = (
  "201 202 204 206 2xx 301 302 304 307 308 3xx 400 401 403 404 405 408 409 413 415 422 429 431 4xx " +
  "500 501 502 503 504 5xx 101 0 200"
).split(" ");

/** The columns in which a server failed: 5xx, and in `grpcColumns` the statuses that mean the same. */
export const serverErrors = { first: statusColumns.indexOf("500"), count: grpcServerErrors.length } as const;

/** The client left before the end of its answer, or before the status of a call of gRPC. */
export const unansweredColumn = statusColumns.indexOf("0");

const serverErrorNames: readonly string[] = grpcServerErrors.map((status) => grpcStatusNames[status]!);
const grpcOthers = grpcStatusNames.filter((name) => name !== "OK" && !serverErrorNames.includes(name));

/** The same columns of a Series of gRPC, by the name of the status; "": unused. A call whose client left has no status, and to its client it is CANCELLED. */
export const grpcColumns: readonly string[] = statusColumns.map((_, column) => {
  if (column === statusColumns.length - 1) return "OK";
  if (column === unansweredColumn) return "CANCELLED";
  return serverErrorNames[column - serverErrors.first] ?? grpcOthers[column] ?? "";
});
