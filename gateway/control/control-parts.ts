// The parts of the control worker, each made from those before it. They read and send nothing until the worker opens them.
import { lookup } from "node:dns/promises";
import { hostname } from "node:os";
import { armCounts, type ArmCounts } from "../../routing/release/statistics/arm-counts.ts";
import type { Source } from "../../k8s/source/objects/source.ts";
import { checkReach, readAddress, refusalOf } from "../../k8s/translate/backends/reach.ts";
import { isAnonymousGranted } from "../../k8s/translate/meaning/grant.ts";
import { Translator } from "../../k8s/translate/translator.ts";
import type { PredictorKey } from "../api/counted.ts";
import { slicesOfThread } from "../shared/slices.ts";
import { guardProblems } from "../callers/guard-problems.ts";
import { build } from "../shared/build.ts";
import { systemClock } from "../shared/clock.ts";
import type { Log } from "../shared/log.ts";
import type { ControlStart, ControlToData, FromControl } from "../shared/messages.ts";
import { fixed } from "../shared/metrics/fixed.ts";
import { SharedTable } from "../shared/memory/shared-table.ts";
import { translateSettingsOf } from "../options/translate-settings.ts";
import { ownAddresses } from "./upstreams/addresses.ts";
import { certificateDifferences, policyDifferences } from "./changes/configured.ts";
import { Changes } from "./changes/changes.ts";
import { CertificateStore } from "./certificates/certificate-store.ts";
import type { Election } from "./leadership/leadership.ts";
import { openElection } from "./leadership/open-election.ts";
import { Releases } from "./releases/releases.ts";
import { callPeer } from "./peers/peer-call.ts";
import { Peers } from "./peers/peers.ts";
import { ComparisonBook } from "./comparisons/comparison-book.ts";
import { RequestBook } from "./failures/request-book.ts";
import { ProblemEvents, problemEventTimes } from "./status/problem-events.ts";
import { changeEventOf } from "./status/change-event.ts";
import { ProblemLog } from "./status/problem-log.ts";
import { probeEndpoint } from "./upstreams/health-probe.ts";
import { fetchJwks, type Reach } from "./callers/jwks-fetch.ts";
import { PolicyWatcher, policyLookMs } from "./callers/policy-watcher.ts";
import { Readiness } from "./status/readiness.ts";
import { Reconciler } from "./reconcile.ts";
import { TokenRevocation } from "./callers/token-revocation.ts";

export interface ControlOutside {
  tell(message: FromControl): void;
  /** To every data worker. */
  sendAll(message: ControlToData): void;
  /** The gateway is ready for the first time. */
  becameReady(): void;
  /** Every worker serves a change, this many seconds after its first byte was read. */
  live(seconds: number): void;
}

export class ControlParts {
  /** Counters: those of ended workers, then one block a data worker. */
  readonly blocks: readonly Float64Array[];
  readonly translator: Translator;
  readonly changes: Changes;
  readonly reconciler: Reconciler;
  readonly policies: PolicyWatcher;
  /** What servers that the policy names may be dialled at. */
  readonly reach: Reach;
  readonly certificates: CertificateStore;
  /** Which replica decides about releases; null: none has to. */
  readonly election: Election | null;
  /** null: no traffic moves by itself. */
  readonly releases: Releases | null;
  /** The other replicas; null: none is asked, and none answered. */
  readonly peers: Peers | null;
  readonly revocation: TokenRevocation;
  readonly problemEvents: ProblemEvents | null;
  readonly problemLog: ProblemLog;
  readonly requests: RequestBook;
  readonly compared: ComparisonBook;

