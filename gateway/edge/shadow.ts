// Shadows: copies of requests whose responses are thrown away. A copy leaves after the primary's request is complete, through pools, bounds
// and deadlines of its own; nothing here can delay, fail or change a primary's answer (design §5).
import { isCopied } from '../../routing/decide.ts';
import type { Shadow } from '../../routing/decision.ts';
import type { Upstream } from '../../routing/upstream.ts';
import { fixed, shadowOutcomes } from '../counters.ts';
import type { Attached, Attachment } from './attachment.ts';
import type { Edge } from './edge.ts';
import type { Http1RequestHead } from './http1/request-head.ts';
import type { ClientFacts } from './http1/request-writer.ts';
import { ShadowLane, shareOf } from './shadow-lane.ts';
import type { Queued } from './shadow-lane.ts';
import { ShadowRequest } from './shadow-request.ts';
import { encodeHead } from './upstream/head-encoding.ts';
import type { UpstreamPool } from './upstream/pool.ts';
import type { UpstreamSide } from './upstream/upstream-side.ts';

export type ShadowOutcome = 'sent' | 'failed' | 'dropped_size' | 'dropped_memory' | 'dropped_queue' | 'dropped_unready' | 'dropped_incomplete';

/** The head as the targets' protocols take it; null: no target speaks that one. */
type CopiedHeads = Readonly<Record<Upstream['protocol'], Buffer | null>>;

/** The copy of one request, for one or more shadows. Its bytes count against the worker's budget until the last of them is done. */
export class ShadowCopy {
  readonly #edge: Edge;
  readonly targets: readonly Attachment[];
  readonly isHead: boolean;
  readonly #heads: CopiedHeads;
  #body: Buffer[] = [];
  #bodyBytes = 0;
  #heldBytes = 0;
  readonly #hasBody: boolean;
  #users: number;

  constructor(edge: Edge, targets: readonly Attachment[], heads: CopiedHeads, isHead: boolean, hasBody: boolean) {
    this.#edge = edge;
    this.targets = targets;
    this.#heads = heads;
    this.isHead = isHead;
    this.#hasBody = hasBody;
    this.#users = targets.length;
    this.#hold((heads.http1?.length ?? 0) + (heads.http2?.length ?? 0));
  }

  /** Copies bytes of the body. False: it is over a bound, was dropped and counted. */
  append(bytes: Buffer, start: number, end: number): boolean {
    const { limits } = this.#edge;
    const count = end - start;
    if (this.#bodyBytes + count > limits.shadowBodyBytes) return this.#drop('dropped_size');
    if (this.#edge.shadows.heldBytes + count > limits.shadowTotalBytes) return this.#drop('dropped_memory');
    this.#body.push(Buffer.from(bytes.subarray(start, end)));
    this.#bodyBytes += count;
    this.#hold(count);
    return true;
  }

  /** The request was not completed. */
  abandon(): void {
    this.#drop('dropped_incomplete');
  }

  /** Sends the whole request, framed by its length: a small one in one write, a large one without another copy of its body. */
  sendTo(side: UpstreamSide, protocol: Upstream['protocol']): void {
    const head = this.#heads[protocol]!;
    side.sendHead(head, head.length, this.#hasBody ? this.#bodyBytes : -1);
    for (const piece of this.#body) side.giveBody(piece);
    side.sendEnd(null);
    side.flush();
  }

  /** One shadow is done with it. */
  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.#free();
  }

  #drop(outcome: ShadowOutcome): false {
    for (const { slot } of this.targets) this.#edge.shadows.count(slot, outcome);
    this.#free();
    return false;
  }

  #hold(count: number): void {
    this.#heldBytes += count;
    this.#edge.shadows.hold(count);
  }

  #free(): void {
    this.#edge.shadows.hold(-this.#heldBytes);
    this.#heldBytes = 0;
    this.#body = [];
  }
}

/** Sends copies of one worker, a bounded number at once: those of one shadow in order, shadows in turn. */
export class ShadowSender {
  readonly #edge: Edge;
  /** Bytes of copies that are held. */
  heldBytes = 0;
  readonly #lanes = new WeakMap<UpstreamPool, ShadowLane>();
  /** Lanes with something under way. */
  #busyLanes = 0;
  /** Lanes with a queue, in turn. */
  #waiting: ShadowLane[] = [];
  #inFlight = 0;
  #queued = 0;
  #advancing = false;
  #idle: (() => void) | null = null;

  constructor(edge: Edge) {
    this.#edge = edge;
  }

  get pending(): number {
    return this.#inFlight + this.#queued;
  }

