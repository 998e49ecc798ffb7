// DataPlane: one worker's data plane. Holds the one reference to the current table, listens, drains. It needs no thread of its own.
import { readFileSync } from 'node:fs';
import { applyDelta } from '../../routing/table.ts';
import type { TableDelta } from '../../routing/delta.ts';
import { fixed } from '../counters.ts';
import type { Problem } from '../../routing/problem.ts';
import type { ControlToData, TableFacts } from '../messages.ts';
import type { Settings } from '../settings.ts';
import { Attached } from './policy/compiled-mapping.ts';
import { Edge } from './edge.ts';
import type { EdgeOptions } from './edge.ts';
import { listenPlain, listenTls } from './downstream/listener.ts';
import type { Listening } from './downstream/listener.ts';
import { Spread } from './downstream/spread.ts';

/** What became of a message. */
export type Applied =
  /** The table is served: acknowledge it. */
  | ({ readonly kind: 'table'; readonly problems: ReadonlyMap<string, readonly Problem[]> } & TableFacts)
  /** The delta does not apply to the table that is held: ask for the whole. */
  | { readonly kind: 'gap'; readonly version: number }
  | { readonly kind: 'done' };

const done: Applied = Object.freeze({ kind: 'done' });

/** While draining, a connection is closed when it has been idle for so long: one that was just used may be used again. */
const idleBeforeCloseMs = 1000;
const drainTickMs = 50;

export class DataPlane {
  readonly #edge: Edge;
  readonly #settings: Settings;
  readonly #spread: Spread;
  #listening: readonly Listening[] = [];

  constructor(options: EdgeOptions) {
    this.#edge = new Edge(options);
    this.#settings = options.settings;
    this.#spread = new Spread(this.#edge);
  }

  /** Takes a message of the control worker. A request that has begun keeps the table that it began with. */
  apply(message: ControlToData): Applied {
    const edge = this.#edge;
    edge.tick();
    edge.healthWatches.changed();
    switch (message.kind) {
      case 'ready':
        edge.ready = message.ready;
        return done;
      case 'endpoints':
        edge.pools.setEndpoints(message.endpoints);
        edge.counters.set(fixed.endpointsReady, edge.pools.servingCount);
        return done;
      case 'failing':
        edge.pools.setFailing(message.upstreams, message.whole);
        return done;
      case 'delta': {
        const { delta } = message;
        if (delta.base !== 0 && delta.base !== edge.table.version) return { kind: 'gap', version: edge.table.version };
        this.#applyDelta(delta);
        edge.ready = message.ready;
        const { version, hash, routeCount, problems } = edge.table;
        return { kind: 'table', version, hash, routeCount, problems };
      }
    }
  }

  #applyDelta(delta: TableDelta): void {
    const edge = this.#edge;
    const { pools, slots } = edge;
    // The whole names every Upstream: what it does not name is gone. Pools of the others live on.
    const named = new Set(delta.upstreams.map(({ key }) => key));
    const gone = delta.base === 0 ? pools.keys().filter((key) => !named.has(key)) : delta.removedUpstreams;
    if (delta.base === 0) slots.clear();
    // Endpoints first and removals last: at the swap every Mapping of the table has its addresses.
    pools.describe(delta.upstreams);
    pools.count(delta.breakerSlots);
    pools.setEndpoints(delta.endpoints);
    edge.table = applyDelta(edge.table, delta, (mapping, slot) => {
      slots.set(mapping.id, slot);
      return new Attached(mapping, slot, edge.compiler);
    });
    for (const id of delta.removedMappings) slots.delete(id);
    pools.remove(gone);
    edge.counters.set(fixed.endpointsReady, pools.servingCount);
  }

  /**
   * Listens on the traffic port, and on the TLS port where there is a certificate (0 otherwise). Port 0 is any free one. Rejects when an
   * address cannot be bound or the certificate cannot be read.
   */
  async listen(port: number, tlsPort: number): Promise<{ readonly host: string; readonly port: number; readonly tlsPort: number }> {
    const { listen, tls } = this.#settings;
    const plain = await listenPlain(this.#edge, listen.host, port);
    this.#listening = [plain];
    this.#spread.start();
    if (tls === null) return { host: plain.host, port: plain.port, tlsPort: 0 };
    const identity = { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) };
    const secure = await listenTls(this.#edge, tls.host, tlsPort, identity);
    this.#listening = [plain, secure];
    return { host: plain.host, port: plain.port, tlsPort: secure.port };
  }

  /**
   * Drains (design §6): not ready at once, serves on for `waitMs`, then every answer closes its connection and idle connections are closed.
   * Resolves when nothing is in flight, copies to shadows included, or `graceMs` later. Listeners are closed only at the end.
   */
  async drain(waitMs: number, graceMs: number): Promise<void> {
    const edge = this.#edge;
    edge.ready = false;
    edge.healthWatches.changed();
    await pause(waitMs);
    edge.draining = true;
    edge.healthWatches.changed();
    for (const connection of edge.connections) connection.drain();
    const untilMs = performance.now() + graceMs;
    for (;;) {
      const nowMs = performance.now();
      for (const connection of edge.connections) if (nowMs - connection.idleSinceMs >= idleBeforeCloseMs) connection.destroy();
      if ((edge.connections.size === 0 && edge.shadows.pending === 0) || nowMs >= untilMs) break;
      await pause(Math.min(drainTickMs, untilMs - nowMs));
    }
    this.close();
  }

  /** Ends at once: listeners, connections, pools. */
  close(): void {
    const edge = this.#edge;
    edge.closed = true;
    for (const { server } of this.#listening) server.close();
    for (const connection of edge.connections) connection.destroy();
    edge.pools.close();
    edge.wheel.close();
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
