// Books: what a gateway has counted, and what was added to it.
export type Counts = Readonly<Record<string, number>>;

export interface Books {
  /** By namespace, deployment, predictor, protocol, origin and code. */
  readonly requests: Counts;
  /** By namespace, deployment, predictor and flag. */
  readonly failures: Counts;
  readonly inFlight: number;
}

export async function books(admin: string): Promise<Books> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  const [requests, failures] = [new Map<string, number>(), new Map<string, number>()];
  let inFlight = 0;
  for (const line of text.split("\n")) {
    const [, metric, labels, value] = /^(sluice_\w+)(?:\{(.*)\})? (\S+)$/u.exec(line) ?? [];
    const label = (name: string): string => new RegExp(`(?:^|,)${name}="([^"]*)"`, "u").exec(labels ?? "")?.[1] ?? "";
    const series = `${label("namespace")}/${label("deployment")}/${label("predictor")}`;
    const add = (counts: Map<string, number>, name: string): unknown =>
      Number(value) > 0 && counts.set(name, (counts.get(name) ?? 0) + Number(value));
    if (metric === "sluice_requests_total")
      add(requests, `${series} ${label("protocol")} ${label("origin")} ${label("code")}`);
    if (metric === "sluice_failures_total") add(failures, `${series} ${label("flag")}`);
    if (metric === "sluice_requests_in_flight") inFlight += Number(value);
  }
  return { requests: Object.fromEntries(requests), failures: Object.fromEntries(failures), inFlight };
}

export function change(before: Counts, after: Counts): Counts {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return Object.fromEntries(
    names.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)] as const).filter(([, by]) => by !== 0),
  );
}

export function tally(names: readonly string[]): Counts {
  const counts = new Map<string, number>();
  for (const name of [...names].sort()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries(counts);
}
