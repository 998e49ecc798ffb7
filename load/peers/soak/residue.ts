// What a process still holds when it should hold nothing: descriptors, connections, requests in flight, work.
import { readdirSync, readlinkSync } from 'node:fs';
import { totalNs, threadTimes } from '../account.ts';
import { pause } from '../process.ts';
import { scrapeMetrics, sumOf } from '../scraping.ts';
import type { Sluice } from '../proxies/sluice.ts';

export interface Residue {
  readonly sockets: number;
  readonly otherDescriptors: number;
  readonly inFlight: number;
  readonly clientConnections: number;
  readonly upstreamConnections: number;
  /** CPU time of the whole process in a second in which nothing is asked of it, ms: timers that go on show here. */
  readonly idleMsPerSecond: number;
}

const restSeconds = 3;

/** Counts descriptors by kind. */
function descriptors(pid: number): { readonly sockets: number; readonly others: number } {
  let sockets = 0;
  let others = 0;
  for (const name of readdirSync(`/proc/${pid}/fd`)) {
    try {
      if (readlinkSync(`/proc/${pid}/fd/${name}`).startsWith('socket:')) sockets++;
      else others++;
    } catch {
      // It closed between the listing and the look.
    }
  }
  return { sockets, others };
}

export async function residueOf(sluice: Sluice): Promise<Residue> {
  const { text } = await scrapeMetrics(sluice.adminPort);
  // The scrape's own connection goes first.
  await pause(500);
  const before = threadTimes(sluice.pid);
  await pause(restSeconds * 1000);
  const idleNs = totalNs(threadTimes(sluice.pid)) - totalNs(before);
  const { sockets, others } = descriptors(sluice.pid);
  return {
    sockets,
    otherDescriptors: others,
    inFlight: sumOf(text, 'sluice_requests_in_flight'),
    clientConnections: sumOf(text, 'sluice_connections', 'side="client"'),
    upstreamConnections: sumOf(text, 'sluice_connections', 'side="upstream"'),
    idleMsPerSecond: idleNs / 1e6 / restSeconds,
  };
}
