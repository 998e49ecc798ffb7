// A data plane for wire tests: one DataPlane without threads, on free ports, plain and TLS, with a table made of a few Mappings.
import { EvidenceCounts } from "../../gateway/shared/evidence-counts.ts";
import type { PostedPair } from "../../gateway/shared/compared-pairs.ts";
import type { LeftOut } from "../../gateway/shared/metrics/left-out.ts";
import { plainSettings, type FrontSettings, type TableChange } from "../../routing/model/table-change.ts";
import { TableWriter } from "../../routing/write/table-writer.ts";
import type { ForwardTarget, Mapping } from "../../routing/model/mapping.ts";
import type { Upstream, UpstreamEndpoints } from "../../routing/model/upstream.ts";
import { noPolicy, type CallPolicy } from "../../gateway/callers/call-policy.ts";
import type { FailureFlag } from "../../gateway/failure-flags.ts";
import {
  CounterBlock,
  blockBytes,
  endpointCell,
  failureCell,
  feedbackCell,
  heavyUseBytes,
  slotCell,
  usedSlots,
  withoutSeries,
} from "../../gateway/shared/memory/counters.ts";
import { fixed } from "../../gateway/shared/metrics/fixed.ts";
import { feedbackWays, rewardBounds, shadowOutcomes } from "../../gateway/shared/metrics/series.ts";
import {
  endpointFlags,
  endpointLayout,
  failureLayout,
  feedbackLayout,
  slotLayout,
} from "../../gateway/shared/metrics/slots.ts";
import { grpcColumns, statusColumns } from "../../gateway/shared/metrics/status-columns.ts";
import { limitMemory, type LimitMemory } from "../../gateway/shared/memory/limit-memory.ts";
import type { AccessEntry } from "../../gateway/shared/access-fields.ts";
import { SharedTable, tableMemory } from "../../gateway/shared/memory/shared-table.ts";
import { DataPlane } from "../../gateway/edge/plane.ts";
import type { Step } from "../../gateway/edge/steps/step.ts";
import { defaultLimits, type EdgeLimits } from "../../gateway/options/limits.ts";
import type { Settings } from "../../gateway/options/settings.ts";
import { systemClock } from "../../gateway/shared/clock.ts";
import { mappingOf, upstreamOf } from "../gateway/fixtures.ts";
import type { OAuthClient } from "../../gateway/callers/oauth-client.ts";
import type { Revocation } from "../../gateway/callers/oauth-token.ts";
import { plainTlsDefaults, type TlsDefaults } from "../../gateway/options/tls-defaults.ts";
import { StoppedClock } from "../stopped-clock.ts";
import { certificateSet, hostDeclaration } from "./certificates.ts";
import { certPem, keyPem } from "./identity.ts";
import { RawClient, type WireAnswer } from "./client.ts";

export interface GatewayOptions {
  readonly limits?: Partial<EdgeLimits>;
  readonly trustedHops?: number;
  readonly proxyProtocol?: Settings["proxyProtocol"];
  readonly accessLog?: Settings["accessLog"];
  readonly redis?: Settings["redis"];
  /** Default: everybody may call. */
  readonly policy?: CallPolicy | null;
  /** Clients of the OAuth gateway, which is not served without this; null: they are not known. */
  readonly oauth?: readonly OAuthClient[] | null;
  /** Default: one for every host. `none`: the worker has not been told. */
  readonly certificates?: "none";
  /** Counters of planes that stand for the other workers of a process. */
  readonly others?: readonly Float64Array[];
  readonly heavyUse?: Int32Array;
  readonly counters?: CounterBlock;
  /** Where limits of rate are counted; planes that stand for workers of one process share it. */
  readonly rateLimits?: LimitMemory;
  /** Default `stopped`: time goes on by `advance`, `goOnUntil` and `during` only. */
  readonly time?: "stopped" | "real";
  readonly tlsDefaults?: TlsDefaults;
  /** Of TLS sessions; zeros by default. */
  readonly ticketSeed?: Uint8Array;
  /** Of puids; zeros by default. */
  readonly puidKeys?: readonly Uint8Array[];
  /** Of tokens of the OAuth gateway; zeros by default. */
  readonly oauthKeys?: readonly Uint8Array[];
  /** Before the worker began. */
  readonly revoked?: readonly Revocation[];
  /** Steps that every request takes first. */
  readonly steps?: readonly Step[];
}

