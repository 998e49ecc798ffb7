// tls: CPU time of handshakes, full and resumed, and of requests on kept connections, beside HAProxy and nginx. The bars: 1.15 times HAProxy's, 1.2 and 1.1; 1.02 with
// 10,000 certificates against one.
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:tls";
import { promisify } from "node:util";
import { statusBytes, threadTimes, timeBetween, totalNs } from "../account.ts";
import { answerOf, deployments, fleetPlan } from "../fleet.ts";
import { pause, proxyCore } from "../process.ts";
import type { Peer, PeerKind } from "../proxies/peer.ts";
import { makeIdentity, manyHosts, tlsPeers } from "../proxies/tls.ts";
import { number, ratioTable, table } from "../report.ts";
import { spread } from "../statistics.ts";
import { startUpstream } from "../upstream.ts";
import { isChosen, type Suite, type SuiteOptions } from "./suite.ts";

const run = promisify(execFile);
/** Clients that shake hands at once, by P-256: HAProxy takes no other group unless it is told to, and Node would agree on more with Sluice. */
const handshakers = 8;
/** Hosts that clients ask for in turn: as many as are kept by a worker, and no more. */
const askedHosts = 2000;
const idleConnections = 10_000;

interface Work {
  readonly title: string;
  /** Loads the peer for so long; gives how often. */
  load(port: number, measureMs: number): Promise<number>;
}

function hello(port: number, servername: string, session: Buffer | null): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      servername,
      rejectUnauthorized: false,
      ecdhCurve: "P-256",
      ALPNProtocols: ["http/1.1"],
      ...(session === null ? {} : { session }),
    });
    let given: Buffer | null = null;
    socket.on("session", (one: Buffer) => (given = one));
    socket.once("error", reject);
    // An answer, so that the tickets have come and the peer has done all of its part.
    socket.once("data", () => {
      if (session !== null && !socket.isSessionReused()) reject(new Error("the session did not go on"));
      socket.destroy();
      resolve(given);
    });
    socket.write(`GET /nowhere HTTP/1.1\r\nHost: ${servername}\r\n\r\n`);
  });
}

async function shake(port: number, measureMs: number, resumed: boolean): Promise<number> {
  const untilMs = performance.now() + measureMs;
  let count = 0;
  let next = 0;
  await Promise.all(
    Array.from({ length: handshakers }, async (_, own) => {
      const name = (): string => `h${(next++ % askedHosts) * Math.floor(manyHosts / askedHosts)}.example`;
      // Each client goes on from a session of its own host.
      const host = `h${own}.example`;
      let session = resumed ? await hello(port, host, null) : null;
      while (performance.now() < untilMs) {
        session = resumed ? ((await hello(port, host, session)) ?? session) : (await hello(port, name(), null), null);
        count += 1;
      }
    }),
  );
  return count;
}

/** By wrk: POSTs of 70 bytes on kept connections. */
function kept(script: string, connections: number): Work["load"] {
  return async (port, measureMs) => {
    const { stdout } = await run("wrk", [
      "-t1",
      `-c${connections}`,
      `-d${Math.max(1, Math.round(measureMs / 1000))}s`,
      "-s",
      script,
      `https://127.0.0.1:${port}`,
    ]);
    const [, requests] = /(\d+) requests in/.exec(stdout) ?? [];
    if (requests === undefined || /Non-2xx/.test(stdout)) throw new Error(`wrk: ${stdout}`);
    return Number(requests);
  };
}

async function idleBytes(peer: Peer): Promise<number> {
  const before = statusBytes(peer.pid, "VmRSS") ?? Number.NaN;
  const sockets = new Set<ReturnType<typeof connect>>();
  for (let opened = 0; opened < idleConnections; opened += 100) {
    await Promise.all(
      Array.from(
        { length: 100 },
        () =>
          new Promise<void>((resolve, reject) => {
            const socket = connect({
              host: "127.0.0.1",
              port: peer.port,
              servername: "h1.example",
              rejectUnauthorized: false,
            });
            sockets.add(socket);
            socket.once("secureConnect", () => resolve()).once("error", reject);
          }),
      ),
    );
  }
  await pause(3000);
  const after = statusBytes(peer.pid, "VmRSS") ?? Number.NaN;
  for (const socket of sockets) socket.destroy();
  await pause(1000);
  return (after - before) / idleConnections;
}

async function measure(work: Work, peer: Peer, { warmUpMs, measureMs }: SuiteOptions): Promise<number> {
  await work.load(peer.port, warmUpMs);
  const before = threadTimes(peer.pid);
  const count = await work.load(peer.port, measureMs);
  const { threads, ended } = timeBetween(before, threadTimes(peer.pid));
  if (ended > 0) throw new Error(`${peer.name}: a thread ended`);
  return totalNs(threads) / 1000 / count;
}

export const tls: Suite = {
  name: "tls",
  does: "CPU time of TLS handshakes, full and resumed, and of requests on kept connections; memory of an idle connection",
  deployments: 1000,
  async run(options: SuiteOptions): Promise<string> {
    const upstream = await startUpstream({
      folder: options.folder,
      predictors: ["main", "canary"],
      answer: answerOf,
      realTime: false,
    });
    const fleet = fleetPlan(options, upstream.ports);
    const script = join(options.folder, "post.lua");
    writeFileSync(
      script,
      `wrk.method = "POST"\nwrk.path = "${deployments(fleet)[0]!.prefix}api/v1.0/predictions"\nwrk.headers["Content-Type"] = "application/json"\nwrk.body = '{"data":{"names":["a","b","c","d"],"ndarray":[[5.1,3.5,1.4,0.2]]}}   '\n`,
    );
    const works: readonly Work[] = [
      { title: "full handshake", load: (port, measureMs) => shake(port, measureMs, false) },
      { title: "resumed handshake", load: (port, measureMs) => shake(port, measureMs, true) },
      { title: "request on a kept connection", load: kept(script, 32) },
    ];
    const peers: (readonly [PeerKind, Peer])[] = [];
    for (const kind of tlsPeers(makeIdentity(options.folder))) {
      const folder = join(options.folder, kind.name);
      mkdirSync(folder, { recursive: true });
      peers.push([kind, await kind.start({ fleet, folder, core: proxyCore })]);
      console.error(`${kind.name} is ready`);
    }
    const parts: string[] = [
      table(
        ["peer", "does"],
        peers.map(([{ name, does }]) => [name, does]),
      ),
    ];
    for (const work of works.filter(({ title }) => isChosen(options, title))) {
      const values = new Map<string, number[]>(peers.map(([{ name }]) => [name, []]));
      for (let round = 0; round < options.rounds; round++)
        for (const [{ name }, peer] of peers) values.get(name)!.push(await measure(work, peer, options));
      parts.push(
        `## ${work.title}`,
        table(
          ["peer", "CPU µs, median", "min", "max"],
          Array.from(values, ([name, own]) => {
            const { median, min, max } = spread(own);
            return [name, number(median), number(min), number(max)];
          }),
        ),
        ratioTable(values),
      );
    }
    if (isChosen(options, "idle connections")) {
      const rows: string[][] = [];
      for (const [{ name }, peer] of peers) rows.push([name, number((await idleBytes(peer)) / 1000)]);
      parts.push(`## ${idleConnections} idle connections`, table(["peer", "resident kB a connection"], rows));
    }
    return parts.join("\n\n");
  },
};
