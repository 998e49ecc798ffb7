// Shadows: copies of requests whose responses are thrown away, or compared with the primary's (`ComparedExchange`). A copy leaves after the primary's request is complete and in time that primaries
// leave over, through pools, bounds and deadlines of its own; nothing here can delay, fail or change a primary's answer.
import type { Series } from "../../../routing/model/mapping.ts";
import { secondDraw } from "../../../routing/collections/key-hash.ts";
import { isCopied } from "../../../routing/decide.ts";
import { isFeedback } from "../../../routing/request/feedback.ts";
import type { Shadow } from "../../../routing/route/decision.ts";
import { noKey } from "../../../routing/route/sticky-key.ts";
import { anchorOf } from "../../../routing/route/sticky-split.ts";
import type { Upstream } from "../../../routing/model/upstream.ts";
import { fixed } from "../../shared/metrics/fixed.ts";
import { shadowOutcomes } from "../../shared/metrics/series.ts";
import type { LazyMapping, CompiledMapping } from "../policy/compiled-mapping.ts";
import type { UpstreamContext } from "../upstream/upstream-context.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import type { Captures } from "./captures.ts";
import { ComparedExchange, maxPathLength, sidesOf, type ComparedPair } from "./compared-exchange.ts";
import type { CopyEnd } from "./shadow-backoff.ts";
import { ShadowCopy, type ShadowAccount, type ShadowOutcome } from "./shadow-copy.ts";
import { mayTake } from "../../shared/fair-share.ts";
import { ShadowBudget, type CopyTarget, type QueuedCopy } from "./shadow-budget.ts";
import { ShadowRequest, type ShadowRequestOwner } from "./shadow-request.ts";
import { plainBalancing } from "../balancing/balancing-policy.ts";
import type { AddressPool } from "../upstream/address-pool.ts";
import type { EndpointPool } from "../upstream/endpoint-pool.ts";
import { encodeHead } from "../upstream/head-encoding.ts";
import type { UpstreamPool } from "../upstream/pool.ts";

/** Copies that begin between two looks of the event loop at its sockets: each is a write of 20 to 30 µs that a primary may have to wait for. */
const mostBegunATurn = 1;
/** Endpoints of one shadow that are asked whether they take copies. */
const mostPicked = 4;
const noneTried: readonly EndpointPool[] = [];

type Place = Omit<CopyTarget, "pair">;

/** Sends copies of one worker, a bounded number at once: those for one address in order, addresses in turn. */
export class ShadowSender implements ShadowRequestOwner, ShadowAccount {
  readonly #worker: WorkerContext;
  readonly #upstream: UpstreamContext;
  readonly #captures: Captures;
  /** Bytes of copies that are held. */
  heldBytes = 0;
  /** Lanes of addresses; each is gone with its address' connections. */
  readonly #budgets = new WeakMap<AddressPool, ShadowBudget>();
  /** Lanes of names whose addresses are awaited. */
  readonly #awaiting = new WeakMap<UpstreamPool, ShadowBudget>();
  /** Lanes with a queue, in turn. */
  #waiting: ShadowBudget[] = [];
  #inFlight = 0;
  #queued = 0;
  #scheduled = false;

  constructor(upstream: UpstreamContext, captures: Captures) {
    this.#worker = upstream.worker;
    this.#upstream = upstream;
    this.#captures = captures;
  }

  get pending(): number {
    return this.#inFlight + this.#queued;
  }

