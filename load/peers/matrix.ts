// Tables of several workloads in one run.
import { ratioTable, table } from "./report.ts";
import { cpuTable, medianOf, valuesOf, type Contender, type Turn, type TurnsByPeer } from "./rounds.ts";
import { ratios } from "./statistics.ts";

/** What came of one workload. */
export interface Measured {
  readonly title: string;
  readonly contenders: readonly Contender[];
  readonly turns: TurnsByPeer;
  /** Latency is judged as well as CPU time. */
  readonly timed: boolean;
}

function cells(measured: Measured, pick: (turn: Turn) => number): ReadonlyMap<string, string> {
  const values = valuesOf(measured.turns, pick);
  const [subject, ...others] = [...values];
  return new Map(others.map(([name, own]) => [name, ratios(subject![1], own).median.toFixed(2)]));
}

/** First peer against every other, a line for each workload. */
export function summary(all: readonly Measured[], names: readonly string[]): string {
  const [subject, ...others] = names;
  const rows = all.flatMap((measured) => {
    const own = measured.turns.get(subject!);
    if (own === undefined) return [];
    const row = (what: string, pick: (turn: Turn) => number): readonly string[] => {
      const found = cells(measured, pick);
      return [measured.title, what, medianOf(own, pick).toFixed(1), ...others.map((name) => found.get(name) ?? "–")];
    };
    const latency = [
      row("p50 µs", (turn) => turn.result.latency.p50Us),
      row("p99 µs", (turn) => turn.result.latency.p99Us),
    ];
    return [row("CPU µs", (turn) => turn.cpuUs), ...(measured.timed ? latency : [])];
  });
  return table(["work", "of a request", subject!, ...others.map((name) => `/ ${name}`)], rows);
}

export function details({ title, contenders, turns, timed }: Measured): readonly string[] {
  return [
    `## ${title}`,
    cpuTable(contenders, turns),
    "Ratios of CPU time, each round against itself:",
    ratioTable(valuesOf(turns, (turn) => turn.cpuUs)),
    ...(timed
      ? [
          "Ratios of p50:",
          ratioTable(valuesOf(turns, (turn) => turn.result.latency.p50Us)),
          "Ratios of p99:",
          ratioTable(valuesOf(turns, (turn) => turn.result.latency.p99Us)),
        ]
      : []),
  ];
}
