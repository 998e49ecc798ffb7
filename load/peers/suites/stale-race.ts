// stale-race: an upstream closes idle connections at the worst moment. 1,000 clients, each with a deployment and so an
// upstream connection of its own, whose idle time is therefore the client's pause. Ids are counted at the origin.
//
// A gateway that is sure never to lose a POST must not come near the close at all, and Sluice does not: it stops using a connection long before.
// So the first case proves the promise, and aims at two moments: the upstream's close, and Sluice's own limit, where reuse and discard race inside
// the gateway. The other two put the real race on the wire, by a limit set too high and by an upstream that closes sooner than any limit: there a POST
// can be lost to a connection that is just closing, and then it must be answered 503 with flag UC, and never be sent twice.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startChild, type Child } from '../child.ts';
import { answerOf, deployments, predictionBody, predictionHead, type FleetPlan } from '../fleet.ts';
import { LoadConnection, type LoadConnectionOwner } from '../load-connection.ts';
import { mainOnly, writeManifests } from '../manifests.ts';
import { idField, nearMs, type OriginQuestion, type OriginReport } from '../origins/counting.ts';
import { loadCore, proxyCore } from '../process.ts';
import { startSluice } from '../proxies/sluice.ts';
import { seededRandom } from '../random.ts';
import { table } from '../report.ts';
import { scrapeMetrics, sumOf } from '../scraping.ts';
import type { Suite, SuiteOptions } from './suite.ts';

interface Case {
  readonly name: string;
  readonly serveOptions: readonly string[];
  readonly idleCloseMs: readonly [least: number, most: number];
  /** A pause is aimed, uniform within `nearMs`, at one of these with this chance, else uniform over `pauseMs`. */
  readonly aims: readonly { readonly atMs: number; readonly chance: number }[];
  readonly pauseMs: readonly [least: number, most: number];
  /** Of the requests that the suite is asked for. */
  readonly share: number;
  /** Not one may fail; else every failure must be flagged UC. */
  readonly failuresAllowed: boolean;
  /** Least share of pauses that end within `nearMs` of the upstream's close. */
  readonly nearShare: number;
}

const cases: readonly Case[] = [
  {
    name: 'as shipped; upstream closes after 2 s',
    serveOptions: [],
    idleCloseMs: [2000, 2000],
    aims: [{ atMs: 2000, chance: 0.22 }, { atMs: 1000, chance: 0.1 }],
    pauseMs: [500, 2500],
    share: 1,
    failuresAllowed: false,
    nearShare: 0.2,
  },
  {
    name: '--upstream-idle-ms 2000; upstream closes after 2 s',
    serveOptions: ['--upstream-idle-ms', '2000'],
    idleCloseMs: [2000, 2000],
    aims: [{ atMs: 2000, chance: 0.5 }],
    pauseMs: [500, 2500],
    share: 0.15,
    failuresAllowed: true,
    nearShare: 0.4,
  },
  {
    name: 'as shipped; upstream closes after 0.3 to 0.9 s, each connection in its own time',
    serveOptions: [],
    idleCloseMs: [300, 900],
    aims: [],
    pauseMs: [200, 1000],
    share: 0.15,
    failuresAllowed: true,
    nearShare: 0,
  },
];

const clients = 1000;
const defaultRequests = 100_000;
const bodyBytes = 70;

class Clients implements LoadConnectionOwner {
  readonly #case: Case;
  readonly #wanted: number;
  readonly #prefixes: readonly string[];
  readonly #connections: readonly LoadConnection[];
  readonly #random = seededRandom(20_261_121);
  readonly #body = predictionBody(bodyBytes);
  /** When the answer before the request that is on its way came, by connection. */
  readonly #answeredMs: Float64Array;
  sent = 0;
  answered200 = 0;
  failures = 0;
  near = 0;
  lost = 0;
  first: string | null = null;
  #finished: (() => void) | null = null;

