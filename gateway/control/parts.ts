// The parts of the control worker, in the one order in which they are opened and told: the reason of each one's place. They are stopped in the opposite order.
import { hostname } from "node:os";
import type { Source } from "../../k8s/source/objects/source.ts";
import { isAnonymousGranted } from "../../k8s/translate/meaning/grant.ts";
import { guardProblems } from "../callers/guard-problems.ts";
import { build } from "../shared/build.ts";
import { systemClock } from "../shared/clock.ts";
import { bytesOf } from "../shared/compared-pairs.ts";
import type { Log } from "../shared/log.ts";
import type { ControlStart } from "../shared/messages.ts";
import { slicesOfThread } from "../shared/slices.ts";
import { fetchJwks } from "./callers/jwks-fetch.ts";
import { PolicyWatcher, policyLookMs } from "./callers/policy-watcher.ts";
import { TokenRevocation } from "./callers/token-revocation.ts";
import { CertificateStore } from "./certificates/certificate-store.ts";
import { certificateDifferences, policyDifferences } from "./changes/configured.ts";
import { Facts, type ControlOutside } from "./facts.ts";
import { RequestBook } from "./failures/request-book.ts";
import type { Election } from "./leadership/leadership.ts";
import { openElection } from "./leadership/open-election.ts";
import { Measuring } from "./measured/measuring.ts";
import type { ControlPart, Taking } from "./part.ts";
import { callPeer } from "./peers/peer-call.ts";
import { Peers } from "./peers/peers.ts";
import { Releases } from "./releases/releases.ts";
import { ProblemLog } from "./status/problem-log.ts";
import { StatusLogs } from "./status/status-logs.ts";

interface Row {
  /** Why it stands where it does. */
  readonly why: string;
  /** null: this gateway has no use for it. */
  readonly part: ControlPart | null;
}

export class ControlParts {
  readonly facts: Facts;
  readonly policies: PolicyWatcher;
  readonly certificates: CertificateStore;
  /** Which replica decides about releases; null: none has to. */
  readonly election: Election | null;
  /** null: no traffic moves by itself. */
  readonly releases: Releases | null;
  /** The other replicas; null: none is asked, and none answered. */
  readonly peers: Peers | null;
  readonly revocation: TokenRevocation;
  readonly problemLog: ProblemLog;
  readonly requests: RequestBook;
  /** In their order. */
  readonly all: readonly ControlPart[];
  readonly taking: Taking;

