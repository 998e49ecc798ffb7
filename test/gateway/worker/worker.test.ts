import { once } from "node:events";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { describe, expect, test, vi } from "vitest";
import { limitMemory } from "../../../gateway/shared/memory/limit-memory.ts";
import { noPolicy, type CallPolicy } from "../../../gateway/callers/call-policy.ts";
import { decodeServe } from "../options/decode-serve.ts";
import type { CertificateSet } from "../../../gateway/shared/certificates.ts";
import { blockBytes, heavyUseBytes } from "../../../gateway/shared/memory/counters.ts";
import type { Revocation } from "../../../gateway/callers/oauth-token.ts";
import type { OAuthClientsChange } from "../../../gateway/callers/oauth-client.ts";
import type {
  ControlToData,
  DataStart,
  DataToControl,
  FromData,
  RevokedAnswer,
  ToData,
} from "../../../gateway/shared/messages.ts";
import { startDataWorker } from "../../../gateway/worker/worker.ts";
import type { Plane, PlaneStart } from "../../../gateway/shared/data-plane.ts";
import { tableMemory } from "../../../gateway/shared/memory/shared-table.ts";

class FakePlane implements Plane {
  readonly calls: string[] = [];
  readonly options: PlaneStart;
  served = { version: 0, atMs: 0 };
  /** What is served once it is woken. */
  newest = { version: 0, atMs: 0 };
  lacks: string | null = null;

  constructor(options: PlaneStart, newest: { readonly version: number; readonly atMs: number }) {
    this.options = options;
    this.newest = newest;
  }

  woken(): void {
    this.served = this.newest;
  }

  setOAuthClients({ set, removed }: OAuthClientsChange): void {
    this.calls.push(`clients ${set.length} ${removed.length}`);
  }

  setOAuthKeys(keys: readonly Uint8Array[]): void {
    this.calls.push(`oauth keys ${keys.length}`);
  }

  async revoke(revocation: Revocation | null): Promise<RevokedAnswer> {
    this.calls.push(`revoke ${revocation?.client}`);
    return { kind: "revoked" };
  }

  /** It reports requests that did not fail, too. */
  reportsAll = false;

  reportAll(all: boolean): void {
    this.reportsAll = all;
  }

  setPolicy(policy: CallPolicy): void {
    this.calls.push(`policy ${Object.keys(policy.providers).join()}`);
  }

  keysLooked(provider: string): void {
    this.calls.push(`keys ${provider}`);
  }

  async listen(_: number, tlsPort: number): Promise<{ host: string; port: number; tlsPort: number }> {
    this.calls.push(`listen ${this.served.version}`);
    return { host: "127.0.0.1", port: 4000, tlsPort };
  }

  setCertificates({ hosts }: CertificateSet): void {
    this.calls.push(`certificates ${[...hosts.keys()].join()}`);
  }

  async drain(waitMs: number, graceMs: number): Promise<void> {
    this.calls.push(`drain ${waitMs} ${graceMs}`);
  }
}

function startOf(changes: Partial<DataStart>): DataStart {
  const config = decodeServe(["--folder", "d"], {});
  if (config.kind !== "settings") throw new Error("settings");
  return {
    kind: "data",
    settings: config.settings,
    worker: 0,
    counters: [new SharedArrayBuffer(blockBytes())],
    heavyUse: new SharedArrayBuffer(heavyUseBytes()),
    table: tableMemory(1),
    oauthClients: null,
    oauthKeys: [new Uint8Array(32)],
    revoked: [],
    port: 0,
    tlsPort: 0,
    policy: null,
    limits: limitMemory(1, 0, [1, 2]),
    certificates: null,
    ticketSeed: new Uint8Array(32),
    puidKeys: [new Uint8Array(32)],
    replacement: false,
    ...changes,
  };
}

interface Thread {
  plane: FakePlane;
  supervisor: MessagePort;
  next: () => Promise<FromData>;
}

/** `version`: of the table that is there already. */
function startThread(changes: Partial<DataStart> = {}, version = 0): Thread {
  const { port1: supervisor, port2: parent } = new MessageChannel();
  let plane: FakePlane | null = null;
  void startDataWorker(startOf(changes), parent, (options) => (plane = new FakePlane(options, { version, atMs: 0 })));
  return { plane: plane!, supervisor, next: async () => ((await once(supervisor, "message")) as [FromData])[0] };
}

function connect(supervisor: MessagePort): {
  control: MessagePort;
  wake: () => void;
  next: () => Promise<DataToControl>;
} {
  const { port1: control, port2: channel } = new MessageChannel();
  supervisor.postMessage({ kind: "control", channel } satisfies ToData, [channel]);
  return {
    control,
    wake: () => control.postMessage({ kind: "wake" } satisfies ControlToData),
    next: async () => ((await once(control, "message")) as [DataToControl])[0],
  };
}

