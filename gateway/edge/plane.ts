// DataPlane: one worker's data plane. Holds the one reference to the current table, listens, drains. It needs no thread of its own.
import { noPolicy, type CallPolicy } from "../callers/call-policy.ts";
import { noExternalServices } from "../../routing/model/external-services.ts";
import type { FrontSettings } from "../../routing/model/table-change.ts";
import { pause, type Clock } from "../shared/clock.ts";
import type { CertificateSet } from "../shared/certificates.ts";
import type { Plane, PlaneStart } from "../shared/data-plane.ts";
import type { OAuthClientsChange } from "../callers/oauth-client.ts";
import type { Revocation } from "../callers/oauth-token.ts";
import { oauthSecrets } from "../callers/oauth-place.ts";
import { fixed } from "../shared/metrics/fixed.ts";
import type { RevokedAnswer } from "../shared/messages.ts";
import type { Settings } from "../options/settings.ts";
import { plainTlsDefaults } from "../options/tls-defaults.ts";
import { replicaOf } from "../shared/memory/limit-memory.ts";
import { ExternalClients } from "./external/external-clients.ts";
import { OAuthClients } from "./oauth/oauth-clients.ts";
import { OAuthGateway } from "./oauth/oauth-gateway.ts";
import { OAuthTokens } from "./oauth/oauth-tokens.ts";
import { LazyMapping, type Compiler } from "./policy/compiled-mapping.ts";
import { leftOutEntry } from "./access/access-entry.ts";
import { AccessBudget } from "./access/access-budget.ts";
import { DownstreamContext } from "./downstream/downstream-context.ts";
import { ServedStreams } from "./downstream/http2-streams.ts";
import { CurrentTable } from "./exchange/current-table.ts";
import { ExchangeContext } from "./exchange/exchange-context.ts";
import { restOften } from "./exchange/table-rest.ts";
import { Callers } from "./identity/callers.ts";
import { frontOf } from "./io/front.ts";
import { WorkerContext } from "./io/worker-context.ts";
import { RedisStore } from "./store/redis.ts";
import { LeaseBook } from "./limits/lease-book.ts";
import { Limiter } from "./limits/limiter.ts";
import { noRoom, Revocations } from "./store/revocations.ts";
import { Captures } from "./shadow/captures.ts";
import { ShadowSender } from "./shadow/shadow-sender.ts";
import { UpstreamRegistry } from "./upstream/registry.ts";
import { doorOf, type Door, type OwnPorts } from "./tls/door.ts";
import { ServedCertificates } from "./tls/served-certificates.ts";
import { UpstreamContext } from "./upstream/upstream-context.ts";
import { gatesOf } from "./policy/gates.ts";
import type { Step } from "./steps/step.ts";
import { listenPlain, listenTls, type Listening } from "./downstream/listener.ts";
import { mustSpeakOn } from "./downstream/proxy-protocol.ts";
import { Spread } from "./downstream/spread.ts";

/** While draining, a connection is closed when it has been idle for so long: one that was just used may be used again. */
const idleBeforeCloseMs = 1000;
const drainTickMs = 50;
/** Requests of a worker that the control worker hears of, failures and others each; see `AccessBudget`. */
const maxReportsPerSecond = 200;
/** Lines about bugs, of a worker. */
const maxFaultsPerSecond = 10;
/** What Redis gets for its first connection before a worker listens. */
const redisStartMs = 1000;

export class DataPlane implements Plane {
  readonly #clock: Clock;
  readonly #worker: WorkerContext;
  readonly #pools: UpstreamRegistry;
  readonly #compiler: Compiler;
  readonly #exchange: ExchangeContext;
  readonly #downstream: DownstreamContext;
  readonly #streams: ServedStreams;
  readonly #settings: Settings;
  readonly #spread: Spread;
  readonly #certificates: ServedCertificates;
  readonly #table: CurrentTable;
  readonly #callers: Callers;
  readonly #endRest: () => void;
  #frontSaid: FrontSettings | null = null;
  /** null: what would be shared stays in the memory of the process. */
  readonly #redis: RedisStore | null;
  readonly #leases: LeaseBook | null;
  readonly #oauthClients = new OAuthClients();
  readonly #tokens: OAuthTokens;
  readonly #revocations: Revocations;
  #listening: readonly Listening[] = [];
  /** As clients name them; what is bound, once it is. */
  #ports: OwnPorts;
  /** What certificates say of hosts and connections; null: nothing. */
  #door: Door | null = null;

