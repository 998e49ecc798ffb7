// One copy on its way to one shadow: one try, one deadline, and an answer that nobody reads.
import { Deadline } from './deadline.ts';
import type { Timed } from './deadline.ts';
import type { Attachment } from './attachment.ts';
import type { Edge } from './edge.ts';
import type { ResponseHead } from './http1/response-head.ts';
import type { ShadowCopy, ShadowOutcome } from './shadow.ts';
import type { UpstreamConnection } from './upstream/connection.ts';
import type { UpstreamUser } from './upstream/user.ts';

/** Bytes of a shadow's answer that are read to keep its connection; over it the connection is closed. */
const mostAnswerBytes = 1024 * 1024;

export class ShadowRequest implements UpstreamUser, Timed {
  readonly isHead: boolean;
  readonly #edge: Edge;
  readonly #copy: ShadowCopy;
  readonly #target: Attachment;
  readonly #over: (outcome: ShadowOutcome) => void;
  readonly #deadline = new Deadline(this);
  #connection: UpstreamConnection | null = null;
  #startedMs = 0;
  #code = 0;
  #answerBytes = 0;
  #done = false;

  constructor(edge: Edge, copy: ShadowCopy, target: Attachment, over: (outcome: ShadowOutcome) => void) {
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
    pool?.reportUse();
    const endpoint = pool?.upstream?.protocol === 'http1' ? pool.pick([]) : null;
    if (endpoint === null) {
      this.#end('dropped_unready');
      return;
    }
    try {
      const connection = endpoint.reuse(this);
      if (connection === null) this.#connection = endpoint.dial(this);
      else this.connected(connection);
    } catch {
      // Keys that OpenSSL does not read: the primary's side reports them.
      this.#end('failed');
    }
  }

  connected(connection: UpstreamConnection): void {
    this.#connection = connection;
    this.#copy.sendTo(connection.transport);
    connection.requestSent();
  }

  connectFailed(): void {
    this.#end('failed');
  }

  informational(): void {}

  responseHead(head: ResponseHead): void {
    this.#code = head.status;
  }

  responseBody(_bytes: Buffer, start: number, end: number): void {
    this.#answerBytes += end - start;
    // It answered; nobody wants the rest.
    if (this.#answerBytes > mostAnswerBytes) this.#end('sent');
  }

  responseEnd(): void {}

  responseFlush(): void {}

  responseOver(): void {
    this.#end('sent');
  }

  failed(): void {
    this.#end('failed');
  }

  upstreamDrained(): void {}

  expired(nowMs: number): void {
    this.#edge.nowMs = nowMs;
    this.#end('failed');
  }

  #end(outcome: ShadowOutcome): void {
    if (this.#done) return;
    this.#done = true;
    const edge = this.#edge;
    edge.wheel.remove(this.#deadline);
    const connection = this.#connection;
    this.#connection = null;
    connection?.abandon();
    if (this.#code > 0) edge.counters.finish(this.#target.slot, this.#code, (edge.nowMs - this.#startedMs) / 1000);
    this.#over(outcome);
  }
}
