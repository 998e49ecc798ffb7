// Reads Sluice's metrics.
import { get } from "node:http";

export interface Scrape {
  readonly ms: number;
  readonly bytes: number;
  readonly text: string;
}

export async function scrapeMetrics(adminPort: number): Promise<Scrape> {
  const startedMs = performance.now();
  const answer = await fetch(`http://127.0.0.1:${adminPort}/metrics`, { headers: { connection: "close" } });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`/metrics is answered ${answer.status}`);
  return { ms: performance.now() - startedMs, bytes: text.length, text };
}

/** The time of a scrape to its last byte, ms, and nothing done with the bytes: what the reader does with them is not the gateway's time. */
export async function timeScrape(adminPort: number): Promise<number> {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port: adminPort, path: "/metrics", agent: false }, (response) => {
      response.resume();
      response.once("end", () => resolve(performance.now() - startedMs));
      response.once("error", reject);
    }).once("error", reject);
  });
}

/** Sum of all samples of a metric whose labels contain `label`. */
export function sumOf(text: string, metric: string, label = ""): number {
  let sum = 0;
  for (const line of text.split("\n")) {
    if ((line.startsWith(`${metric}{`) || line.startsWith(`${metric} `)) && line.includes(label))
      sum += Number(line.slice(line.lastIndexOf(" ") + 1));
  }
  return sum;
}

/** Cumulative counts of a histogram by upper bound, in the order of the text. */
export function bucketsOf(text: string, metric: string): ReadonlyMap<string, number> {
  const buckets = new Map<string, number>();
  for (const found of text.matchAll(new RegExp(`^${metric}_bucket\\{[^}]*le="([^"]+)"[^}]*\\} (\\S+)$`, "gm"))) {
    buckets.set(found[1]!, (buckets.get(found[1]!) ?? 0) + Number(found[2]));
  }
  return buckets;
}
