// The control worker: follows the Source, translates, publishes tables to the data workers, resolves names, serves the admin port.
import type { MessagePort } from "node:worker_threads";
import type { Source, SourceChange } from "../../k8s/source/objects/source.ts";
import { countedClients, type LimitLook, type LimitMemory } from "../shared/memory/limit-memory.ts";
import { startAdmin, type AdminServer } from "../admin/server.ts";
import type { CredentialLook } from "../callers/shown.ts";
import { postedLog, type Log } from "../shared/log.ts";
import type { ControlStart, DataToControl, FromControl, ToControl } from "../shared/messages.ts";
import { anyResponds, sharedNowMs, startHeartbeat } from "../shared/memory/heartbeat.ts";
import { releaseMemory } from "../shared/release-memory.ts";
import { stepBack } from "../shared/thread-priority.ts";
import { grantDifferences } from "./changes/configured.ts";
import { ReviewedViewers } from "./callers/reviewed-viewers.ts";
import { rolloutView } from "./releases/rollout-view.ts";
import { ControlParts } from "./parts.ts";
import { take, type Send } from "./part.ts";

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
  #releasing: NodeJS.Timeout | undefined;

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
        for (const channel of this.#channels.values()) channel.postMessage(message);
      },
      becameReady: () => this.#becameReady(),
      live: (seconds) => this.#admin?.live(seconds),
    });
  }

  /** Resolves once the first table has left, or the thread cannot start and ends. */
  async open(): Promise<void> {
    const { all, facts, problemLog } = this.#parts;
    this.#parent.on("message", (message: ToControl) => this.#take(message));
    try {
      this.#admin = await this.#startAdmin();
      this.#tell({ kind: "admin-listening", host: this.#admin.host, port: this.#admin.port });
      for (const part of all) await part.open?.();
      await this.#source.start((change) => this.#deliver(change));
      for (const part of all) part.synced?.();
      const { grantsBefore, settings } = this.#start;
      if (grantsBefore !== null)
        facts.changes.sent(
          grantDifferences(grantsBefore, settings.grants),
          "decides what manifests may claim from now on",
        );
      // Else once everybody serves.
      if (this.#start.handover.ready) void problemLog.look();
    } catch (error) {
      this.#tell({ kind: "failed", sentence: sentenceOf(error) });
      await this.#stop();
      // Whatever a half-started Source still holds must not keep the thread: the supervisor gives the seat to another.
      process.exit(1);
    }
  }

  async #startAdmin(): Promise<AdminServer> {
    const { settings, limits } = this.#start;
    const { facts } = this.#parts;
    return startAdmin({
      admin: settings.admin,
      peers: this.#parts.peers,
      instance: this.#start.instance,
      countsOf: (predictor) => facts.countsOf(predictor),
      leader: () => this.#parts.election?.leader ?? null,
      view: facts.reconciler,
      requests: this.#parts.requests,
      compared: facts.compared,
      blocks: facts.blocks,
      changes: facts.changes.ring,
      rollouts: () =>
        this.#parts.releases?.views ??
        Array.from(facts.translator.plannedReleases(), (release) => rolloutView(release, null, null, null)),
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
            hasClient: (namespace, deployment) => facts.translator.hasOAuthClient(namespace, deployment),
            revoke: (revocation) => this.#parts.revocation.revoke(revocation),
          }
        : null,
    });
  }

  #deliver(change: SourceChange): void {
    const { all, facts, policies } = this.#parts;
    for (const part of all) part.change?.(change);
    this.#source.follow(new Set([...facts.translator.wantedSecrets, ...policies.wantedSecrets]));
  }

  #becameReady(): void {
    this.#tell({ kind: "ready" });
    stepBack();
    // Not before: to gather those of a large start takes longer than workers need to adopt its table.
    void this.#parts.problemLog.look();
    // With what was read, parsed and sent for that, they leave garbage.
    this.#releasing = setTimeout(releaseMemory, releaseMs);
  }

  #take(message: ToControl): void {
    const { all, certificates } = this.#parts;
    switch (message.kind) {
      case "data-worker":
        return this.#join(message.worker, message.channel);
      case "data-worker-gone":
        // What it said last is of the one before: its successor is there already.
        this.#channels.get(message.worker)?.close();
        this.#channels.delete(message.worker);
        for (const part of all) part.leave?.(message.worker);
        return;
      case "reread":
        return certificates.reread();
      case "drain":
        this.#admin?.drain();
        for (const part of all) part.drain?.();
        return;
      case "stop":
        void this.#stop();
    }
  }

  #join(worker: number, channel: MessagePort): void {
    const send: Send = (message) => channel.postMessage(message);
    channel.on("message", (message: DataToControl) => take(this.#parts.taking, message, worker, send));
    this.#channels.set(worker, channel);
    for (const part of this.#parts.all) part.join?.(worker, send);
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#releasing);
    void this.#look?.then((opened) => opened.close());
    await Promise.allSettled(this.#parts.all.toReversed().map(async (part) => part.stop?.()));
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
      anyResponds(this.#parts.facts.blocks.slice(1), workerStallMs, sharedNowMs())
    );
  }

  #tell(message: FromControl): void {
    this.#parent.postMessage(message);
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