  /** Draws for each shadow, or by the key of a sticky caller (`point`, else `noKey`); null: none of them gets this request. Its head is copied as the primary's goes upstream. */
  begin(
    shadows: readonly Shadow<LazyMapping>[],
    head: WireRequestHead,
    primary: CompiledMapping,
    facts: ClientFacts,
    requestId: Buffer,
    point: number,
    against: Series,
  ): ShadowCopy<CopyTarget> | null {
    let targets: CopyTarget[] | null = null;
    let compared: ComparedExchange | null = null;
    for (let i = 0; i < shadows.length; i++) {
      const shadow = shadows[i]!;
      const draw = point === noKey ? this.#worker.draw() : secondDraw(point, anchorOf(shadow.mapping) | 0);
      if (!isCopied(shadow, draw)) continue;
      const { compared: subject } = shadow.attached.compiledFor(false);
      const target = this.#targetOf(shadow);
      if (typeof target === "string") {
        this.count(shadow.attached.slot, target);
        continue;
      }
      let pair: ComparedPair | null = null;
      // Models answer feedback with nothing that could differ.
      if (subject !== null && !isFeedback(head)) {
        if (this.#captures.takes(subject)) {
          compared ??= this.#comparedExchange(head, primary.slot, against, requestId);
          pair = compared.pairWith(target.compiled.slot, subject);
        } else this.#captures.leftOut(sidesOf(against, subject), "rate");
      }
      (targets ??= []).push({ ...target, pair });
    }
    if (targets === null) return null;
    const encode = (protocol: Upstream["protocol"]): Buffer | null => {
      if (!targets.some(({ compiled }) => compiled.shadowPool!.upstream!.protocol === protocol)) return null;
      const { bytes, length } = encodeHead(
        protocol,
        this.#upstream,
        head,
        primary,
        facts,
        requestId,
        !primary.pool!.plain,
        true,
      );
      return Buffer.from(bytes.subarray(0, length));
    };
    const copy = new ShadowCopy(
      this,
      this.#worker.limits,
      targets,
      { http1: encode("http1"), http2: encode("http2") },
      head.isHead,
      head.framing !== "none",
      compared,
    );
    return copy.targets.length > 0 ? copy : null;
  }

