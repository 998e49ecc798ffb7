// Every metric of /metrics, and where workers count what it shows: one declaration each, from which cells, /metrics, what outlives a dead worker, and the
// table of RUNBOOK.md follow.
// The order of these imports is the order of the families.
import "./fixed.ts";
import "./series.ts";
import "./control.ts";
import { declaredMetrics, type Metric } from "./metric.ts";

/** Every Metric, by name. */
export const metrics: ReadonlyMap<string, Metric> = declaredMetrics;
