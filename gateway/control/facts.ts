// Facts: the nouns that several parts of the control worker read (objects, Endpoints, counts, the table that is served), each from the one that owns it.
import { lookup } from "node:dns/promises";
import { armCounts, type ArmCounts } from "../../routing/release/statistics/arm-counts.ts";
import type { Source } from "../../k8s/source/objects/source.ts";
import { checkReach, readAddress, refusalOf } from "../../k8s/translate/backends/reach.ts";
import { Translator } from "../../k8s/translate/translator.ts";
import type { PredictorKey } from "../api/counted.ts";
import { translateSettingsOf } from "../options/translate-settings.ts";
import { systemClock } from "../shared/clock.ts";
import type { Log } from "../shared/log.ts";
import { SharedTable } from "../shared/memory/shared-table.ts";
import type { ControlStart, FromControl } from "../shared/messages.ts";
import { fixed } from "../shared/metrics/fixed.ts";
import type { Reach } from "./callers/jwks-fetch.ts";
import { Changes } from "./changes/changes.ts";
import { ComparisonBook } from "./comparisons/comparison-book.ts";
import type { Send } from "./part.ts";
import { Reconciler } from "./reconcile.ts";
import { changeEventOf } from "./status/change-event.ts";
import { ProblemEvents, problemEventTimes } from "./status/problem-events.ts";
import { Readiness } from "./status/readiness.ts";
import { ownAddresses } from "./upstreams/addresses.ts";
import { probeEndpoint } from "./upstreams/health-probe.ts";

/** Those that the control worker speaks to. */
export interface ControlOutside {
  tell(message: FromControl): void;
  /** To every data worker. */
  readonly sendAll: Send;
  /** The gateway is ready for the first time. */
  becameReady(): void;
  /** Every worker serves a change, this many seconds after its first byte was read. */
  live(seconds: number): void;
}

export class Facts {
  /** Counters: those of ended workers, then one block a data worker. */
  readonly blocks: readonly Float64Array[];
  /** Objects, and what they mean. */
  readonly translator: Translator;
  /** null: there is no cluster to write them to. */
  readonly problemEvents: ProblemEvents | null;
  readonly changes: Changes;
  /** Endpoints, slots and versions of the table. */
  readonly reconciler: Reconciler;
  readonly compared: ComparisonBook;
  /** What servers that the policy names may be dialled at. */
  readonly reach: Reach;

  constructor({ settings, handover, ...start }: ControlStart, source: Source, log: Log, outside: ControlOutside) {
    this.blocks = [start.base, ...start.counters].map((buffer) => new Float64Array(buffer));
    const base = this.blocks[0]!;
    const translate = translateSettingsOf(
      settings,
      [...ownAddresses(settings), ...source.forbiddenAddresses],
      "unready",
      source.releases !== null,
    );
    this.translator = new Translator(translate);
    this.reach = { lookup: addressesOf, refuse: (ip, port) => refusalOf(translate, readAddress(ip), port) };
    this.problemEvents =
      source.events === null ? null : new ProblemEvents(source.events, problemEventTimes, log, systemClock);
    this.changes = new Changes({
      log,
      clock: systemClock,
      nowMs: epochMs,
      count: (outcome, count) => (base[fixed.changes[outcome]]! += count),
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
    this.compared = new ComparisonBook({
      clock: systemClock,
      keeps: settings.keepDisagreements === "on",
      rulesOf: (namespace, name, predictor) => this.translator.compareRulesOf(namespace, name, predictor),
      leftOut: (why) => (base[fixed.comparisonDrops[why]]! += 1),
    });
  }

  /** Everything that was counted of a predictor. */
  countsOf(predictor: PredictorKey): ArmCounts {
    const { namespace, deployment, predictor: name } = predictor;
    const compared = this.compared.comparedPairs(namespace, deployment, name);
    return armCounts({ compared }, this.reconciler.counted.totalOf(predictor));
  }
}

async function addressesOf(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