type Cells = typeof fixed;

/** It says nothing of requests. */
export const plainFront: FrontSettings = {
  trustedHops: null,
  keepsRequestId: false,
  underscores: "allow",
  refusesEscapedSlashes: false,
  connectionIdleMs: null,
  addresses: [],
};

/** Slot of the first Mapping; the n-th has this plus n. */
export const firstSlot = 3;

/** Slots of the Endpoints of one Upstream. */
export const slotsOfUpstream = 16;

export class Gateway {
  readonly plane: DataPlane;
  readonly counters: CounterBlock;
  readonly entries: AccessEntry[] = [];
  readonly evidence = new EvidenceCounts(() => undefined);
  /** What the control worker would hear of. */
  readonly reported: AccessEntry[] = [];
  readonly reportsLeftOut = { failures: 0, others: 0 };
  readonly used: string[] = [];
  /** Both answers of requests whose shadows are compared. */
  readonly pairs: PostedPair[] = [];
  /** Pairs that were left out: shadow, primary, and why. */
  readonly pairsLeftOut: (readonly [string, string, LeftOut])[] = [];
  /** False: the control worker takes none. */
  comparesMore = true;
  /** Providers whose new keys were asked for. */
  readonly keysAsked: string[] = [];
  /** Names of the lines that the worker wrote about itself. */
  readonly said: string[] = [];
  readonly #clock = new StoppedClock();
  port = 0;
  tlsPort = 0;
  readonly #memory = tableMemory(4);
  /** Of the table. */
  readonly shared = new SharedTable(this.#memory);
  readonly #writer = new TableWriter(this.shared.arena, 0);

  constructor(options: GatewayOptions = {}) {
    this.counters = options.counters ?? new CounterBlock(new SharedArrayBuffer(blockBytes()));
    const settings = {
      listen: { host: "127.0.0.1", port: 0 },
      tls: {
        host: "127.0.0.1",
        port: 0,
        certFile: null,
        keyFile: null,
        folders: [],
        ticketKeysFile: null,
        defaults: options.tlsDefaults ?? plainTlsDefaults,
      },
      trustedHops: options.trustedHops ?? null,
      proxyProtocol: options.proxyProtocol ?? { on: "off", from: null },
      accessLog: options.accessLog ?? "errors",
      redis: options.redis ?? null,
      oauth: options.oauth !== undefined,
      limits: { ...defaultLimits, ...options.limits },
    } as unknown as Settings;
    this.plane = new DataPlane(
      {
        settings,
        clock: options.time === "real" ? systemClock : this.#clock,
        counters: this.counters,
        others: options.others ?? [],
        heavyUse: options.heavyUse ?? new Int32Array(heavyUseBytes() / 4),
        table: this.#memory,
        reader: 0,
        askKeys: (provider) => this.keysAsked.push(provider),
        policy: options.policy === undefined ? noPolicy : options.policy,
        rateLimits: { memory: options.rateLimits ?? limitMemory(1000, 0, [1, 2]), aheadMs: 0 },
        ticketSeed: options.ticketSeed ?? new Uint8Array(32),
        puidKeys: options.puidKeys ?? [new Uint8Array(32)],
        oauthClients: options.oauth ?? null,
        oauthKeys: options.oauthKeys ?? [new Uint8Array(32)],
        revoked: options.revoked ?? [],
        log: (entry) => this.entries.push(entry),
        evidence: this.evidence,
        reports: {
          take: (entry) => this.reported.push(entry),
          leftOut: (isFailure, lines) => (this.reportsLeftOut[isFailure ? "failures" : "others"] += lines),
        },
        say: (event) => this.said.push(event),
        compare: {
          take: (pair) => this.comparesMore && this.pairs.push(pair) > 0,
          leftOut: ({ predictor, against }, why) => this.pairsLeftOut.push([predictor, against, why]),
        },
        used: (keys) => this.used.push(...keys),
      },
      options.steps,
    );
    if (options.certificates !== "none")
      this.plane.setCertificates(certificateSet([hostDeclaration("default", ["*"], { certPem, keyPem })]));
  }

  async listen(): Promise<this> {
    const { port, tlsPort } = await this.plane.listen(0, 0);
    this.port = port;
    this.tlsPort = tlsPort;
    return this;
  }

  /** The next table: the whole, of these Mappings and Upstreams. */
  serve(
    mappings: readonly Mapping[],
    upstreams: readonly Upstream[],
    endpoints: readonly UpstreamEndpoints[],
    more: Partial<TableChange> = {},
  ): void {
    const keys = new Set(upstreams.map(({ key }) => key));
    const ids = new Set(mappings.map(({ id }) => id));
    this.change({
      settings: plainSettings,
      mappings: mappings.map((mapping, index) => ({ mapping, slot: firstSlot + index })),
      removedMappings: [...this.#writer.mappingIds()].filter((id) => !ids.has(id)),
      upstreams: upstreams.map((upstream, index) => ({ upstream, breakerSlot: index })),
      removedUpstreams: [...this.#writer.upstreamKeys()].filter((key) => !keys.has(key)),
      endpoints,
      endpointSlots: endpoints.map(({ key, endpoints: those }, index) => [
        key,
        those.map((_, at) => index * slotsOfUpstream + at),
      ]),
      failing: [],
      ...more,
    });
  }

  /** The next table: this one, changed. */
  change(change: Partial<TableChange>): void {
    const none: TableChange = {
      settings: plainSettings,
      mappings: [],
      removedMappings: [],
      upstreams: [],
      removedUpstreams: [],
      endpoints: [],
      endpointSlots: [],
      failing: [],
    };
    this.shared.publish(this.#writer.write({ ...none, ...change }, this.shared.oldestRead).root);
    this.shared.ready = true;
    this.plane.woken();
  }

  notReady(): void {
    this.shared.ready = false;
    this.plane.woken();
  }

  /** One Mapping, `/seldon/prod/iris/`, to these ports on loopback. */
  serveIris(ports: readonly number[], target: Partial<ForwardTarget> = {}, upstream: Partial<Upstream> = {}): void {
    this.serve([irisTo("iris", target)], [{ ...upstreamOf("iris"), ...upstream }], [endpointsOn("iris", ports)]);
  }

  /** Time of a gateway that is stopped goes on by `ms`: deadlines are met in order, and what they set going arrives. A deadline is met up to 8 ms late. */
  advance(ms: number): Promise<void> {
    return this.#clock.advance(ms);
  }

  /** Time of a gateway that is stopped goes on until `holds`. */
  goOnUntil(holds: () => boolean, what: string): Promise<void> {
    return this.#clock.goOnUntil(holds, what);
  }

  /** Time of a gateway that is stopped goes on until `work` is done. */
  during<T>(work: Promise<T>): Promise<T> {
    return this.#clock.goOnDuring(work);
  }

  open(secure: boolean): Promise<RawClient> {
    return RawClient.open(secure ? this.tlsPort : this.port, secure);
  }

  /** One request on a connection of its own. */
  async ask(secure: boolean, text: string): Promise<WireAnswer> {
    const client = await this.open(secure);
    client.write(text);
    const [answer] = await client.answers(1);
    client.destroy();
    return answer!;
  }

  /** What this worker has counted under a name; where its row has values, of one of them. */
  counted<Name extends keyof Cells>(
    name: Name,
    ...value: Cells[Name] extends number ? [] : [keyof Cells[Name]]
  ): number {
    const cell: number | Readonly<Record<PropertyKey, number>> = fixed[name];
    return this.counters.cells[typeof cell === "number" ? cell : cell[value[0]!]]!;
  }

  /** Requests of a slot that were answered with this code, whoever answered; slot −1: without a series. */
  answered(code: string, slot = firstSlot): number {
    return this.answeredBy("model", code, slot) + this.answeredBy("gateway", code, slot);
  }

  /** The same by one of them; of calls of gRPC `code` is the name of the status. */
  answeredBy(origin: "model" | "gateway", code: string, slot = firstSlot): number {
    const isGrpc = !statusColumns.includes(code);
    const column = isGrpc ? grpcColumns.lastIndexOf(code) : statusColumns.indexOf(code);
    const place = slot >= 0 ? slot : isGrpc ? withoutSeries.grpc : withoutSeries.http;
    return this.counters.cells[
      origin === "model" ? slotCell(place, column) : failureCell(place, failureLayout.own + column)
    ]!;
  }

  /** What an Endpoint's slot has counted: `answers 1 modelErrors 0 UF 2`; −1: that of those that have none. */
  tried(slot: number): string {
    const cell = (at: number): number => this.counters.cells[endpointCell(slot, at)]!;
    const counts = [
      ["answers", cell(endpointLayout.answers)],
      ["errors", cell(endpointLayout.modelErrors)],
      ...endpointFlags.map((flag, at) => [flag, cell(endpointLayout.flags + at)] as const),
      ["ejected", cell(endpointLayout.ejected)],
    ] as const;
    return counts.flatMap(([name, count]) => (count === 0 ? [] : [`${name} ${count}`])).join(" ");
  }

  flagged(flag: string): number {
    return this.counted("flags", flag as FailureFlag) + this.#failureSum(failureLayout.flags[flag as FailureFlag]);
  }

  /** Bugs that showed. */
  get faults(): number {
    return this.counted("faults");
  }

  /** Tries after the first. */
  get retries(): number {
    return this.#failureSum(failureLayout.retries);
  }

  #failureSum(cell: number): number {
    const { failures } = usedSlots(this.counters.cells.buffer);
    let sum = 0;
    for (let slot = failures.indexOf(1); slot >= 0; slot = failures.indexOf(1, slot + 1))
      sum += this.counters.cells[failureCell(slot, cell)]!;
    return sum;
  }

  /** What was counted of feedback, by way, those that there were; and of its rewards. */
  feedback(slot: number): {
    readonly ways: object;
    readonly rewards: number;
    readonly sum: number;
    readonly squares: number;
  } {
    const at = (cell: number): number => this.counters.cells[feedbackCell(slot, cell)]!;
    const ways = feedbackWays
      .map((way, index) => [way, at(feedbackLayout.ways + index)] as const)
      .filter(([, count]) => count !== 0);
    const buckets = [...rewardBounds, Infinity].map((_, index) => at(feedbackLayout.rewardBuckets + index));
    return {
      ways: Object.fromEntries(ways),
      rewards: buckets.reduce((sum, count) => sum + count, 0),
      sum: at(feedbackLayout.rewardSum),
      squares: at(feedbackLayout.rewardSquares),
    };
  }

  /** How many of its rewards bandits and gates learn from, and their sum. */
  learnt(slot: number): readonly [count: number, sum: number] {
    const { learnt, learntSum } = feedbackLayout;
    return [this.counters.cells[feedbackCell(slot, learnt)]!, this.counters.cells[feedbackCell(slot, learntSum)]!];
  }

  shadowed(outcome: (typeof shadowOutcomes)[number], slot: number): number {
    return this.counters.cells[slotCell(slot, slotLayout.shadow + shadowOutcomes.indexOf(outcome))]!;
  }

  close(): void {
    this.plane.close();
  }
}

export function irisTo(upstream: string, target: Partial<ForwardTarget> = {}): Mapping {
  const mapping = mappingOf("iris", upstream);
  return { ...mapping, target: { ...(mapping.target as ForwardTarget), ...target } };
}

export function endpointsOn(key: string, ports: readonly number[]): UpstreamEndpoints {
  return {
    key,
    ready: ports.length > 0,
    endpoints: ports.map((port) => ({ ip: "127.0.0.1", port, state: "ready" as const })),
  };
}

/** Both transports, for `describe.each`. */
export const transports: readonly (readonly [name: "plain" | "TLS", secure: boolean])[] = [
  ["plain", false],
  ["TLS", true],
];

/** A prediction as a client sends it. */
export function post(body: string, fields = "", path = "/seldon/prod/iris/api/v1.0/predictions"): string {
  return `POST ${path} HTTP/1.1\r\nHost: gateway\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`;
}