describe("a data worker", () => {
  test("says which table it took when it is woken", async () => {
    const { supervisor, plane, next } = startThread();
    expect(await next()).toMatchObject({ kind: "listening", port: 4000 });
    const control = connect(supervisor);
    // There is none yet: nothing to say.
    control.wake();
    plane.newest = { version: 5, atMs: 17 };
    control.wake();
    expect(await control.next()).toEqual({ kind: "taken", version: 5, atMs: 17 });
    supervisor.close();
  });

  test("says what it lacks before it says that it serves, again when that changes, and to each new control worker", async () => {
    const { supervisor, plane, next } = startThread({}, 5);
    await next();
    plane.lacks = "the policy";
    const told: DataToControl[] = [];
    const listening = (): { readonly wake: () => void } => {
      const { control, wake } = connect(supervisor);
      control.on("message", (message: DataToControl) => told.push(message));
      return { wake };
    };
    const first = listening();
    first.wake();
    await vi.waitFor(() => expect(told.map(({ kind }) => kind)).toEqual(["lacks", "taken"]));
    expect(told[0]).toEqual({ kind: "lacks", what: "the policy" });
    const second = listening();
    second.wake();
    await vi.waitFor(() => expect(told.map(({ kind }) => kind)).toEqual(["lacks", "taken", "lacks", "taken"]));
    plane.lacks = null;
    supervisor.postMessage({ kind: "policy", policy: noPolicy } satisfies ToData);
    await vi.waitFor(() => expect(told.at(-1)).toEqual({ kind: "lacks", what: null }));
    supervisor.close();
  });

  test("a new control worker takes over where the old one stopped", async () => {
    const { supervisor, plane, next } = startThread({}, 5);
    await next();
    const first = connect(supervisor);
    first.wake();
    expect(await first.next()).toMatchObject({ version: 5 });
    const second = connect(supervisor);
    second.wake();
    expect(await second.next()).toMatchObject({ version: 5 });
    plane.options.used(["dns model:80"]);
    expect(await second.next()).toEqual({ kind: "used", upstreams: ["dns model:80"] });
    supervisor.close();
  });

  test("a replacement listens at once with the table that is there, also without a control worker", async () => {
    const { supervisor, plane, next } = startThread({ replacement: true }, 9);
    expect(await next()).toMatchObject({ kind: "listening" });
    expect(plane.calls).toEqual(["listen 9"]);
    supervisor.close();
  });

  test("a replacement without a table listens once there is one", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    const { supervisor, plane, next } = startThread({ replacement: true });
    const control = connect(supervisor);
    const listening = next();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(plane.calls).toEqual([]);
    plane.newest = { version: 9, atMs: 0 };
    control.wake();
    expect(await listening).toMatchObject({ kind: "listening" });
    expect(plane.calls).toEqual(["listen 9"]);
    supervisor.close();
    vi.useRealTimers();
  });

  test("has the certificates of its start before it listens, and others when it is told", async () => {
    const of = (host: string): CertificateSet => ({
      texts: new SharedArrayBuffer(0),
      entries: [],
      hosts: new Map([[host, 0]]),
      cleartext: new Map(),
      ticketSeeds: [],
    });
    const { supervisor, plane, next } = startThread({ certificates: of("a.example") }, 5);
    await next();
    const { port1: control, port2: channel } = new MessageChannel();
    supervisor.postMessage({ kind: "control", channel } satisfies ToData, [channel]);
    control.postMessage({ kind: "certificates", set: of("b.example") } satisfies ControlToData);
    control.postMessage({ kind: "wake" } satisfies ControlToData);
    await once(control, "message");
    expect(plane.calls).toEqual(["certificates a.example", "listen 5", "certificates b.example"]);
    control.close();
    supervisor.close();
  });

  test("clients, keys and revocations of the OAuth gateway come from the supervisor, and the control worker hears that these hold", async () => {
    const { supervisor, plane, next } = startThread();
    await next();
    const { next: told } = connect(supervisor);
    supervisor.postMessage({
      kind: "oauth-clients",
      change: { whole: true, set: [], removed: ["a"] },
    } satisfies ToData);
    supervisor.postMessage({ kind: "oauth-keys", keys: [new Uint8Array(32)] } satisfies ToData);
    const revocation = { client: "a", id: null, endMs: 1 };
    supervisor.postMessage({ kind: "revoke", id: 7, revocation } satisfies ToData);
    expect(await told()).toEqual({ kind: "revoked", id: 7, answer: { kind: "revoked" } });
    expect(plane.calls.slice(1)).toEqual(["clients 0 1", "oauth keys 1", "revoke a"]);
    supervisor.close();
  });

  test("drains when told to", async () => {
    const { supervisor, plane, next } = startThread();
    await next();
    supervisor.postMessage({ kind: "drain", waitMs: 1, graceMs: 2 } satisfies ToData);
    expect(await next()).toEqual({ kind: "drained" });
    expect(plane.calls).toContain("drain 1 2");
    supervisor.close();
  });
});