  constructor({ settings, handover, ...start }: ControlStart, source: Source, log: Log, outside: ControlOutside) {
    this.blocks = [start.base, ...start.counters].map((buffer) => new Float64Array(buffer));
    this.requests = new RequestBook((all) => outside.sendAll({ kind: "report-all", all }));
    const translate = translateSettingsOf(
      settings,
      [...ownAddresses(settings), ...source.forbiddenAddresses],
      "unready",
      source.releases !== null,
    );
    this.translator = new Translator(translate);
    const [base] = this.blocks;
    this.changes = new Changes({
      log,
      clock: systemClock,
      nowMs: epochMs,
      count: (outcome, count) => (base![fixed.changes[outcome]]! += count),
      told: (change) => {
        const event = changeEventOf(change);
        if (event !== null) this.problemEvents?.changed(event);
      },
    });
    this.reconciler = new Reconciler(
      this.translator,
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
        keep: (change) => outside.tell({ kind: "kept", change }),
        changes: this.changes,
        faulted: (stack) => log.write("gateway-fault", { stack }),
        ready: () => outside.becameReady(),
        oauthClients: (change) => {
          if (settings.oauth) outside.tell({ kind: "oauth-clients", change });
        },
        live: (seconds) => outside.live(seconds),
      },
    );
    const problemsChanged = (): void => this.reconciler.otherProblemsChanged();
    this.reach = { lookup: addressesOf, refuse: (ip, port) => refusalOf(translate, readAddress(ip), port) };
    this.policies = new PolicyWatcher(settings.policyFile, start.policy, {
      log,
      changed: (kept, before) => {
        outside.tell({ kind: "policy", kept });
        if (before !== null) this.changes.sent(policyDifferences(before, kept.policy));
      },
      problemsChanged,
      opens: isAnonymousGranted(settings.grants),
      lookMs: policyLookMs,
      clock: systemClock,
      fetchKeys: (url) => fetchJwks(url, this.reach),
      keysLooked: (provider) => outside.tell({ kind: "keys-looked", provider }),
    });
    this.certificates = new CertificateStore(settings.tls, start.certificates, {
      log,
      nowMs: Date.now,
      publish: (set, before, expiries) => {
        outside.tell({ kind: "certificates", set });
        outside.sendAll({ kind: "certificates", set });
        if (before !== null) this.changes.sent(certificateDifferences(before.entries, set.entries, expiries));
      },
      problemsChanged,
    });
    this.reconciler.gatherAlso(() => [
      ...(this.releases?.problems ?? []),
      ...this.policies.problems,
      ...guardProblems(this.translator.guards(), this.policies.policy),
      ...this.certificates.problems,
    ]);
    this.election = openElection(source, {
      self: `${hostname()}_${start.instance}`,
      clock: systemClock,
      epochMs: Date.now,
      random: Math.random,
      log,
    });
    this.releases =
      source.releases === null
        ? null
        : new Releases(source.releases, {
            instance: start.instance,
            leadership: this.election,
            peers: () => this.peers,
            log,
            clock: systemClock,
            nowMs: Date.now,
            planned: () => this.translator.plannedReleases(),
            exists: (namespace, name) => this.translator.hasDeployment(namespace, name),
            kept: start.releases,
            recorded: (record, text) => {
              outside.tell({ kind: "releases", text });
              this.reconciler.release(record);
            },
            stepped: (event) => this.problemEvents?.stepped(event),
            problemsChanged,
            endpointsOf: (predictor) => this.reconciler.counted.endpointsOf(predictor),
            totalOf: (predictor) => this.countsOf(predictor),
            leftOut: () => this.reconciler.counted.releasesWithoutRoom,
          });
    this.peers =
      settings.peers === null
        ? null
        : new Peers(settings.peers, {
            clock: systemClock,
            epochMs: Date.now,
            instance: start.instance,
            version: build.version,
            finder: source.replicas,
            call: (replica, path) => callPeer(replica, path, settings.admin.token),
            tableHash: () => this.reconciler.served.hash,
          });
    this.compared = new ComparisonBook({
      clock: systemClock,
      keeps: settings.keepDisagreements === "on",
      rulesOf: (namespace, name, predictor) => this.translator.compareRulesOf(namespace, name, predictor),
      leftOut: (why) => (base![fixed.comparisonDrops[why]]! += 1),
    });
    this.revocation = new TokenRevocation(settings.workers, systemClock, (message) => outside.tell(message));
    this.problemEvents =
      source.events === null ? null : new ProblemEvents(source.events, problemEventTimes, log, systemClock);
    this.problemLog = new ProblemLog({
      log,
      clock: systemClock,
      gather: () => this.reconciler.gatherProblems(slicesOfThread()),
      gathered: (problems) => this.problemEvents?.take(problems),
      changed: (fresh, gone) => this.changes.problems(fresh, gone),
    });
  }

  /** Everything that was counted of a predictor. */
  countsOf(predictor: PredictorKey): ArmCounts {
    const { namespace, deployment, predictor: name } = predictor;
    const compared = this.compared.comparedPairs(namespace, deployment, name);
    return armCounts({ compared }, this.reconciler.counted.totalOf(predictor));
  }

  /** Why the gateway is not ready, for people; null: it is. */
  waitsFor(source: Source): string | null {
    return this.reconciler.ready ? null : (source.trouble() ?? this.policies.waitsFor ?? this.reconciler.waitsFor);
  }
}

async function addressesOf(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