  constructor(one: Case, wanted: number, port: number, fleet: FleetPlan) {
    this.#case = one;
    this.#wanted = wanted;
    this.#prefixes = deployments(fleet).map(({ prefix }) => prefix);
    this.#answeredMs = new Float64Array(clients);
    const bodies = [Buffer.from(answerOf('main'))];
    this.#connections = Array.from({ length: clients }, (_, index) => {
      const connection = new LoadConnection({ host: '127.0.0.1', port }, bodies, this);
      connection.requestIndex = index;
      return connection;
    });
  }

  /** Sends all requests; resolves when each was answered. */
  async run(): Promise<void> {
    for (const connection of this.#connections) setTimeout(() => this.#send(connection), this.#random() * 2000);
    await new Promise<void>((resolve) => {
      this.#finished = resolve;
    });
    for (const connection of this.#connections) connection.end();
  }

  answered(connection: LoadConnection, status: number, body: number, text: () => string): void {
    if (status === 200 && body === 0) this.answered200++;
    else this.#failure(`status ${status}: ${text().slice(0, 200)}`);
    this.#next(connection);
  }

  failed(connection: LoadConnection, sentence: string): void {
    this.lost++;
    this.#failure(`no answer: ${sentence}`);
    this.#next(connection);
  }

  reconnected(): void {
    // The client's side is not what is looked at.
  }

  #failure(sentence: string): void {
    this.failures++;
    this.first ??= sentence;
  }

  #pauseMs(): number {
    let draw = this.#random();
    for (const { atMs, chance } of this.#case.aims) {
      // The answer is already a little old when its reader sees it: the upstream's clock runs ahead by less than the width.
      if (draw < chance) return atMs + (this.#random() * 2 - 1) * nearMs * 0.9;
      draw -= chance;
    }
    const [least, most] = this.#case.pauseMs;
    return least + this.#random() * (most - least);
  }

  #next(connection: LoadConnection): void {
    this.#answeredMs[connection.requestIndex] = performance.now();
    if (this.answered200 + this.failures === this.#wanted) this.#finished?.();
    else if (this.sent < this.#wanted) setTimeout(() => this.#send(connection), this.#pauseMs());
  }

  #send(connection: LoadConnection): void {
    if (this.sent === this.#wanted) return;
    const index = connection.requestIndex;
    const answeredMs = this.#answeredMs[index]!;
    const [least, most] = this.#case.idleCloseMs;
    const pausedMs = performance.now() - answeredMs;
    if (answeredMs > 0 && least === most && Math.abs(pausedMs - least) <= nearMs) this.near++;
    const head = predictionHead(this.#prefixes[index]!, `Content-Length: ${this.#body.length}`, [`${idField}: ${this.sent}`]);
    this.sent++;
    connection.send(Buffer.from(head + this.#body), null);
  }
}

async function runCase(one: Case, options: SuiteOptions, origin: Child<OriginQuestion, OriginReport>): Promise<readonly string[]> {
  const requests = Math.round((options.requests ?? defaultRequests) * one.share);
  const { port } = await origin.ask({ kind: 'begin', idleCloseMs: one.idleCloseMs, requests });
  const fleet: FleetPlan = { deployments: clients, addresses: 'own', mainPort: port, canaryPort: port };
  const folder = join(options.folder, String(cases.indexOf(one)));
  const manifests = join(folder, 'manifests');
  mkdirSync(manifests, { recursive: true });
  writeManifests(manifests, fleet, mainOnly);
  const sluice = await startSluice({ manifests, workers: 1, core: proxyCore, logFile: join(folder, 'sluice.log'), nodeOptions: [], serveOptions: one.serveOptions });
  const load = new Clients(one, requests, sluice.port, fleet);
  const startedMs = performance.now();
  await load.run();
  const seconds = (performance.now() - startedMs) / 1000;
  const report = await origin.ask({ kind: 'report' });
  const { text } = await scrapeMetrics(sluice.adminPort);
  const flagged = sumOf(text, 'sluice_failures_total');
  const closed = sumOf(text, 'sluice_failures_total', 'flag="UC"');
  await sluice.stop();
  const row = [
    one.name,
    String(load.sent),
    seconds.toFixed(0),
    String(load.near),
    String(report.nearClose),
    String(load.failures),
    `${closed} UC of ${flagged}`,
    String(report.duplicates),
    `${(100 * (1 - report.connections / report.received)).toFixed(1)} %`,
  ];
  console.error(row.join(', '));
  const wrong = [
    ...(report.duplicates > 0 ? ['a request came twice'] : []),
    ...(load.failures > 0 && !one.failuresAllowed ? ['a request failed'] : []),
    ...(load.lost > 0 ? [`${load.lost} requests got no answer`] : []),
    ...(closed !== load.failures || flagged !== closed ? ['failures and flags do not add up'] : []),
    ...(load.near < (requests - clients) * one.nearShare ? ['too few pauses ended near the close'] : []),
    ...(load.sent - load.failures > report.received ? ['the origin has seen fewer requests than were answered'] : []),
  ];
  if (wrong.length > 0) throw new Error(`${one.name}: ${wrong.join('; ')}; the first failure: ${load.first ?? 'none'}\n${row.join(' | ')}`);
  return row;
}

export const staleRace: Suite = {
  name: 'stale-race',
  does: 'POSTs beside the idle close of their upstream: failed and duplicated ones, reuse',
  deployments: clients,
  async run(options: SuiteOptions): Promise<string> {
    const origin = startChild<OriginQuestion, OriginReport>(new URL('../origins/counting-origin.ts', import.meta.url), loadCore);
    const rows: (readonly string[])[] = [];
    for (const one of cases) rows.push(await runCase(one, options, origin));
    return table(
      ['case', 'POSTs', 's', `sent within ${nearMs} ms of the close`, `came to a connection within ${nearMs} ms of its close`, 'failed', 'flags', 'duplicates', 'reuse'],
      rows,
    );
  },
};
