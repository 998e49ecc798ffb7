// What the supervisor keeps, whichever threads end: all that a thread starts with.
import { randomBytes, randomInt, randomUUID } from "node:crypto";
import type { CertificateSet } from "../shared/certificates.ts";
import { blockBytes, heavyUseBytes } from "../shared/memory/counters.ts";
import { limitMemory, type LimitMemory } from "../shared/memory/limit-memory.ts";
import type { Log } from "../shared/log.ts";
import type { ControlStart, DataStart, Handover, KeptPolicy } from "../shared/messages.ts";
import { sharedNowMs } from "../shared/memory/heartbeat.ts";
import { seedsIn } from "../options/seeds.ts";
import type { Settings } from "../options/settings.ts";
import { OAuthState } from "./oauth.ts";
import { TableState } from "./table.ts";

export class SupervisorState {
  /** With the ports that were found. */
  settings: Settings;
  /** Counters of the supervisor and the control worker. */
  readonly base = new SharedArrayBuffer(blockBytes());
  /** Counters of each data worker. */
  readonly blocks: readonly SharedArrayBuffer[];
  /** Where data workers count who has much of an Upstream in use. */
  readonly heavyUse = new SharedArrayBuffer(heavyUseBytes());
  readonly table: TableState;
  /** What the control worker leaves to its successor. */
  handover: Handover = { ready: false, addresses: [] };
  readonly oauth: OAuthState;
  /** Who may call; null: no control worker has said it yet. */
  policy: KeptPolicy | null = null;
  /** What the control worker gave the data workers last. */
  certificates: CertificateSet | null = null;
  /** Record of releases that the control worker holds to. */
  releases = "";
  /** Of the control worker that ends for others; null: none does. */
  #grantsBefore: Settings["grants"] | null = null;
  readonly #limits: LimitMemory;
  /** Names this process among all: what it counts begins and ends with it. */
  readonly #instance = randomUUID();
  readonly #ticketSeed = Uint8Array.from(randomBytes(32));
  readonly #puidKeys: readonly Uint8Array[];

  constructor(settings: Settings, log: Log) {
    this.settings = settings;
    this.blocks = Array.from({ length: settings.workers }, () => new SharedArrayBuffer(blockBytes()));
    const { puidKeyFile } = settings;
    this.#puidKeys = (puidKeyFile === null ? null : seedsIn(puidKeyFile)) ?? [Uint8Array.from(randomBytes(32))];
    this.table = new TableState(settings.tableMib, log);
    this.oauth = new OAuthState(settings);
    this.#limits = limitMemory(settings.limits.rateLimitClients, sharedNowMs(), [
      randomInt(2 ** 32),
      randomInt(2 ** 32),
    ]);
  }

  dataStart(worker: number, replacement: boolean): DataStart {
    return {
      kind: "data",
      settings: this.settings,
      worker,
      counters: this.blocks,
      heavyUse: this.heavyUse,
      table: this.table.memory,
      port: this.settings.listen.port,
      tlsPort: this.settings.tls?.port ?? 0,
      policy: this.policy?.policy ?? null,
      limits: this.#limits,
      certificates: this.certificates,
      ticketSeed: this.#ticketSeed,
      puidKeys: this.#puidKeys,
      oauthClients: this.oauth.clients,
      oauthKeys: this.oauth.keys,
      revoked: this.oauth.revoked,
      replacement,
    };
  }

  /** The next control worker decides by these. */
  setGrants(grants: Settings["grants"]): void {
    this.#grantsBefore ??= this.settings.grants;
    this.settings = { ...this.settings, grants };
  }

  controlStart(): ControlStart {
    const grantsBefore = this.#grantsBefore;
    this.#grantsBefore = null;
    return {
      kind: "control",
      settings: this.settings,
      instance: this.#instance,
      counters: this.blocks,
      base: this.base,
      table: this.table.memory,
      handover: this.handover,
      policy: this.policy,
      limits: this.#limits,
      certificates: this.certificates,
      releases: this.releases,
      grantsBefore,
    };
  }
}