  /** Draws for each shadow; null: none of them gets this request. Its head is copied as the primary's goes upstream. */
  begin(shadows: readonly Shadow<Attached>[], head: Http1RequestHead, primary: Attachment, facts: ClientFacts, requestId: Buffer): ShadowCopy | null {
    let targets: Attachment[] | null = null;
    for (let i = 0; i < shadows.length; i++) {
      const shadow = shadows[i]!;
      if (!isCopied(shadow, this.#edge.draw())) continue;
      if (this.#takes(shadow)) (targets ??= []).push(shadow.attached.compiled);
      else this.count(shadow.attached.slot, 'dropped_unready');
    }
    if (targets === null) return null;
    const encode = (protocol: Upstream['protocol']): Buffer | null => {
      if (!targets.some((target) => protocolOf(target) === protocol)) return null;
      const { bytes, length } = encodeHead(protocol, this.#edge, head, primary, facts, requestId, true);
      return Buffer.from(bytes.subarray(0, length));
    };
    return new ShadowCopy(this.#edge, targets, { http1: encode('http1'), http2: encode('http2') }, head.isHead, head.chunked || head.contentLength >= 0);
  }

  /** It has an Endpoint and does not back off: else nothing is copied. */
  #takes({ ready, attached }: Shadow<Attached>): boolean {
    if (!ready) return false;
    const { shadowPool } = attached.compiled;
    return shadowPool !== null && this.#laneOf(shadowPool).backOff.admits(this.#edge.nowMs);
  }

  /** The primary's request is complete: its copies may leave. */
  send(copy: ShadowCopy): void {
    const { limits } = this.#edge;
    for (const target of copy.targets) {
      const lane = this.#laneOf(target.shadowPool!);
      if (lane.isIdle) this.#busyLanes += 1;
      if (lane.queue.length === 0 && this.#hasRoom(lane)) {
        this.#start(lane, { copy, target });
      } else if (this.#queued < limits.shadowQueue && lane.queue.length < shareOf(limits.shadowQueue, this.#busyLanes)) {
        if (lane.queue.push({ copy, target }) === 1) this.#waiting.push(lane);
        this.#queued += 1;
      } else {
        if (lane.isIdle) this.#busyLanes -= 1;
        this.#drop('dropped_queue', { copy, target });
      }
    }
    this.#gauge();
  }

  #laneOf(pool: UpstreamPool): ShadowLane {
    let lane = this.#lanes.get(pool);
    if (lane === undefined) this.#lanes.set(pool, (lane = new ShadowLane()));
    return lane;
  }

  #hasRoom(lane: ShadowLane): boolean {
    const { shadowConcurrency } = this.#edge.limits;
    return this.#inFlight < shadowConcurrency && lane.inFlight < shareOf(shadowConcurrency, this.#busyLanes);
  }

  #drop(outcome: ShadowOutcome, { copy, target }: Queued): void {
    this.count(target.slot, outcome);
    copy.release();
  }

  #start(lane: ShadowLane, { copy, target }: Queued): void {
    this.#inFlight += 1;
    lane.inFlight += 1;
    new ShadowRequest(this.#edge, copy, target, (outcome, lost) => {
      this.#inFlight -= 1;
      lane.inFlight -= 1;
      this.#drop(outcome, { copy, target });
      if (outcome === 'sent') lane.backOff.answered();
      else if (lost && lane.backOff.lost(this.#edge.nowMs)) this.#dropQueue(lane);
      if (lane.isIdle) this.#busyLanes -= 1;
      this.#next();
    }).begin();
  }

  /** Its copies would only fail one after the other. */
  #dropQueue(lane: ShadowLane): void {
    if (lane.queue.length === 0) return;
    this.#waiting.splice(this.#waiting.indexOf(lane), 1);
    const dropped = lane.queue.splice(0);
    this.#queued -= dropped.length;
    for (const queued of dropped) this.#drop('dropped_unready', queued);
  }

  #next(): void {
    // A copy that ends as it begins comes back here: the loop below goes on with the next.
    if (this.#advancing) return;
    this.#advancing = true;
    while (this.#inFlight < this.#edge.limits.shadowConcurrency) {
      const at = this.#waiting.findIndex((lane) => this.#hasRoom(lane));
      if (at < 0) break;
      const lane = this.#waiting.splice(at, 1)[0]!;
      const queued = lane.queue.shift()!;
      this.#queued -= 1;
      if (lane.queue.length > 0) this.#waiting.push(lane);
      this.#start(lane, queued);
    }
    this.#advancing = false;
    this.#gauge();
    if (this.pending === 0) this.#idle?.();
  }

  /** Resolves when no copy is in flight or queued. */
  async finished(): Promise<void> {
    if (this.pending === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  hold(count: number): void {
    this.heldBytes += count;
    this.#edge.counters.set(fixed.shadowBytes, this.heldBytes);
  }

  count(slot: number, outcome: ShadowOutcome): void {
    this.#edge.counters.shadow(slot, shadowOutcomes.indexOf(outcome));
  }

  #gauge(): void {
    this.#edge.counters.set(fixed.shadowInFlight, this.#inFlight);
    this.#edge.counters.set(fixed.shadowQueued, this.#queued);
  }
}

/** null: its Upstream is not described yet. */
function protocolOf(target: Attachment): Upstream['protocol'] | null {
  return target.shadowPool?.upstream?.protocol ?? null;
}
