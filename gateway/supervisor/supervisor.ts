// The supervisor: the main thread. It starts one control worker and N data workers, connects them, replaces any that ends, keeps what a
// control worker leaves to its successor, and drains. It serves nothing and parses nothing, so that nothing can end it.
import { MessageChannel, type Worker } from "node:worker_threads";
import { CounterBlock } from "../shared/memory/counters.ts";
import { fixed } from "../shared/metrics/fixed.ts";
import type { Gateway } from "./gateway.ts";
import type { LogEnd } from "../shared/log.ts";
import type { FromControl, FromData, ToControl, ToData } from "../shared/messages.ts";
import { releaseMemory } from "../shared/release-memory.ts";
import { maxSeeds } from "../options/seeds.ts";
import type { Settings } from "../options/settings.ts";
import { startThread } from "../start-thread.ts";
import { clearGauges } from "./gauges.ts";
import { SupervisorState } from "./state.ts";
import { stallLimits, StallJudge } from "./stall.ts";
import { SupervisedThread } from "./supervised-thread.ts";
import { within } from "./within.ts";

/** Time that threads get beyond their own limits before they are ended. */
const stopMs = 3000;

const oauthKeySentence = `the file of --oauth-key has no keys, so Sluice keeps those from before: write 1 to ${maxSeeds} lines, each as \`openssl rand -base64 48\` prints it, and send SIGHUP again`;

interface DataPlace {
  readonly place: SupervisedThread;
  readonly block: SharedArrayBuffer;
  listening: boolean;
  drained: () => void;
}

export class Supervisor implements Gateway {
  readonly #logs: LogEnd;
  readonly #state: SupervisorState;
  readonly #baseCounters: CounterBlock;
  readonly #data: readonly DataPlace[];
  readonly #control: SupervisedThread;
  #tlsPort = 0;
  #ready = false;
  /** Draining, or given up: threads that end are not replaced. */
  #ending = false;
  #controlStopped: () => void = () => {};
  /** The control worker was told to end, and another takes its place with changed settings. */
  #renewing = false;
  readonly #stalls: StallJudge;
  /** Resolves `start`. */
  #started: (failure: string | null) => void = () => {};

