// Rehearsal: a thread that is to take a data worker's place does beforehand what comes between that moment and the first answer, in memory of its own and with the
// real table, so that its code is compiled and warm. A thread that does it for the first time takes ten times as long.
import { once } from "node:events";
import { connect } from "node:net";
import { systemClock } from "../shared/clock.ts";
import { CounterBlock, blockBytes, heavyUseBytes } from "../shared/counters.ts";
import type { Plane, PlaneStart } from "../shared/data-plane.ts";
import { limitMemory } from "../shared/limit-memory.ts";
import type { SpareStart } from "../shared/messages.ts";
import { sharedNowMs } from "../shared/pulse.ts";
import { SharedTable } from "../shared/shared-table.ts";

/** In the second one it is warm. */
const times = 2;
const loopback = { host: "127.0.0.1", port: 0 };
const request = Buffer.from("GET /ambassador/v0/check_alive HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");

/** Serves one request of its own on a port of its own. Where that cannot be (no port is free, the table is damaged), the thread is slower later and nothing else. */
export async function rehearse(
  { settings, table, reader }: SpareStart,
  makePlane: (start: PlaneStart) => Plane,
): Promise<void> {
  const start: PlaneStart = {
    // What talks to others is not rehearsed.
    settings: {
      ...settings,
      listen: loopback,
      tls: null,
      redis: null,
      oauth: false,
      proxyProtocol: { ...settings.proxyProtocol, on: "off" },
    },
    clock: systemClock,
    counters: new CounterBlock(new SharedArrayBuffer(blockBytes())),
    others: [],
    heavyUse: new Int32Array(heavyUseBytes() / 4),
    table,
    reader,
    oauthClients: null,
    tokens: [],
    policy: null,
    askKeys: () => undefined,
    ticketSeed: new Uint8Array(32),
    rateLimits: { memory: limitMemory(1, sharedNowMs(), [0, 0]), aheadMs: 0 },
    log: () => undefined,
    say: () => undefined,
    used: () => undefined,
  };
  try {
    for (let time = 0; time < times; time++) await serveOnce(makePlane(start));
  } catch {
    // As above.
  } finally {
    new SharedTable(table).left(reader);
  }
}

async function serveOnce(plane: Plane): Promise<void> {
  try {
    plane.woken();
    const { port } = await plane.listen(loopback.port, 0);
    const client = connect(port, loopback.host);
    client.end(request);
    client.resume();
    await once(client, "close");
  } finally {
    await plane.drain(0, 0);
  }
}