  #comparedExchange(head: WireRequestHead, slot: number, against: Series, requestId: Buffer): ComparedExchange {
    const { pathBytes, pathStart, pathEnd, grpc } = head;
    const end = Math.min(pathEnd, pathStart + maxPathLength);
    return new ComparedExchange(this.#captures, slot, {
      against,
      requestId: requestId.toString("latin1"),
      isGrpc: grpc,
      path: Buffer.from(pathBytes.subarray(pathStart, end)).toString("latin1"),
    });
  }

  /** Where a copy for this shadow goes, or why none is made: one that is bound to be dropped costs the primary no copying. */
  #targetOf({ ready, attached }: Shadow<LazyMapping>): Place | ShadowOutcome {
    if (!ready) return "dropped_unready";
    const compiled = attached.compiledFor(false);
    const pool = compiled.shadowPool;
    if (pool === null || pool.upstream === null) return "dropped_unready";
    const endpoint = pool.balancer.pick(plainBalancing, null, noneTried);
    if (endpoint === null) return this.#targetAwaiting(compiled, pool);
    return this.#placeAt(compiled, endpoint, pool);
  }

  /** At the first of some Endpoints that takes copies now. */
  #placeAt(compiled: CompiledMapping, first: EndpointPool, pool: UpstreamPool): Place | ShadowOutcome {
    const { nowMs } = this.#worker;
    const tried: EndpointPool[] = [];
    let endpoint = first;
    for (;;) {
      const budget = this.#budgetOf(endpoint.addressPool);
      if (!this.#mayWait(budget)) return "dropped_queue";
      if (budget.backOff.admits(nowMs)) return { compiled, endpoint, budget };
      if (tried.push(endpoint) === mostPicked) return "dropped_unready";
      const next = pool.balancer.pick(plainBalancing, null, tried);
      if (next === null || tried.includes(next)) return "dropped_unready";
      endpoint = next;
    }
  }

  #budgetOf(address: AddressPool): ShadowBudget {
    let budget = this.#budgets.get(address);
    if (budget === undefined) this.#budgets.set(address, (budget = new ShadowBudget()));
    return budget;
  }

  /** Where there is no address yet and none will come, the copy is dropped when it begins. */
  #targetAwaiting(compiled: CompiledMapping, pool: UpstreamPool): Place | ShadowOutcome {
    let budget = this.#awaiting.get(pool);
    if (budget === undefined) this.#awaiting.set(pool, (budget = new ShadowBudget()));
    return this.#mayWait(budget) ? { compiled, endpoint: null, budget } : "dropped_queue";
  }

  /** The primary's request is complete: its copies may leave, in a turn of the event loop that begins after primaries' bytes were looked for. */
  send(copy: ShadowCopy<CopyTarget>): void {
    for (const target of copy.targets) {
      const { budget } = target;
      if (!this.#mayWait(budget)) {
        copy.release(target, "dropped_queue");
        continue;
      }
      if (budget.queue.push({ copy, target }) === 1) this.#waiting.push(budget);
      this.#queued += 1;
    }
    this.#schedule();
    this.#gauge();
  }

  #mayWait(budget: ShadowBudget): boolean {
    const { shadowConcurrency, shadowQueue } = this.#worker.limits;
    return mayTake(budget.pending, 1, this.pending, shadowConcurrency + shadowQueue);
  }

  #hasRoom(budget: ShadowBudget): boolean {
    return mayTake(budget.inFlight, 1, this.#inFlight, this.#worker.limits.shadowConcurrency);
  }

  #schedule(): void {
    if (this.#scheduled || this.#queued === 0 || this.#inFlight >= this.#worker.limits.shadowConcurrency) return;
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  readonly #turn = (): void => {
    this.#scheduled = false;
    this.#worker.tick();
    let begun = 0;
    while (begun < mostBegunATurn && this.#beginNext()) begun += 1;
    this.#gauge();
    if (begun > 0) this.#schedule();
  };

  /** Begins the next copy that has room; false: there is none. */
  #beginNext(): boolean {
    const at = this.#waiting.findIndex((budget) => this.#hasRoom(budget));
    if (at < 0) return false;
    const budget = this.#waiting.splice(at, 1)[0]!;
    const { copy, target } = budget.queue.shift()!;
    this.#queued -= 1;
    if (budget.queue.length > 0) this.#waiting.push(budget);
    this.#inFlight += 1;
    budget.inFlight += 1;
    const request = new ShadowRequest(this.#worker, copy, target, this);
    try {
      request.begin();
    } catch (error) {
      this.#worker.faulted(error);
      request.cancel();
    }
    return true;
  }

  copyOver(copy: ShadowCopy<CopyTarget>, target: CopyTarget, outcome: ShadowOutcome, how: CopyEnd | null): void {
    const { budget } = target;
    this.#inFlight -= 1;
    budget.inFlight -= 1;
    copy.release(target, outcome);
    if (how !== null && budget.backOff.ended(how, this.#worker.nowMs)) this.#dropQueue(budget);
    this.#gauge();
    this.#schedule();
  }

  /** Its copies would only fail one after the other. */
  #dropQueue(budget: ShadowBudget): void {
    if (budget.queue.length === 0) return;
    this.#waiting.splice(this.#waiting.indexOf(budget), 1);
    const dropped: readonly QueuedCopy[] = budget.queue.splice(0);
    this.#queued -= dropped.length;
    for (const { copy, target } of dropped) copy.release(target, "dropped_unready");
  }

  hold(count: number): void {
    this.heldBytes += count;
    this.#worker.counters.set(fixed.shadowBytes, this.heldBytes);
  }

  count(slot: number, outcome: ShadowOutcome): void {
    this.#worker.counters.shadow(slot, shadowOutcomes.indexOf(outcome));
  }

  #gauge(): void {
    this.#worker.counters.set(fixed.shadowInFlight, this.#inFlight);
    this.#worker.counters.set(fixed.shadowQueued, this.#queued);
  }
}
