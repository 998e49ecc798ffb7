// A data worker's thread: between the supervisor, the control worker and the data plane. What it does besides serving: it takes tables when it is
// woken and says which, tells which names were used, and drains.
import type { MessagePort } from "node:worker_threads";
import { systemClock } from "../shared/clock.ts";
import { CounterBlock } from "../shared/memory/counters.ts";
import { postedLog, type Log } from "../shared/log.ts";
import { HandedPairs } from "./handed-pairs.ts";
import { HeldReports } from "./held-reports.ts";
import { sharedNowMs, startHeartbeat } from "../shared/memory/heartbeat.ts";
import type { ControlToData, DataStart, DataToControl, FromData, ToData } from "../shared/messages.ts";
import { EvidenceCounts } from "../shared/evidence-counts.ts";
import { isFailureEntry, type AccessEntry } from "../shared/access-fields.ts";
import type { Plane, PlaneStart } from "../shared/data-plane.ts";

/** Between two messages of them. */
const handOverMs = 1000;

/** Runs until the supervisor ends the thread. */
export async function startDataWorker(
  start: DataStart,
  parent: MessagePort,
  makePlane: (start: PlaneStart) => Plane,
): Promise<void> {
  const { settings, worker } = start;
  const tell = (message: FromData): void => parent.postMessage(message);
  const counters = new CounterBlock(start.counters[worker]!);
  startHeartbeat(counters.cells);
  const log = postedLog((lines) => tell({ kind: "log", lines }));
  let control: MessagePort | null = null;
  const reports = new HeldReports((entries, leftOut) => {
    control?.postMessage({ kind: "requests", entries, leftOut } satisfies DataToControl);
    return control !== null;
  });
  const evidence = new EvidenceCounts(() => void setTimeout(handOverEvidence, handOverMs).unref());
  // Without a control worker they are gone: a release takes them as requests that nobody measured.
  const handOverEvidence = (): void => {
    const drained = evidence.drain();
    control?.postMessage({ kind: "evidence", ...drained } satisfies DataToControl);
  };
  const pairs = new HandedPairs((message) => {
    control?.postMessage(message);
    return control !== null;
  });
  const plane = makePlane({
    settings,
    clock: systemClock,
    counters,
    others: start.counters.filter((_, other) => other !== worker).map((buffer) => new Float64Array(buffer)),
    heavyUse: new Int32Array(start.heavyUse),
    table: start.table,
    reader: worker,
    policy: start.policy,
    rateLimits: { memory: start.limits, aheadMs: sharedNowMs() - systemClock.now() - start.limits.startMs },
    ticketSeed: start.ticketSeed,
    puidKeys: start.puidKeys,
    askKeys: (provider) => control?.postMessage({ kind: "keys-wanted", provider } satisfies DataToControl),
    oauthClients: start.oauthClients,
    oauthKeys: start.oauthKeys,
    revoked: start.revoked,
    log: (entry) => writeAccess(log, entry),
    reports,
    evidence,
    say: (event, fields) => log.write(event, { worker, ...fields }),
    compare: pairs,
    used: (upstreams) => control?.postMessage({ kind: "used", upstreams } satisfies DataToControl),
  });
  const firstTable = Promise.withResolvers<void>();

  /** What the control worker knows that it lacks. */
  let saidLacks: string | null = null;
  const sayLacks = (): void => {
    const { lacks } = plane;
    if (control === null || lacks === saidLacks) return;
    saidLacks = lacks;
    control.postMessage({ kind: "lacks", what: lacks } satisfies DataToControl);
  };
  const woken = (): void => {
    // Before it says that it serves.
    sayLacks();
    plane.woken();
    const { version, atMs } = plane.served;
    if (version === 0) return;
    control?.postMessage({ kind: "taken", version, atMs } satisfies DataToControl);
    firstTable.resolve();
  };
  const drain = async (waitMs: number, graceMs: number): Promise<void> => {
    await plane.drain(waitMs, graceMs);
    log.flush();
    reports.flush();
    tell({ kind: "drained" });
  };
  parent.on("message", (message: ToData) => {
    if (message.kind === "drain") {
      void drain(message.waitMs, message.graceMs);
      return;
    }
    if (message.kind === "oauth-clients") {
      plane.setOAuthClients(message.change);
      return sayLacks();
    }
    if (message.kind === "oauth-keys") return plane.setOAuthKeys(message.keys);
    if (message.kind === "revoke") {
      const { id, revocation } = message;
      void plane
        .revoke(revocation)
        .then((answer) => control?.postMessage({ kind: "revoked", id, answer } satisfies DataToControl));
      return;
    }
    if (message.kind === "policy") {
      plane.setPolicy(message.policy);
      return sayLacks();
    }
    if (message.kind === "keys-looked") {
      plane.keysLooked(message.provider);
      return;
    }
    control?.close();
    control = message.channel;
    saidLacks = null;
    pairs.restart();
    plane.reportAll(false);
    reports.flush();
    const { channel } = message;
    channel.on("message", (told: ControlToData) => {
      if (told.kind === "wake") woken();
      else if (told.kind === "certificates") {
        plane.setCertificates(told.set);
        sayLacks();
      } else if (told.kind === "report-all") plane.reportAll(told.all);
      else if (control === channel) pairs.taken(told.namespace, told.bytes);
    });
  });

  if (start.certificates !== null) plane.setCertificates(start.certificates);
  woken();
  // At a start its port may be needed for the first table. Later others serve: it would answer 404 for want of a table.
  if (start.replacement) await firstTable.promise;
  try {
    tell({ kind: "listening", ...(await plane.listen(start.port, start.tlsPort)) });
  } catch (error) {
    tell({ kind: "failed", sentence: listenFailure(error) });
    log.flush();
    process.exit(1);
  }
}

/** One line a request: a failure of the gateway or its upstream is a warning, whatever else is logged is not. */
function writeAccess(log: Log, entry: AccessEntry): void {
  const { atMs, ...fields } = entry;
  log.write("access", { at: new Date(atMs).toISOString(), ...fields }, isFailureEntry(entry) ? "warn" : "info");
}

/** Why it cannot listen, in one line. */
function listenFailure(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return `Sluice cannot listen on the traffic port (${code ?? message}): write --listen or --tls-listen with another address`;
}
