// Cells of one series and of one Endpoint, in the blocks of each worker. A sum for each series has a cell in `slotLayout`.
import type { FailureFlag } from "../../failure-flags.ts";
import { cellsByFlag, flagNames, wholeLines } from "./cells.ts";
import { CellTable } from "./metric.ts";
import { durationBounds, feedbackWays, rewardBounds, shadowOutcomes } from "./series.ts";
import { statusColumns } from "./status-columns.ts";

const slotTable = new CellTable();

/**
 * First cells of a slot's parts. The last status column, the two cells after it and the first five buckets share one line: a request that is
 * answered 200 within 25 ms counts in that alone, and over a thousand deployments each further line is a miss.
 */
export const slotLayout = {
  /** Answers of the model, by `statusColumns` or `grpcColumns`. */
  status: slotTable.unshown("counter", statusColumns.length),
  /** Requests of the series that have no complete answer yet. */
  inFlight: slotTable.unshown("gauge"),
  sumSeconds: slotTable.unshown("counter"),
  buckets: slotTable.unshown("counter", durationBounds.length + 1),
  /** By `shadowOutcomes`. */
  shadow: slotTable.unshown("counter", shadowOutcomes.length),
} as const;

export const slotRows = slotTable.rows;
export const slotCells = wholeLines(slotTable.length);

const failureTable = new CellTable();

/** First cells of what a slot counts beside: only requests that the gateway answers itself, or that fail, write there, and a slot without one has no memory for it. */
export const failureLayout = {
  /** Answers of the gateway itself, by column as `slotLayout.status`. */
  own: failureTable.unshown("counter", statusColumns.length),
  flags: cellsByFlag(failureTable.unshown("counter", flagNames.length)),
  retries: failureTable.unshown("counter"),
} as const;

export const failureCells = wholeLines(failureTable.length);

const feedbackTable = new CellTable();

/** First cells of what a slot counts of feedback: a slot without feedback has no memory for it. */
export const feedbackLayout = {
  /** By `feedbackWays`. */
  ways: feedbackTable.unshown("counter", feedbackWays.length),
  rewardSum: feedbackTable.unshown("counter"),
  rewardBuckets: feedbackTable.unshown("counter", rewardBounds.length + 1),
  rewardSquares: feedbackTable.unshown("counter"),
  /** The part that bandits and gates learn from. */
  learnt: feedbackTable.unshown("counter"),
  learntSum: feedbackTable.unshown("counter"),
  learntSquares: feedbackTable.unshown("counter"),
} as const;

export const feedbackCells = wholeLines(feedbackTable.length);

/** Flags of failures that are an Endpoint's. */
export const endpointFlags = ["UF", "UC", "UR", "UT", "UPE"] as const satisfies readonly FailureFlag[];

const endpointTable = new CellTable();

/** Cells of one Endpoint of one Upstream: a cache line. Each try that a request makes of it counts once, by its end; a try that the client left counts nowhere. */
export const endpointLayout = {
  answers: endpointTable.unshown("counter"),
  /** Server errors that the model itself answered. */
  modelErrors: endpointTable.unshown("counter"),
  /** By `endpointFlags`. */
  flags: endpointTable.unshown("counter", endpointFlags.length),
  /** 1: the worker has ejected it. */
  ejected: endpointTable.unshown("gauge"),
} as const;

export const endpointRows = endpointTable.rows;
export const endpointCells = wholeLines(endpointTable.length);
