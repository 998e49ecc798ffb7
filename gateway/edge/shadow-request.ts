// One copy on its way to one shadow: one try, one deadline, and an answer that nobody reads.
import { Deadline } from './deadline.ts';
import type { Timed } from './deadline.ts';
import type { Attachment } from './attachment.ts';
import type { Edge } from './edge.ts';
import { failures } from './failure.ts';
import type { ResponseHead } from './http1/response-head.ts';
import type { ShadowCopy, ShadowOutcome } from './shadow.ts';
import { plainChoice } from './upstream/choice.ts';
import type { UpstreamSide, Waiting } from './upstream/upstream-side.ts';
import type { UpstreamUser } from './upstream/user.ts';

/**
 * Bytes of a shadow's answer that are read to keep its connection; a longer one ends it, at its head where that tells the length. Over HTTP/2 it
 * is read on: nothing but a reset would end it, and of many resets an upstream thinks that it is attacked.
 */
const mostAnswerBytes = 1024 * 1024;
/** The same for an answer that does not tell its length: most likely there is more to come. */
const mostUntoldBytes = 64 * 1024;

/** What became of it. `lost`: its connection was, or there was none to be had. */
type ShadowOver = (outcome: ShadowOutcome, lost: boolean) => void;

export class ShadowRequest implements UpstreamUser, Timed {
  readonly isHead: boolean;
  readonly #edge: Edge;
  readonly #copy: ShadowCopy;
  readonly #target: Attachment;
  readonly #over: ShadowOver;
  readonly #deadline = new Deadline(this);
  #side: UpstreamSide | null = null;
  #waiting: Waiting | null = null;
  #startedMs = 0;
  #code = 0;
  #answerBytes = 0;
  #mostBytes = mostUntoldBytes;
  #done = false;

  constructor(edge: Edge, copy: ShadowCopy, target: Attachment, over: ShadowOver) {
    this.#edge = edge;
    this.#copy = copy;
    this.#target = target;
    this.#over = over;
    this.isHead = copy.isHead;
  }

  begin(): void {
    const edge = this.#edge;
    const pool = this.#target.shadowPool;
    this.#startedMs = edge.nowMs;
    edge.wheel.set(this.#deadline, edge.nowMs + edge.limits.shadowTimeoutMs);
    if (pool === null || pool.upstream === null) {
      this.#end('dropped_unready');
      return;
    }
    pool.reportUse();
    const acquired = pool.acquire(this, [], plainChoice, null);
    switch (acquired.kind) {
      case 'side':
        this.connected(acquired);
        return;
      case 'waiting':
        this.#waiting = acquired;
        return;
      case 'failed':
        // Keys that OpenSSL does not read are reported by the primary's side.
        if (acquired.failure === failures.noHealthyUpstream) this.#end('dropped_unready');
        else this.#end('failed', true);
    }
  }

  connected(side: UpstreamSide): void {
    this.#waiting = null;
    this.#side = side;
    this.#copy.sendTo(side, this.#target.shadowPool!.upstream!.protocol);
  }

  connectFailed(): void {
    this.#waiting = null;
    this.#end('failed', true);
  }

  informational(): void {}

  upgraded(): void {}

  responseHead(head: ResponseHead): void {
    this.#code = head.status;
    if (head.framing !== 'length') return;
    this.#mostBytes = mostAnswerBytes;
    if (head.contentLength > mostAnswerBytes) this.#enough();
  }

  responseBody(_bytes: Buffer, start: number, end: number): void {
    this.#answerBytes += end - start;
    if (this.#answerBytes > this.#mostBytes) this.#enough();
  }

  /** It answered; nobody wants the rest. */
  #enough(): void {
    if (this.#target.shadowPool!.upstream?.protocol === 'http1') this.#end('sent');
  }

  responseEnd(): void {}

  responseFlush(): void {}

  responseOver(): void {
    if (this.#side?.bound === false) this.#side = null;
    this.#end('sent');
  }

  failed(): void {
    this.#side = null;
    this.#end('failed', true);
  }

  upstreamDrained(): void {}

  expired(nowMs: number): void {
    this.#edge.nowMs = nowMs;
    this.#end(this.#answerBytes > this.#mostBytes ? 'sent' : 'failed');
  }

  #end(outcome: ShadowOutcome, lost = false): void {
    if (this.#done) return;
    this.#done = true;
    const edge = this.#edge;
    edge.wheel.remove(this.#deadline);
    const side = this.#side;
    const waiting = this.#waiting;
    this.#side = null;
    this.#waiting = null;
    side?.abandon();
    waiting?.cancel();
    if (this.#code > 0) edge.counters.finish(this.#target.slot, this.#code, (edge.nowMs - this.#startedMs) / 1000);
    this.#over(outcome, lost);
  }
}
