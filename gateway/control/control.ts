// The control worker: follows the Source, translates, publishes tables to the data workers, resolves names, serves the admin port.
import { randomInt } from "node:crypto";
import { lookup } from "node:dns/promises";
import { hostname } from "node:os";
import type { MessagePort } from "node:worker_threads";
import { drawnKey } from "../../routing/collections/digest.ts";
import type { ArmCounts } from "../../release/statistics/arm-counts.ts";
import type { Source, SourceChange } from "../../k8s/source/objects/source.ts";
import { checkReach, readAddress, refusalOf } from "../../k8s/translate/backends/reach.ts";
import { isAnonymousGranted } from "../../k8s/translate/meaning/grant.ts";
import { Translator } from "../../k8s/translate/translator.ts";
import { countedClients, type LimitLook, type LimitMemory } from "../shared/limit-memory.ts";
import { PeerDoor } from "../admin/peer-door.ts";
import type { PredictorKey } from "../admin/view.ts";
import { startAdmin, type AdminServer } from "../admin/server.ts";
import { slicesOfThread } from "../admin/slices.ts";
import { guardProblems } from "../callers/guard-problems.ts";
import type { CredentialLook } from "../callers/shown.ts";
import { build } from "../shared/build.ts";
import { systemClock } from "../shared/clock.ts";
import { postedLog, type Log } from "../shared/log.ts";
import type {
  ControlStart,
  ControlToData,
  DataToControl,
  FromControl,
  ToControl,
  TokensToRevoke,
} from "../shared/messages.ts";
import { anyResponds, sharedNowMs, startHeartbeat } from "../shared/heartbeat.ts";
import { releaseMemory } from "../shared/release-memory.ts";
import { stepBack } from "../shared/thread-priority.ts";
import { fixed } from "../shared/metrics.ts";
import { SharedTable } from "../shared/shared-table.ts";
import { translateSettingsOf } from "../options/translate-settings.ts";
import type { ClaimRecord } from "../../k8s/translate/claims/claim-entry.ts";
import { ownAddresses } from "./upstreams/addresses.ts";
import { certificateDifferences, grantDifferences, policyDifferences } from "./changes/configured.ts";
import { Changes } from "./changes/changes.ts";
import { CertificateStore } from "./certificates/certificate-store.ts";
import { ClaimSync, syncTimes } from "./claim-sync.ts";
import type { Election } from "./leadership/leadership.ts";
import { openElection } from "./leadership/open-election.ts";
import { Releases } from "./releases/releases.ts";
import { callPeer } from "./peers/peer-call.ts";
import { readPeerKey } from "./peers/peer-key.ts";
import { Peers } from "./peers/peers.ts";
import { ComparisonBook } from "./comparisons/comparison-book.ts";
import { RequestBook } from "./failures/request-book.ts";
import { ProblemEvents, problemEventTimes } from "./status/problem-events.ts";
import { changeEventOf } from "./status/change-event.ts";
import { ProblemLog, problemLogMs } from "./status/problem-log.ts";
import { probeEndpoint } from "./upstreams/health-probe.ts";
import { fetchAnswer, fetchJwks, type Reach } from "./callers/jwks-fetch.ts";
import { PolicyWatcher, policyLookMs } from "./callers/policy-watcher.ts";
import { ReviewedViewers } from "./callers/reviewed-viewers.ts";
import { Readiness } from "./status/readiness.ts";
import { Reconciler } from "./reconcile.ts";
import { TokenRevocation } from "./callers/token-revocation.ts";
import { logStaleness, stalenessTimes } from "./status/staleness.ts";
import { logWaiting } from "./status/waiting-log.ts";
import { tickMs } from "./measured/cell-windows.ts";

/** Time between two looks for slots that nobody can count in any more. */
const sweepMs = 30_000;
/** So long after the gateway is ready the memory of its start is given back: that stops this thread for some 0.2 s, and those who wait for /readyz are answered first. */
const releaseMs = 300;
/** Data workers turn at the latest this long after the control worker has started. */
const startGraceMs = 5000;

/**
 * Runs until the supervisor says `stop`, or ends the thread when it cannot start. `open` gives the Source or rejects with one sentence;
 * `openLook` gives who looks at credentials, when somebody first asks, and `openLimits` who looks at limits; `parent` is the supervisor's port.
 */
