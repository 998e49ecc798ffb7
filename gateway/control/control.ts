// The control worker: follows the Source, translates, publishes tables to the data workers, resolves names, serves the admin port.
import { randomInt } from "node:crypto";
import { lookup } from "node:dns/promises";
import type { MessagePort } from "node:worker_threads";
import { drawnKey } from "../../routing/collections/digest.ts";
import type { Source, SourceChange } from "../../k8s/source/objects/source.ts";
import { checkReach, readAddress, refusalOf } from "../../k8s/translate/backends/reach.ts";
import { isAnonymousGranted } from "../../k8s/translate/meaning/grant.ts";
import { Translator } from "../../k8s/translate/translator.ts";
import { countedClients } from "../shared/limit-memory.ts";
import { startAdmin, type AdminServer } from "../admin/server.ts";
import { slicesOfThread } from "../admin/slices.ts";
import { guardProblems } from "../callers/guard-problems.ts";
import type { CredentialLook } from "../callers/shown.ts";
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
import { anyTurns, sharedNowMs, startPulse } from "../shared/pulse.ts";
import { releaseMemory } from "../shared/release-memory.ts";
import { stepBack } from "../shared/thread-priority.ts";
import { SharedTable } from "../shared/shared-table.ts";
import { translateSettingsOf } from "../options/translate-settings.ts";
import type { ClaimRecord } from "../../k8s/translate/claims/claim-entry.ts";
import { ownAddresses } from "./upstreams/addresses.ts";
import { CertificateKeeper } from "./certificates/certificate-keeper.ts";
import { ClaimKeeper, keeperTimes } from "./claim-keeper.ts";
import { ProblemEvents, problemEventTimes } from "./status/problem-events.ts";
import { ProblemLog, problemLogMs } from "./status/problem-log.ts";
import { probeEndpoint } from "./upstreams/health-probe.ts";
import { fetchJwks } from "./callers/jwks-fetch.ts";
import { PolicyKeeper, policyLookMs } from "./callers/policy-keeper.ts";
import { Readiness } from "./status/readiness.ts";
import { Reconciler, type ReconcilerOutside } from "./reconcile.ts";
import { TokenRevocation } from "./callers/token-revocation.ts";
import { logStaleness, stalenessTimes } from "./status/staleness.ts";
import { logWaiting } from "./status/waiting-log.ts";

/** Time between two looks for slots that nobody can count in any more. */
const sweepMs = 30_000;
/** So long after the gateway is ready the memory of its start is given back: that stops this thread for some 0.2 s, and those who wait for /readyz are answered first. */
const releaseMs = 300;
/** Data workers turn at the latest this long after the control worker has started. */
const startGraceMs = 5000;

/**
 * Runs until the supervisor says `stop`, or ends the thread when it cannot start. `open` gives the Source or rejects with one sentence;
 * `openLook` gives who looks at credentials, when somebody first asks; `parent` is the supervisor's port.
 */
export async function startControl(
  start: ControlStart,
  open: (log: Log) => Promise<Source>,
  openLook: () => Promise<CredentialLook>,
  parent: MessagePort,
): Promise<void> {
  const tell = (message: FromControl): void => parent.postMessage(message);
  startPulse(new Float64Array(start.base));
  const log = postedLog((lines) => tell({ kind: "log", lines }));
  let source: Source;
  try {
    source = await open(log);
  } catch (error) {
    tell({ kind: "failed", sentence: sentenceOf(error) });
    log.flush();
    process.exit(1);
  }
  await runControl(start, source, log, openLook, parent);
}

