// The control worker: follows the Source, translates, publishes tables to the data workers, resolves names, serves the admin port.
import { namespacedName } from "../../routing/text/namespaced-name.ts";
import type { MessagePort } from "node:worker_threads";
import type { Source, SourceChange } from "../../k8s/source/objects/source.ts";
import { countedClients, type LimitLook, type LimitMemory } from "../shared/memory/limit-memory.ts";
import { startAdmin, type AdminServer } from "../admin/server.ts";
import { bytesOf } from "../shared/compared-pairs.ts";
import { slicesOfThread } from "../shared/slices.ts";
import type { CredentialLook } from "../callers/shown.ts";
import { postedLog, type Log } from "../shared/log.ts";
import type { ControlStart, ControlToData, DataToControl, FromControl, ToControl } from "../shared/messages.ts";
import { anyResponds, sharedNowMs, startHeartbeat } from "../shared/memory/heartbeat.ts";
import { releaseMemory } from "../shared/release-memory.ts";
import { stepBack } from "../shared/thread-priority.ts";
import { grantDifferences } from "./changes/configured.ts";
import { problemLogMs } from "./status/problem-log.ts";
import { ReviewedViewers } from "./callers/reviewed-viewers.ts";
import { rolloutView } from "./releases/rollout-view.ts";
import { ControlParts } from "./control-parts.ts";
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
  readonly #parts: ControlParts;
  readonly #startedMs = sharedNowMs();
  readonly #channels = new Map<number, MessagePort>();
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
    this.#start = start;
    this.#source = source;
    this.#log = log;
    this.#openLook = openLook;
    this.#openLimits = openLimits;
    this.#parent = parent;
    this.#parts = new ControlParts(start, source, log, {
      tell: (message) => this.#tell(message),
      sendAll: (message) => {
        for (const channel of this.#channels.values()) send(channel, message);
      },
      becameReady: () => this.#becameReady(),
      live: (seconds) => this.#admin?.live(seconds),
    });
  }

  /** Resolves once the first table has left, or the thread cannot start and ends. */
  async open(): Promise<void> {
    this.#parent.on("message", (message: ToControl) => this.#take(message));
    this.#watch();
    try {
      this.#admin = await this.#startAdmin();
      this.#tell({ kind: "admin-listening", host: this.#admin.host, port: this.#admin.port });
      await this.#parts.policies.open();
      await this.#source.start((change) => this.#deliver(change));
      this.#parts.policies.synced();
      this.#parts.certificates.open(this.#parts.translator.current().hosts);
      this.#parts.reconciler.open();
      this.#parts.election?.start();
      this.#parts.releases?.open();
      this.#parts.peers?.start();
      const { grantsBefore, settings } = this.#start;
      if (grantsBefore !== null)
        this.#parts.changes.sent(
          grantDifferences(grantsBefore, settings.grants),
          "decides what manifests may claim from now on",
        );
      // Else once everybody serves.
      if (this.#start.handover.ready) void this.#parts.problemLog.look();
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
      this.#parts.reconciler.sweep(this.#parts.blocks);
    }, sweepMs);
    const measure = (): void => void this.#parts.reconciler.measure(slicesOfThread());
    // Now too: what was counted before the first look is in no window.
    measure();
    const measuring = setInterval(measure, tickMs);
    const looking = setInterval(() => {
      // Before the first table they take time from it.
      if (this.#parts.reconciler.served.version > 0) void this.#parts.problemLog.look();
    }, problemLogMs);
    const staleness = logStaleness(this.#source, this.#log, stalenessTimes);
    const waiting = logWaiting(() => this.#parts.waitsFor(this.#source), this.#log);
    this.#endings.push(
      () => clearInterval(sweeping),
      () => clearInterval(measuring),
      () => clearInterval(looking),
      () => staleness.stop(),
      () => waiting.stop(),
    );
  }

  async #startAdmin(): Promise<AdminServer> {
    const { settings, limits } = this.#start;
    return startAdmin({
      admin: settings.admin,
      peers: this.#parts.peers,
      instance: this.#start.instance,
      countsOf: (predictor) => this.#parts.countsOf(predictor),
      leader: () => this.#parts.election?.leader ?? null,
      view: this.#parts.reconciler,
      requests: this.#parts.requests,
      compared: this.#parts.compared,
      blocks: this.#parts.blocks,
      changes: this.#parts.changes.ring,
      rollouts: () =>
        this.#parts.releases?.views ??
        Array.from(this.#parts.translator.plannedReleases(), (release) => rolloutView(release, null, null, null)),
      countedClients: () => countedClients(limits, sharedNowMs()),
      bodyBytes: settings.limits.bodyBytes,
      oauth: settings.oauth,
      trustedHops: settings.trustedHops,
      openLook: () => (this.#look ??= this.#openLook()),
      openLimits: () => (this.#limits ??= this.#openLimits(limits)),
      viewers: () => this.#parts.policies.viewers,
      reviewed:
        settings.admin.viewers === "subject-access-review" && this.#source.reviews !== null
          ? new ReviewedViewers(this.#source.reviews, () => performance.now())
          : null,
      policy: () => this.#parts.policies.policy,
      policyProblems: () => this.#parts.policies.problems,
      certificateSet: () => this.#parts.certificates.set,
      sourceKind: this.#source.kind,
      sourceAgeSeconds: () => this.#source.ageSeconds(),
      sourceTrouble: () => this.#source.trouble(),
      workers: settings.workers,
      usesRedis: settings.redis !== null,
      nowMs: Date.now,
      faulted: (stack) => this.#log.write("gateway-fault", { stack }),
      notReady: () => this.#parts.waitsFor(this.#source),
      certificates: () => this.#parts.certificates.expiries,
      turns: () => this.#turns(),
      revoker: settings.oauth
        ? {
            hasClient: (namespace, deployment) => this.#parts.translator.hasOAuthClient(namespace, deployment),
            revoke: (revocation) => this.#parts.revocation.revoke(revocation),
          }
        : null,
    });
  }

  #deliver(change: SourceChange): void {
    this.#parts.reconciler.take(change);
    this.#parts.compared.rulesChanged(change.removed.length > 0 ? null : deploymentsIn(change));
    if (this.#parts.reconciler.served.version > 0) this.#parts.problemLog.soon();
    this.#parts.policies.take(change);
    this.#parts.releases?.changed();
    this.#parts.certificates.declare(this.#parts.translator.current().hosts);
    this.#source.follow(new Set([...this.#parts.translator.wantedSecrets, ...this.#parts.policies.wantedSecrets]));
  }

  #becameReady(): void {
    this.#tell({ kind: "ready" });
    stepBack();
    // Not before: to gather those of a large start takes longer than workers need to adopt its table.
    void this.#parts.problemLog.look();
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
        return this.#parts.reconciler.leave(message.worker);
      case "reread":
        return this.#parts.certificates.reread();
      case "drain":
        this.#admin?.drain();
        void this.#parts.election?.release();
        return this.#parts.reconciler.drain();
      case "stop":
        void this.#stop();
    }
  }

  #join(worker: number, channel: MessagePort): void {
    channel.on("message", (answer: DataToControl) => {
      if (answer.kind === "keys-wanted") this.#parts.policies.askKeys(answer.provider);
      else if (answer.kind === "requests") {
        this.#parts.requests.take(answer.entries, answer.leftOut);
        this.#parts.reconciler.counted.told(answer.entries);
      } else if (answer.kind === "pair") {
        const { pair } = answer;
        this.#parts.compared.take(pair, () =>
          send(channel, { kind: "pair-taken", namespace: pair.namespace, bytes: bytesOf(pair) }),
        );
      } else if (answer.kind === "pairs-left-out") this.#parts.compared.takeLeftOut(answer.pairs);
      else if (answer.kind === "revoked") this.#parts.revocation.answered(worker, answer.id, answer.answer);
      else this.#parts.reconciler.from(worker, answer);
    });
    this.#channels.set(worker, channel);
    // Certificates go first: a worker that routes to a host must know the terms of that host.
    const { set } = this.#parts.certificates;
    if (set !== null) send(channel, { kind: "certificates", set });
    if (this.#parts.requests.wantsAll) send(channel, { kind: "report-all", all: true });
    this.#parts.reconciler.join(worker, () => send(channel, { kind: "wake" }));
  }

  async #stop(): Promise<void> {
    for (const end of this.#endings) end();
    for (const part of [
      this.#parts.problemEvents,
      this.#parts.releases,
      this.#parts.policies,
      this.#parts.certificates,
      this.#parts.reconciler,
    ])
      part?.stop();
    void this.#look?.then((opened) => opened.close());
    this.#parts.peers?.stop();
    await this.#parts.election?.release();
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
      anyResponds(this.#parts.blocks.slice(1), workerStallMs, sharedNowMs())
    );
  }

  #tell(message: FromControl): void {
    this.#parent.postMessage(message);
  }
}

function send(channel: MessagePort, message: ControlToData): void {
  channel.postMessage(message);
}

/** As `NAMESPACE/NAME`. */
function deploymentsIn({ set }: SourceChange): readonly string[] {
  return set.flatMap(({ ref }) => (ref.kind === "SeldonDeployment" ? [namespacedName(ref.namespace, ref.name)] : []));
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