  constructor(start: ControlStart, source: Source, log: Log, outside: ControlOutside) {
    const { settings, instance } = start;
    const facts = new Facts(start, source, log, outside);
    this.facts = facts;
    const { translator, reconciler, changes, compared, problemEvents, reach } = facts;
    const problemsChanged = (): void => reconciler.otherProblemsChanged();
    this.policies = new PolicyWatcher(settings.policyFile, start.policy, {
      log,
      changed: (kept, before) => {
        outside.tell({ kind: "policy", kept });
        if (before !== null) changes.sent(policyDifferences(before, kept.policy));
      },
      problemsChanged,
      opens: isAnonymousGranted(settings.grants),
      lookMs: policyLookMs,
      clock: systemClock,
      fetchKeys: (url) => fetchJwks(url, reach),
      keysLooked: (provider) => outside.tell({ kind: "keys-looked", provider }),
    });
    this.certificates = new CertificateStore(settings.tls, start.certificates, {
      log,
      nowMs: Date.now,
      declared: () => translator.current().hosts,
      publish: (set, before, expiries) => {
        outside.tell({ kind: "certificates", set });
        outside.sendAll({ kind: "certificates", set });
        if (before !== null) changes.sent(certificateDifferences(before.entries, set.entries, expiries));
      },
      problemsChanged,
    });
    this.election = openElection(source, {
      self: `${hostname()}_${instance}`,
      clock: systemClock,
      epochMs: Date.now,
      random: Math.random,
      log,
    });
    this.peers =
      settings.peers === null
        ? null
        : new Peers(settings.peers, {
            clock: systemClock,
            epochMs: Date.now,
            instance,
            version: build.version,
            finder: source.replicas,
            call: (replica, path) => callPeer(replica, path, settings.admin.token),
            tableHash: () => reconciler.served.hash,
          });
    this.releases =
      source.releases === null
        ? null
        : new Releases(source.releases, {
            instance,
            leadership: this.election,
            peers: () => this.peers,
            log,
            clock: systemClock,
            nowMs: Date.now,
            planned: () => translator.plannedReleases(),
            exists: (namespace, name) => translator.hasDeployment(namespace, name),
            kept: start.releases,
            recorded: (record, text) => {
              outside.tell({ kind: "releases", text });
              reconciler.release(record);
            },
            stepped: (event) => problemEvents?.stepped(event),
            problemsChanged,
            endpointsOf: (predictor) => reconciler.counted.endpointsOf(predictor),
            totalOf: (predictor) => facts.countsOf(predictor),
            leftOut: () => reconciler.counted.releasesWithoutRoom,
          });
    this.requests = new RequestBook((all) => outside.sendAll({ kind: "report-all", all }));
    this.revocation = new TokenRevocation(settings.workers, systemClock, (message) => outside.tell(message));
    this.problemLog = new ProblemLog({
      log,
      clock: systemClock,
      isServed: () => reconciler.served.version > 0,
      gather: () => reconciler.gatherProblems(slicesOfThread()),
      gathered: (problems) => problemEvents?.take(problems),
      changed: (fresh, gone) => changes.problems(fresh, gone),
    });
    const { policies, certificates, election, peers, requests, revocation, problemLog } = this;
    const rows: Readonly<Record<string, Row>> = {
      measuring: {
        why: "Counters are looked at from the start on: what was counted before the first look is in no window.",
        part: new Measuring(reconciler, facts.blocks),
      },
      statusLogs: {
        why: "A start that waits says for what: before anything that may wait.",
        part: new StatusLogs(source, () => this.waitsFor(source), log),
      },
      policies: {
        why: "Who may call is read before objects, so that Secrets among them find who names them.",
        part: policies,
      },
      translation: {
        why: "Objects are translated, and their table leaves, before others look at what they mean now.",
        part: { change: (change) => reconciler.take(change) },
      },
      certificates: {
        why: "A data worker that comes must know the terms of a host before it routes to it: before tables.",
        part: certificates,
      },
      requests: { why: "Before a worker serves, it knows how much to report.", part: requests },
      tables: {
        why: "The first table leaves once the terms of hosts are known.",
        part: {
          synced: () => reconciler.open(),
          join: (worker, send) => reconciler.join(worker, () => send({ kind: "wake" })),
          leave: (worker) => reconciler.leave(worker),
          drain: () => reconciler.drain(),
          stop: () => reconciler.stop(),
        },
      },
      compared: { why: "It drops what was compared by rules that tables have no longer.", part: compared },
      guards: {
        why: "It compares what objects ask for with the policy.",
        part: {
          get problems() {
            return guardProblems(translator.guards(), policies.policy);
          },
        },
      },
      election: {
        why: "A leader is sought for releases, of which there are none before the first table.",
        part:
          election === null
            ? null
            : {
                synced: () => election.start(),
                drain: () => void election.release(),
                stop: () => election.release(),
              },
      },
      releases: { why: "It moves the traffic of tables that have left.", part: this.releases },
      peers: {
        why: "They are asked what they serve, which is compared with the table here.",
        part: peers === null ? null : { synced: () => peers.start(), stop: () => peers.stop() },
      },
      problemLog: { why: "It gathers the Problems of all others.", part: problemLog },
      problemEvents: {
        why: "The log of Problems tells it what it has gathered.",
        part: problemEvents === null ? null : { stop: () => problemEvents.stop() },
      },
    };
    this.all = Object.values(rows).flatMap(({ part }) => part ?? []);
    reconciler.gatherAlso(() => this.all.flatMap(({ problems }) => problems ?? []));
    const ofTable = (message: Parameters<typeof reconciler.from>[1], worker: number): void =>
      reconciler.from(worker, message);
    this.taking = {
      taken: ofTable,
      evidence: ofTable,
      lacks: ofTable,
      used: ofTable,
      requests({ entries, leftOut }) {
        requests.take(entries, leftOut);
        reconciler.counted.told(entries);
      },
      "keys-wanted": ({ provider }) => policies.askKeys(provider),
      revoked: ({ id, answer }, worker) => revocation.answered(worker, id, answer),
      pair: ({ pair }, _worker, send) =>
        compared.take(pair, () => send({ kind: "pair-taken", namespace: pair.namespace, bytes: bytesOf(pair) })),
      "pairs-left-out": ({ pairs }) => compared.takeLeftOut(pairs),
    };
  }

  /** Why the gateway is not ready, for people; null: it is. */
  waitsFor(source: Source): string | null {
    const { reconciler } = this.facts;
    return reconciler.ready ? null : (source.trouble() ?? this.policies.waitsFor ?? reconciler.waitsFor);
  }
}