export async function startControl(
  start: ControlStart,
  open: (log: Log) => Promise<Source>,
  openLook: () => Promise<CredentialLook>,
  openLimits: (memory: LimitMemory) => Promise<LimitLook>,
  parent: MessagePort,
): Promise<void> {
  const tell = (message: FromControl): void => parent.postMessage(message);
  startHeartbeat(new Float64Array(start.base));
  const log = postedLog((lines) => tell({ kind: "log", lines }));
  let source: Source;
  try {
    source = await open(log);
  } catch (error) {
    tell({ kind: "failed", sentence: sentenceOf(error) });
    log.flush();
    process.exit(1);
  }
  await new ControlWorker(start, source, log, openLook, openLimits, parent).open();
}

/**
 * The control worker in its stages: made (each part from those before it; it reads and sends nothing yet), opened (the admin port answers,
 * the sources are read, the first table leaves), serving (messages and changes), stopping.
 */
class ControlWorker {
  readonly #start: ControlStart;
  readonly #source: Source;
  readonly #log: Log;
  readonly #openLook: () => Promise<CredentialLook>;
  readonly #openLimits: (memory: LimitMemory) => Promise<LimitLook>;
  readonly #parent: MessagePort;
  /** Counters: those of ended workers, then one block a data worker. */
  readonly #blocks: readonly Float64Array[];
  readonly #startedMs = sharedNowMs();
  readonly #translator: Translator;
  readonly #changes: Changes;
  readonly #reconciler: Reconciler;
  readonly #policies: PolicyWatcher;
  /** What servers that the policy names may be dialled at. */
  readonly #reach: Reach;
  readonly #channels = new Map<number, MessagePort>();
  readonly #certificates: CertificateStore;
  /** null: this thread alone says who holds what. */
  readonly #claims: ClaimSync | null;
  /** Which replica decides about releases; null: none has to. */
  readonly #election: Election | null;
  /** null: no traffic moves by itself. */
  readonly #releases: Releases | null;
  /** The other replicas; null: none is asked, and none answered. */
  readonly #peers: Peers | null;
  readonly #revocation: TokenRevocation;
  readonly #problemEvents: ProblemEvents | null;
  readonly #problemLog: ProblemLog;
  readonly #requests = new RequestBook((all) => {
    for (const channel of this.#channels.values()) send(channel, { kind: "report-all", all });
  });
  readonly #compared = new ComparisonBook();
  #admin: AdminServer | null = null;
  #look: Promise<CredentialLook> | null = null;
  #limits: Promise<LimitLook> | null = null;
  /** What ends with this thread and needs no waiting for. */
  readonly #endings: (() => void)[] = [];

  constructor(
    start: ControlStart,
    source: Source,
    log: Log,
    openLook: () => Promise<CredentialLook>,
    openLimits: (memory: LimitMemory) => Promise<LimitLook>,
    parent: MessagePort,
  ) {
    const { settings, handover } = start;
    this.#start = start;
    this.#source = source;
    this.#log = log;
    this.#openLook = openLook;
    this.#openLimits = openLimits;
    this.#parent = parent;
    this.#blocks = [start.base, ...start.counters].map((buffer) => new Float64Array(buffer));
    const translate = translateSettingsOf(
      settings,
      [...ownAddresses(settings), ...source.forbiddenAddresses],
      "unready",
      source.releases !== null,
    );
    this.#translator = new Translator(
      translate,
      { kind: source.claims === null ? "here" : "elsewhere", held: handover.held },
      drawnKey(randomInt),
    );
    const [base] = this.#blocks;
    this.#changes = new Changes({
      log,
      clock: systemClock,
      nowMs: epochMs,
      count: (outcome, count) => (base![fixed.changes[outcome]]! += count),
      told: (change) => {
        const event = changeEventOf(change);
        if (event !== null) this.#problemEvents?.changed(event);
      },
    });
    this.#reconciler = new Reconciler(
      this.#translator,
      new SharedTable(start.table),
      handover,
      new Readiness(settings.workers, handover.ready),
      {
        isOneNamespace: settings.namespaces.length === 1,
        blocks: [start.base, ...start.counters],
        lookup: addressesOf,
        probe: probeEndpoint,
        refuse: (upstream, ip) => checkReach(translate, upstream, ip),
        nowMs: epochMs,
        keep: (change) => this.#tell({ kind: "kept", change }),
        changes: this.#changes,
        ready: () => this.#becameReady(),
        oauthClients: (change) => {
          if (settings.oauth) this.#tell({ kind: "oauth-clients", change });
        },
        live: (seconds) => this.#admin?.live(seconds),
      },
    );
    const problemsChanged = (): void => this.#reconciler.otherProblemsChanged();
    this.#reach = { lookup: addressesOf, refuse: (ip, port) => refusalOf(translate, readAddress(ip), port) };
    this.#policies = new PolicyWatcher(settings.policyFile, start.policy, {
      log,
      changed: (kept, before) => {
        this.#tell({ kind: "policy", kept });
        if (before !== null) this.#changes.sent(policyDifferences(before, kept.policy));
      },
      problemsChanged,
      opens: isAnonymousGranted(settings.grants),
      lookMs: policyLookMs,
      clock: systemClock,
      fetchKeys: (url) => fetchJwks(url, this.#reach),
      keysLooked: (provider) => this.#tell({ kind: "keys-looked", provider }),
    });
    this.#certificates = new CertificateStore(settings.tls, start.certificates, {
      log,
      nowMs: Date.now,
      publish: (set, before, expiries) => {
        this.#tell({ kind: "certificates", set });
        for (const channel of this.#channels.values()) send(channel, { kind: "certificates", set });
        if (before !== null) this.#changes.sent(certificateDifferences(before.entries, set.entries, expiries));
      },
      problemsChanged,
    });
    this.#claims =
      source.claims === null
        ? null
        : new ClaimSync(
            source.claims,
            this.#translator,
            {
              nowMs: epochMs,
              random: Math.random,
              log,
              isCurrent: () => source.trouble() === null,
              recorded: (record: ClaimRecord) => this.#reconciler.record(record),
              problemsChanged,
            },
            syncTimes,
          );
    this.#reconciler.gatherAlso(() => [
      ...(this.#releases?.problems ?? []),
      ...(this.#claims?.problems ?? []),
      ...this.#policies.problems,
      ...guardProblems(this.#translator.guards(), this.#policies.policy),
      ...this.#certificates.problems,
    ]);
    this.#election = openElection(source, {
      self: `${hostname()}_${start.instance}`,
      clock: systemClock,
      epochMs: Date.now,
      random: Math.random,
      log,
    });
    this.#releases =
      source.releases === null
        ? null
        : new Releases(source.releases, {
            instance: start.instance,
            leadership: this.#election,
            peers: () => this.#peers,
            log,
            clock: systemClock,
            nowMs: Date.now,
            planned: () => this.#translator.plannedReleases(),
            exists: (namespace, name) => this.#translator.hasDeployment(namespace, name),
            recorded: (record) => this.#reconciler.release(record),
            problemsChanged,
            totalOf: (predictor) => this.#countsOf(predictor),
          });
    this.#peers =
      settings.peers === null
        ? null
        : new Peers(settings.peers.places, {
            clock: systemClock,
            epochMs: Date.now,
            instance: start.instance,
            version: build.version,
            readKey: () => readPeerKey(settings.peers!.keyFile),
            finder: source.replicas,
            call: callPeer,
            tableHash: () => this.#reconciler.served.hash,
          });
    this.#revocation = new TokenRevocation(settings.workers, systemClock);
    this.#problemEvents =
      source.events === null ? null : new ProblemEvents(source.events, problemEventTimes, log, systemClock);
    this.#problemLog = new ProblemLog({
      log,
      clock: systemClock,
      gather: () => this.#reconciler.gatherProblems(slicesOfThread()),
      gathered: (problems) => this.#problemEvents?.take(problems),
      changed: (fresh, gone) => this.#changes.problems(fresh, gone),
    });
  }

  /** Resolves once the first table has left, or the thread cannot start and ends. */
  async open(): Promise<void> {
    this.#parent.on("message", (message: ToControl) => this.#take(message));
    this.#watch();
    try {
      this.#admin = await this.#startAdmin();
      this.#tell({ kind: "admin-listening", host: this.#admin.host, port: this.#admin.port });
      await this.#policies.open();
      await this.#source.start((change) => this.#deliver(change));
      this.#policies.synced();
      this.#certificates.open(this.#translator.current().hosts);
      // Before the first table: what is contested is decided by the record, or by nobody.
      await this.#claims?.open();
      this.#reconciler.open();
      this.#election?.start();
      this.#releases?.open();
      this.#peers?.start();
      const { grantsBefore, settings } = this.#start;
      if (grantsBefore !== null)
        this.#changes.sent(
          grantDifferences(grantsBefore, settings.grants),
          "decides what manifests may claim from now on",
        );
      // Else once everybody serves.
      if (this.#start.handover.ready) void this.#problemLog.look();
    } catch (error) {
      this.#tell({ kind: "failed", sentence: sentenceOf(error) });
      await this.#stop();
      // Whatever a half-started Source still holds must not keep the thread: the supervisor gives the seat to another.
      process.exit(1);
    }
  }

  /** What happens at its time from now on. */
  #watch(): void {
    const sweeping = setInterval(() => {
      this.#reconciler.sweep(this.#blocks);
      this.#claims?.sweep();
    }, sweepMs);
    const measure = (): void => void this.#reconciler.measure(slicesOfThread());
    // Now too: what was counted before the first look is in no window.
    measure();
    const measuring = setInterval(measure, tickMs);
    const looking = setInterval(() => {
      // Before the first table they take time from it.
      if (this.#reconciler.served.version > 0) void this.#problemLog.look();
    }, problemLogMs);
    const staleness = logStaleness(this.#source, this.#log, stalenessTimes);
    const waiting = logWaiting(() => this.#waitsFor(), this.#log);
    this.#endings.push(
      () => clearInterval(sweeping),
      () => clearInterval(measuring),
      () => clearInterval(looking),
      () => staleness.stop(),
      () => waiting.stop(),
    );
  }

  /** Everything that was counted of a predictor. */
  #countsOf(predictor: PredictorKey): ArmCounts {
    const { namespace, deployment, predictor: name } = predictor;
    return {
      ...this.#reconciler.totalOf(predictor),
      compared: this.#compared.comparedPairs(namespace, deployment, name),
    };
  }

  async #startAdmin(): Promise<AdminServer> {
    const { settings, limits } = this.#start;
    const peers = this.#peers;
    return startAdmin({
      admin: settings.admin,
      peers:
        peers === null
          ? null
          : {
              door: new PeerDoor(
                () => peers.keys,
                () => performance.now(),
              ),
              instance: this.#start.instance,
              countsOf: (predictor) => this.#countsOf(predictor),
              get status() {
                return peers.status;
              },
            },
      leader: () => this.#election?.leader ?? null,
      view: this.#reconciler,
      requests: this.#requests,
      compared: this.#compared,
      blocks: this.#blocks,
      changes: this.#changes.ring,
      rollouts: () => this.#releases?.views ?? [],
      countedClients: () => countedClients(limits, sharedNowMs()),
      bodyBytes: settings.limits.bodyBytes,
      oauth: settings.oauth,
      trustedHops: settings.trustedHops,
      openLook: () => (this.#look ??= this.#openLook()),
      openLimits: () => (this.#limits ??= this.#openLimits(limits)),
      viewers: () => this.#policies.viewers,
      reviewed:
        settings.admin.viewers === "subject-access-review" && this.#source.reviews !== null
          ? new ReviewedViewers(this.#source.reviews, () => performance.now())
          : null,
      policy: () => this.#policies.policy,
      policyProblems: () => this.#policies.problems,
      certificateSet: () => this.#certificates.set,
      sourceKind: this.#source.kind,
      sourceAgeSeconds: () => this.#source.ageSeconds(),
      sourceTrouble: () => this.#source.trouble(),
      workers: settings.workers,
      usesRedis: settings.redis !== null,
      nowMs: Date.now,
      notReady: () => this.#waitsFor(),
      certificates: () => this.#certificates.expiries,
      turns: () => this.#turns(),
      revoker: settings.oauth
        ? {
            clientOf: (namespace, deployment) => this.#translator.oauthClientOf(namespace, deployment),
            revoke: (tokens: TokensToRevoke) => this.#revocation.revoke(tokens),
          }
        : null,
    });
  }

  #deliver(change: SourceChange): void {
    this.#reconciler.take(change);
    if (this.#reconciler.served.version > 0) this.#problemLog.soon();
    this.#policies.take(change);
    this.#claims?.changed();
    this.#releases?.changed();
    this.#certificates.declare(this.#translator.current().hosts);
    this.#source.follow(new Set([...this.#translator.wantedSecrets, ...this.#policies.wantedSecrets]));
  }

  #becameReady(): void {
    this.#tell({ kind: "ready" });
    stepBack();
    // Not before: to gather those of a large start takes longer than workers need to adopt its table.
    void this.#problemLog.look();
    // With what was read, parsed and sent for that, they leave garbage.
    const releasing = setTimeout(releaseMemory, releaseMs);
    this.#endings.push(() => clearTimeout(releasing));
  }

  #take(message: ToControl): void {
    switch (message.kind) {
      case "data-worker":
        return this.#join(message.worker, message.channel);
      case "data-worker-gone":
        // What it said last is of the one before: its successor is there already.
        this.#channels.get(message.worker)?.close();
        this.#channels.delete(message.worker);
        this.#revocation.leave(message.worker);
        return this.#reconciler.leave(message.worker);
      case "comparing":
        return this.#compared.join(message.channel);
      case "reread":
        return this.#certificates.reread();
      case "drain":
        this.#admin?.drain();
        void this.#election?.release();
        return this.#reconciler.drain();
      case "stop":
        void this.#stop();
    }
  }

  #join(worker: number, channel: MessagePort): void {
    channel.on("message", (answer: DataToControl) => {
      if (answer.kind === "keys-wanted") this.#policies.askKeys(answer.provider);
      else if (answer.kind === "ask")
        void fetchAnswer(answer.question, this.#reach).then((got) => answer.answer.postMessage(got));
      else if (answer.kind === "requests") {
        this.#requests.take(answer.entries, answer.leftOut);
        this.#reconciler.told(answer.entries);
      } else if (answer.kind === "revoked") this.#revocation.answered(worker, answer.id, answer.answer);
      else this.#reconciler.from(worker, answer);
    });
    this.#channels.set(worker, channel);
    // Certificates go first: a worker that routes to a host must know the terms of that host.
    const { set } = this.#certificates;
    if (set !== null) send(channel, { kind: "certificates", set });
    if (this.#requests.wantsAll) send(channel, { kind: "report-all", all: true });
    this.#revocation.join(worker, (id, tokens) => send(channel, { kind: "revoke", id, tokens }));
    this.#reconciler.join(worker, () => send(channel, { kind: "wake" }));
  }

  async #stop(): Promise<void> {
    for (const end of this.#endings) end();
    for (const part of [
      this.#problemEvents,
      this.#claims,
      this.#releases,
      this.#policies,
      this.#certificates,
      this.#reconciler,
    ])
      part?.stop();
    void this.#look?.then((opened) => opened.close());
    this.#peers?.stop();
    await this.#election?.release();
    await Promise.allSettled([this.#source.stop(), this.#admin?.close()]);
    this.#log.flush();
    this.#tell({ kind: "stopped" });
    this.#parent.close();
  }

  /** Does a data worker turn? They start beside this thread: at first they need not yet. */
  #turns(): boolean {
    const { workerStallMs } = this.#start.settings;
    return (
      sharedNowMs() - this.#startedMs < Math.max(workerStallMs, startGraceMs) ||
      anyResponds(this.#blocks.slice(1), workerStallMs, sharedNowMs())
    );
  }

  /** Why the gateway is not ready, for people; null: it is. */
  #waitsFor(): string | null {
    return this.#reconciler.ready
      ? null
      : (this.#source.trouble() ?? this.#policies.waitsFor ?? this.#reconciler.waitsFor);
  }

  #tell(message: FromControl): void {
    this.#parent.postMessage(message);
  }
}

function send(channel: MessagePort, message: ControlToData): void {
  channel.postMessage(message);
}

async function addressesOf(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