async function runControl(
  { settings, handover, policy, base, counters, table, limits, certificates: before }: ControlStart,
  source: Source,
  log: Log,
  openLook: () => Promise<CredentialLook>,
  parent: MessagePort,
): Promise<void> {
  const tell = (message: FromControl): void => parent.postMessage(message);
  const translateSettings = translateSettingsOf(
    settings,
    [...ownAddresses(settings), ...source.forbiddenAddresses],
    "unready",
  );
  const translator = new Translator(
    translateSettings,
    { kind: source.claims === null ? "here" : "elsewhere", held: handover.held },
    drawnKey(randomInt),
  );
  let admin: AdminServer | null = null;
  let look: Promise<CredentialLook> | null = null;
  let keeper: ClaimKeeper | null = null;
  let releasing: NodeJS.Timeout | null = null;
  const lookUp = async (host: string): Promise<readonly string[]> =>
    (await lookup(host, { all: true })).map(({ address }) => address);
  const revocation = new TokenRevocation(settings.workers, systemClock);
  const outside: ReconcilerOutside = {
    isOneNamespace: settings.namespaces.length === 1,
    blocks: [base, ...counters],
    lookup: lookUp,
    probe: probeEndpoint,
    refuse: (upstream, ip) => checkReach(translateSettings, upstream, ip),
    nowMs: () => performance.timeOrigin + performance.now(),
    otherProblems: () => [
      ...(keeper?.problems ?? []),
      ...policies.problems,
      ...guardProblems(translator.guards(), policies.policy),
      ...certificates.problems,
    ],
    keep: (change) => tell({ kind: "kept", change }),
    ready: () => {
      tell({ kind: "ready" });
      stepBack();
      // Not before: to gather those of a large start takes longer than workers need to adopt its table.
      void problemLog.look();
      // With what was read, parsed and sent for that, they leave garbage.
      releasing = setTimeout(releaseMemory, releaseMs);
    },
    oauthClients: (change) => {
      if (settings.oauth) tell({ kind: "oauth-clients", change });
    },
    live: (seconds) => admin?.live(seconds),
  };
  const policies = new PolicyKeeper(settings.policyFile, policy, {
    log,
    changed: (kept) => tell({ kind: "policy", kept }),
    problemsChanged: () => reconciler.otherProblemsChanged(),
    opens: isAnonymousGranted(settings.grants),
    lookMs: policyLookMs,
    clock: systemClock,
    fetchKeys: (url) =>
      fetchJwks(url, { lookup: lookUp, refuse: (ip, port) => refusalOf(translateSettings, readAddress(ip), port) }),
    keysLooked: (provider) => tell({ kind: "keys-looked", provider }),
  });
  const reconciler = new Reconciler(
    translator,
    new SharedTable(table),
    handover,
    new Readiness(settings.workers, handover.ready),
    outside,
  );
  const channels = new Map<number, MessagePort>();
  const certificates = new CertificateKeeper(settings.tls, before, {
    log,
    nowMs: Date.now,
    publish: (set) => {
      tell({ kind: "certificates", set });
      for (const channel of channels.values())
        channel.postMessage({ kind: "certificates", set } satisfies ControlToData);
    },
    problemsChanged: () => reconciler.otherProblemsChanged(),
  });
  if (source.claims !== null) {
    const outside = {
      nowMs: () => performance.timeOrigin + performance.now(),
      random: Math.random,
      log,
      isCurrent: () => source.trouble() === null,
      recorded: (record: ClaimRecord) => reconciler.record(record),
      problemsChanged: () => reconciler.otherProblemsChanged(),
    };
    keeper = new ClaimKeeper(source.claims, translator, outside, keeperTimes);
  }
  const blocks = [base, ...counters].map((buffer) => new Float64Array(buffer));
  const startedMs = sharedNowMs();
  // Data workers start beside this thread: at first they need not turn yet.
  const turns = (): boolean =>
    sharedNowMs() - startedMs < Math.max(settings.workerStallMs, startGraceMs) ||
    anyTurns(blocks.slice(1), settings.workerStallMs, sharedNowMs());
  const revoker = settings.oauth
    ? {
        clientOf: (namespace: string, deployment: string) => translator.oauthClientOf(namespace, deployment),
        revoke: (tokens: TokensToRevoke) => revocation.revoke(tokens),
      }
    : null;
  const sweeping = setInterval(() => {
    reconciler.sweep(blocks);
    keeper?.sweep();
  }, sweepMs);
  const problemEvents =
    source.events === null ? null : new ProblemEvents(source.events, problemEventTimes, log, systemClock);
  const problemLog = new ProblemLog(
    log,
    () => reconciler.gatherProblems(slicesOfThread()),
    (problems) => problemEvents?.take(problems),
  );
  const looking = setInterval(() => {
    // Before the first table they take time from it.
    if (reconciler.served.version > 0) void problemLog.look();
  }, problemLogMs);
  const staleness = logStaleness(source, log, stalenessTimes);
  const notReady = (): string | null =>
    reconciler.ready ? null : (source.trouble() ?? policies.waitsFor ?? reconciler.waitsFor);
  const waiting = logWaiting(notReady, log);

  const stop = async (): Promise<void> => {
    clearInterval(sweeping);
    clearInterval(looking);
    if (releasing !== null) clearTimeout(releasing);
    staleness.stop();
    waiting.stop();
    problemEvents?.stop();
    keeper?.stop();
    policies.stop();
    certificates.stop();
    reconciler.stop();
    void look?.then((opened) => opened.close());
    await Promise.allSettled([source.stop(), admin?.close()]);
    log.flush();
    tell({ kind: "stopped" });
    parent.close();
  };
  parent.on("message", (message: ToControl) => {
    switch (message.kind) {
      case "data-worker":
        message.channel.on("message", (answer: DataToControl) => {
          if (answer.kind === "keys-wanted") policies.askKeys(answer.provider);
          else if (answer.kind === "revoked") revocation.answered(message.worker, answer.id, answer.answer);
          else reconciler.from(message.worker, answer);
        });
        channels.set(message.worker, message.channel);
        // Before it is told of a table: whoever routes to a host knows its terms.
        if (certificates.set !== null)
          message.channel.postMessage({ kind: "certificates", set: certificates.set } satisfies ControlToData);
        revocation.join(message.worker, (id, tokens) =>
          message.channel.postMessage({ kind: "revoke", id, tokens } satisfies ControlToData),
        );
        reconciler.join(message.worker, () => message.channel.postMessage({ kind: "wake" } satisfies ControlToData));
        break;
      case "data-worker-gone":
        // What it said last is of the one before: its successor is there already.
        channels.get(message.worker)?.close();
        channels.delete(message.worker);
        revocation.leave(message.worker);
        reconciler.leave(message.worker);
        break;
      case "reread":
        certificates.reread();
        break;
      case "drain":
        reconciler.drain();
        break;
      case "stop":
        void stop();
        break;
    }
  });
  try {
    admin = await startAdmin({
      admin: settings.admin,
      view: reconciler,
      blocks,
      countedClients: () => countedClients(limits, sharedNowMs()),
      bodyBytes: settings.limits.bodyBytes,
      oauth: settings.oauth,
      trustedHops: settings.trustedHops,
      openLook: () => (look ??= openLook()),
      policy: () => policies.policy,
      policyProblems: () => policies.problems,
      certificateSet: () => certificates.set,
      sourceKind: source.kind,
      sourceAgeSeconds: () => source.ageSeconds(),
      notReady,
      certificates: () => certificates.expiries,
      turns,
      revoker,
    });
    tell({ kind: "admin-listening", host: admin.host, port: admin.port });
    await policies.open();
    const deliver = (change: SourceChange): void => {
      reconciler.take(change);
      policies.take(change);
      keeper?.changed();
      certificates.declare(translator.current().hosts);
      source.follow(new Set([...translator.wantedSecrets, ...policies.wantedSecrets]));
    };
    await source.start(deliver);
    policies.synced();
    certificates.open(translator.current().hosts);
    // Before the first table: what is contested is decided by the record, or by nobody.
    await keeper?.open();
    reconciler.open();
    // Else once everybody serves.
    if (handover.ready) void problemLog.look();
  } catch (error) {
    tell({ kind: "failed", sentence: sentenceOf(error) });
    await stop();
    // Whatever a half-started Source still holds must not keep the thread: the supervisor gives the seat to another.
    process.exit(1);
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