  /** `plantedSteps`: steps of tests, which every request takes first. */
  constructor(start: PlaneStart, plantedSteps: readonly Step[] = []) {
    const { settings, clock, counters, rateLimits } = start;
    const { limits } = settings;
    this.#settings = settings;
    this.#ports = { cleartext: settings.listen.port, tls: settings.tls?.port ?? 0 };
    this.#clock = clock;
    // io
    this.#worker = workerOf(start);
    // store
    this.#redis = redisOf(start, this.#worker);
    if (start.oauthClients !== null) this.#oauthClients.apply({ whole: true, set: start.oauthClients, removed: [] });
    const epochMs = (): number => Date.now();
    this.#tokens = new OAuthTokens(start.oauthKeys, this.#oauthClients, epochMs);
    this.#revocations = new Revocations({ revoked: start.revoked, redis: this.#redis, clock, epochMs });
    // tls
    this.#certificates = new ServedCertificates(clock, start.ticketSeed, settings.tls?.defaults ?? plainTlsDefaults);
    // upstream, with the table that says which there are
    const upstream = new UpstreamContext(this.#worker, start.used);
    this.#table = new CurrentTable(start.table, start.reader, {
      attach: (mapping, slot) => {
        counters.willCount(slot);
        return new LazyMapping(mapping, slot, this.#compiler);
      },
      taken: (upstreams) => {
        this.#takeFront();
        this.#pools.changed(upstreams);
        const { external } = this.#table.taken.settings;
        if (external !== this.#compiler.external.services)
          this.#compiler.external = new ExternalClients(external, upstream, this.#pools);
      },
    });
    this.#endRest = restOften(clock, this.#table, (error) => this.#worker.faulted(error));
    this.#pools = new UpstreamRegistry(upstream, this.#table);
    // identity
    this.#callers = new Callers(
      start.policy ?? (settings.policyFile === null ? noPolicy : null),
      { clock, epochMs: Date.now, askKeys: start.askKeys },
      counters,
    );
    this.#noteSecrets();
    // limits
    this.#leases = leasesOf(start, this.#redis);
    // policy
    this.#compiler = {
      pools: this.#pools,
      defaultIdleTimeoutMs: limits.streamIdleTimeoutMs,
      limits,
      external: new ExternalClients(noExternalServices, upstream, this.#pools),
      callers: this.#callers,
      limiter: new Limiter(rateLimits.memory, rateLimits.aheadMs, this.#worker, this.#leases),
      puidKeys: start.puidKeys,
      evidence: start.evidence,
      plantedSteps,
    };
    const [clients, tokens, revocations] = [this.#oauthClients, this.#tokens, this.#revocations];
    const oauth = settings.oauth ? new OAuthGateway({ clients, tokens, revocations, counters }) : null;
    // exchange
    this.#exchange = new ExchangeContext(
      upstream,
      new ShadowSender(upstream, new Captures(this.#worker, start.compare, 1 + start.others.length)),
      this.#table,
      oauth,
      () => this.lacks,
    );
    // downstream
    this.#downstream = new DownstreamContext(this.#exchange);
    this.#streams = new ServedStreams(this.#downstream);
    this.#spread = new Spread(this.#downstream);
  }

  /** What the table says of connections and requests is in force from now on. */
  #takeFront(): void {
    const { front } = this.#table.taken.settings;
    if (front === this.#frontSaid) return;
    this.#frontSaid = front;
    this.#worker.front = frontOf(this.#settings, front);
    this.#exchange.gates = gatesOf(this.#worker.front, this.#door);
  }

  woken(): void {
    this.#worker.tick();
    try {
      this.#table.woken();
    } catch (error) {
      this.#worker.faulted(error);
    }
    this.#downstream.healthWatches.changed();
  }

  get lacks(): string | null {
    if (this.#callers.policy === null) return "the policy (--policy)";
    if (this.#settings.oauth && !this.#oauthClients.known) return "the clients of the OAuth gateway";
    return this.#settings.tls !== null && !this.#certificates.known ? "certificates" : null;
  }

  reportAll(all: boolean): void {
    this.#worker.reportsAll = all;
  }

  setPolicy(policy: CallPolicy): void {
    this.#callers.setPolicy(policy);
    this.#noteSecrets();
    this.#downstream.healthWatches.changed();
  }

  /** Lines of the log keep to themselves what may be a credential in a query, also of requests that nobody asked for it. */
  #noteSecrets(): void {
    const { parameters } = this.#callers;
    this.#worker.secretParameters =
      parameters === null || !this.#settings.oauth ? parameters : [...parameters, ...oauthSecrets];
  }

  keysLooked(provider: string): void {
    this.#callers.keysLooked(provider);
  }

  setOAuthClients(change: OAuthClientsChange): void {
    this.#oauthClients.apply(change);
    this.#downstream.healthWatches.changed();
  }

  setOAuthKeys(keys: readonly Uint8Array[]): void {
    this.#tokens.setKeys(keys);
  }

  revoke(revocation: Revocation | null): Promise<RevokedAnswer> {
    return revocation === null ? Promise.resolve(noRoom) : this.#revocations.revoke(revocation);
  }

  get served(): { readonly version: number; readonly atMs: number } {
    return this.#table.served;
  }

  /**
   * Listens on the traffic port, and on the TLS port where there is one (0 otherwise): without certificates its handshakes fail. Port 0 is any free one. Rejects when an
   * address cannot be bound.
   */
  async listen(
    port: number,
    tlsPort: number,
  ): Promise<{ readonly host: string; readonly port: number; readonly tlsPort: number }> {
    const { listen, tls, proxyProtocol } = this.#settings;
    // A gateway that has just started would refuse what it could do a moment later. Without Redis it serves what it can.
    if (this.#redis !== null) await Promise.race([this.#redis.opened, pause(this.#clock, redisStartMs)]);
    const acceptor = { context: this.#downstream, streams: this.#streams };
    const plain = await listenPlain(acceptor, listen.host, port, mustSpeakOn("plain", proxyProtocol));
    this.#listening = [plain];
    this.#spread.start();
    if (tls === null) return { host: plain.host, port: plain.port, tlsPort: 0 };
    const secure = await listenTls(acceptor, tls.host, tlsPort, this.#certificates, mustSpeakOn("tls", proxyProtocol));
    this.#listening = [plain, secure];
    this.#ports = { cleartext: plain.port, tls: secure.port };
    return { host: plain.host, port: plain.port, tlsPort: secure.port };
  }

  setCertificates(set: CertificateSet): void {
    this.#certificates.take(set);
    this.#downstream.healthWatches.changed();
    this.#door = doorOf(set, this.#ports);
    this.#exchange.gates = gatesOf(this.#worker.front, this.#door);
  }

  /**
   * Drains: not ready at once, serves on for `waitMs`, then every answer closes its connection and idle connections are closed.
   * Resolves when nothing is in flight, copies to shadows included, or `graceMs` later. Listeners are closed only at the end.
   */
  async drain(waitMs: number, graceMs: number): Promise<void> {
    const { connections, healthWatches } = this.#downstream;
    this.#exchange.draining = true;
    healthWatches.changed();
    await pause(this.#clock, waitMs);
    this.#downstream.draining = true;
    healthWatches.changed();
    for (const connection of connections) connection.drain();
    const untilMs = this.#clock.now() + graceMs;
    for (;;) {
      const nowMs = this.#clock.now();
      for (const connection of connections)
        if (nowMs - connection.idleSinceMs >= idleBeforeCloseMs) connection.destroy();
      if ((connections.size === 0 && this.#exchange.shadows.pending === 0) || nowMs >= untilMs) break;
      await pause(this.#clock, Math.min(drainTickMs, untilMs - nowMs));
    }
    this.close();
  }

  /** Ends at once: listeners, connections, pools. */
  close(): void {
    this.#worker.closed = true;
    this.#endRest();
    for (const { server } of this.#listening) server.close();
    for (const connection of this.#downstream.connections) connection.destroy();
    this.#pools.close();
    this.#leases?.close();
    this.#redis?.close();
    this.#callers.close();
    this.#worker.wheel.close();
  }
}

/** The worker itself, whose log leaves out what is too much. */
function workerOf({ settings, clock, counters, others, heavyUse, log, say, reports }: PlaneStart): WorkerContext {
  const { accessLog, limits } = settings;
  const worker = new WorkerContext({
    settings,
    clock,
    counters,
    others,
    heavyUse,
    log: (flag, namespace, isFailure, entry) => {
      const { nowMs } = worker;
      // By option, or since too many are written about this failure, none is written.
      const isWritten =
        accessLog === "all" || (isFailure && accessLog === "errors" && lines.admits(flag, namespace, nowMs));
      const isReported = isFailure
        ? failures.admits("", namespace, nowMs)
        : worker.reportsAll && successes.admits("", namespace, nowMs);
      if (!isWritten && !isReported) return;
      const made = entry();
      if (isWritten) log(made);
      if (isReported) reports.take(made, isFailure);
    },
    faulted: (error) => {
      counters.add(fixed.faults, 1);
      if (!faults.admits("", "", worker.nowMs)) return;
      say("gateway-fault", { stack: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    },
  });
  const lines = new AccessBudget(worker.wheel, limits.accessLinesPerSecond, (flag, count) =>
    log(leftOutEntry(flag, count)),
  );
  const faults = new AccessBudget(worker.wheel, maxFaultsPerSecond, (_, count) =>
    say("gateway-faults-left-out", { count }),
  );
  const [failures, successes] = [true, false].map(
    (isFailure) => new AccessBudget(worker.wheel, maxReportsPerSecond, (_, count) => reports.leftOut(isFailure, count)),
  ) as [AccessBudget, AccessBudget];
  return worker;
}

function redisOf({ settings, clock, counters, say }: PlaneStart, worker: WorkerContext): RedisStore | null {
  return settings.redis === null
    ? null
    : new RedisStore(settings.redis, { clock, counters, say, faulted: (error) => worker.stepFaulted(error) });
}

/** null: each replica counts for itself. */
function leasesOf({ settings, clock, others, rateLimits }: PlaneStart, redis: RedisStore | null): LeaseBook | null {
  return redis === null
    ? null
    : new LeaseBook({
        store: redis,
        clock,
        workers: others.length + 1,
        most: settings.limits.rateLimitClients,
        replica: replicaOf(rateLimits.memory),
      });
}