  constructor(settings: Settings, logs: LogEnd) {
    this.#logs = logs;
    this.#state = new SupervisorState(settings, logs.log);
    this.#baseCounters = new CounterBlock(this.#state.base);
    this.#data = this.#state.blocks.map((block, worker) => ({
      place: new SupervisedThread({
        start: (replacement) => this.#startData(worker, replacement),
        ended: (reason, stack) => this.#dataEnded(worker, reason, stack),
      }),
      block,
      listening: false,
      drained: () => {},
    }));
    this.#control = new SupervisedThread({
      start: () => this.#startControl(),
      ended: (reason, stack) => this.#controlEnded(reason, stack),
    });
    const limits = stallLimits(settings.workerStallMs, () => this.#isStarting());
    const watched = [
      ...this.#data.map(({ place, block }, worker) => ({
        name: `data-${worker}`,
        place,
        cells: new Float64Array(block),
        limitMs: limits.data,
      })),
      { name: "control", place: this.#control, cells: this.#baseCounters.cells, limitMs: limits.control },
    ];
    this.#stalls = new StallJudge(watched, logs.log, this.#baseCounters);
  }

  get listen(): { readonly host: string; readonly port: number } {
    return { host: this.#state.settings.listen.host!, port: this.#state.settings.listen.port };
  }

  get admin(): { readonly host: string; readonly port: number } {
    return { host: this.#state.settings.admin.host!, port: this.#state.settings.admin.port };
  }

  get tlsPort(): number {
    return this.#tlsPort;
  }

  /** Null once ready, or why it cannot start. */
  async start(): Promise<string | null> {
    const failure = await new Promise<string | null>((resolve) => {
      this.#started = resolve;
      // With port 0 the first worker alone: its port is everybody's, and the control worker must know the gateway's own addresses.
      this.#data[0]!.place.open();
      if (this.#state.settings.listen.port !== 0 && this.#state.settings.tls?.port !== 0) this.#openOthers();
    });
    if (failure !== null) await this.#terminate();
    return failure;
  }

  reload(grants: Settings["grants"] | null): void {
    if (this.#ending) return;
    this.#toControl({ kind: "reread" });
    this.#rereadOAuthKeys();
    if (grants === null || JSON.stringify(grants) === JSON.stringify(this.#state.settings.grants)) return;
    this.#state.setGrants(grants);
    this.#logs.log.write("grants-changed", { grants: grants.length });
    const { worker } = this.#control;
    if (worker === null) return;
    // What manifests may claim is decided anew by a control worker that starts with these Grants; tables stay served meanwhile.
    this.#renewing = true;
    this.#toControl({ kind: "stop" });
    setTimeout(() => {
      if (this.#control.worker === worker) this.#control.replace("it did not stop for other Grants", "");
    }, stopMs).unref();
  }

  #rereadOAuthKeys(): void {
    const { oauth } = this.#state;
    switch (oauth.reread()) {
      case "none":
        return;
      case "unreadable":
        return this.#logs.log.write("oauth-key-refused", { sentence: oauthKeySentence });
      case "read":
        this.#data.forEach((_, worker) => this.#toData(worker, { kind: "oauth-keys", keys: oauth.keys }));
    }
  }

  async drain(reason: string): Promise<void> {
    this.#ending = true;
    const { drainWaitMs, drainGraceMs } = this.#state.settings;
    this.#logs.log.write("draining", { reason, waitMs: drainWaitMs, graceMs: drainGraceMs });
    for (const { place } of this.#data) place.close();
    this.#control.close();
    this.#toControl({ kind: "drain" });
    const drained = this.#data.map(
      (one, worker) =>
        new Promise<void>((resolve) => {
          one.drained = resolve;
          if (one.place.worker === null) resolve();
          else this.#toData(worker, { kind: "drain", waitMs: drainWaitMs, graceMs: drainGraceMs });
        }),
    );
    await within(Promise.all(drained), drainWaitMs + drainGraceMs + stopMs);
    if (this.#control.worker !== null) {
      const stopped = new Promise<void>((resolve) => {
        this.#controlStopped = resolve;
      });
      this.#toControl({ kind: "stop" });
      await within(stopped, stopMs);
    }
    await this.#terminate();
    this.#logs.log.write("drained", {});
  }

  async #terminate(): Promise<void> {
    this.#stalls.stop();
    // A thread that stands in native code does not end: the process does.
    await within(
      Promise.all([this.#control, ...this.#data.map(({ place }) => place)].map((place) => place.terminate())),
      stopMs,
    );
  }

  #startData(worker: number, replacement: boolean): Worker {
    const thread = startThread(`data-${worker}`, this.#state.dataStart(worker, replacement));
    thread.on("message", (message: FromData) => this.#fromData(worker, message));
    // The place's `worker` is set when this returns.
    queueMicrotask(() => this.#connect(worker));
    return thread;
  }

  #startControl(): Worker {
    const thread = startThread("control", this.#state.controlStart());
    thread.on("message", (message: FromControl) => this.#fromControl(message));
    queueMicrotask(() => this.#data.forEach((_, worker) => this.#connect(worker)));
    return thread;
  }

  /** A new channel between the control worker and a data worker, if both live. */
  #connect(worker: number): void {
    if (this.#control.worker === null || this.#data[worker]!.place.worker === null) return;
    const { port1, port2 } = new MessageChannel();
    this.#control.post({ kind: "data-worker", worker, channel: port1 } satisfies ToControl, [port1]);
    this.#data[worker]!.place.post({ kind: "control", channel: port2 } satisfies ToData, [port2]);
  }

  #toControl(message: ToControl): void {
    this.#control.post(message);
  }

  #toData(worker: number, message: ToData): void {
    this.#data[worker]!.place.post(message);
  }

  #fromData(worker: number, message: FromData): void {
    switch (message.kind) {
      case "listening":
        return this.#dataListening(worker, message.port, message.tlsPort);
      case "failed":
        return this.#failed(`worker ${worker}`, message.sentence);
      case "log":
        return this.#logs.take(message.lines);
      case "drained":
        return this.#data[worker]!.drained();
    }
  }

  #dataListening(worker: number, port: number, tlsPort: number): void {
    const first = !this.#data.some(({ listening }) => listening);
    this.#data[worker]!.listening = true;
    if (first) {
      this.#tlsPort = tlsPort;
      const { listen, tls } = this.#state.settings;
      this.#state.settings = {
        ...this.#state.settings,
        listen: { ...listen, port },
        tls: tls === null ? null : { ...tls, port: tlsPort },
      };
      if (this.#control.worker === null) this.#openOthers();
    }
    this.#checkStarted();
  }

  #openOthers(): void {
    for (const { place } of this.#data.slice(1)) place.open();
    this.#control.open();
  }

  #fromControl(message: FromControl): void {
    switch (message.kind) {
      case "admin-listening":
        this.#state.settings = {
          ...this.#state.settings,
          admin: { ...this.#state.settings.admin, port: message.port },
        };
        return;
      case "ready":
        this.#ready = true;
        // What the control worker handed over for the first table came as objects, and is garbage now.
        setImmediate(releaseMemory);
        return this.#checkStarted();
      case "kept":
        this.#state.handover = message.change;
        return;
      case "releases":
        this.#state.releases = message.text;
        return;
      case "policy":
        this.#state.policy = message.kept;
        return this.#data.forEach((_, worker) => this.#toData(worker, { kind: "policy", policy: message.kept.policy }));
      case "certificates":
        this.#state.certificates = message.set;
        return;
      case "keys-looked":
        return this.#data.forEach((_, worker) => this.#toData(worker, message));
      case "oauth-clients":
        this.#state.oauth.take(message.change);
        return this.#data.forEach((_, worker) => this.#toData(worker, message));
      case "revoke": {
        // Kept first: a data worker that starts from now on holds it, too.
        const isKept = this.#state.oauth.revoke(message.revocation);
        if (isKept) this.#baseCounters.add(fixed.oauthTokens.revoked, 1);
        const told = { ...message, revocation: isKept ? message.revocation : null };
        return this.#data.forEach((_, worker) => this.#toData(worker, told));
      }
      case "failed":
        return this.#failed("control", message.sentence);
      case "log":
        return this.#logs.take(message.lines);
      case "stopped":
        return this.#controlStopped();
    }
  }

  #checkStarted(): void {
    if (this.#ready && this.#data.every(({ listening }) => listening)) this.#started(null);
  }

  /** At start it ends the start; later it is logged, and the thread ends itself and is replaced. */
  #failed(thread: string, sentence: string): void {
    if (this.#isStarting()) this.#giveUp(sentence);
    else this.#logs.log.write("thread-failed", { thread, sentence });
  }

  #giveUp(sentence: string): void {
    this.#ending = true;
    this.#started(sentence);
  }

  #isStarting(): boolean {
    return !(this.#ready && this.#data.every(({ listening }) => listening));
  }

  /** Its thread writes nothing any more: what it held is free. */
  #dataEnded(worker: number, reason: string, stack: string): void {
    const one = this.#data[worker]!;
    one.drained();
    clearGauges(one.block, new Int32Array(this.#state.heavyUse), this.#data.length);
    this.#state.table.readerEnded(worker);
    if (this.#ending) return;
    this.#toControl({ kind: "data-worker-gone", worker });
    this.#ended(`data-${worker}`, reason, stack);
  }

  #controlEnded(reason: string, stack: string): void {
    this.#controlStopped();
    this.#baseCounters.set(fixed.beatMs, 0);
    if (this.#renewing) this.#renewing = false;
    else if (!this.#ending) this.#ended("control", reason, stack);
    // Of an end of the whole process nobody need know how far the table was.
    if (!this.#ending) this.#state.table.writerEnded();
  }

  #ended(thread: string, reason: string, stack: string): void {
    if (this.#isStarting()) this.#giveUp(`the thread ${thread} ended while it started: ${reason}`);
    this.#baseCounters.add(fixed.workerRestarts, 1);
    this.#logs.log.write("worker-ended", { thread, reason, stack });
  }
}
