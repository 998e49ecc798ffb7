// An Upstream without sockets, for forwarding: Endpoints that a test scripts, and what forwarding does with them, in words.
import { CounterBlock, blockBytes, heavyUseBytes } from "../../../../gateway/shared/memory/counters.ts";
import { fixed } from "../../../../gateway/shared/metrics/fixed.ts";
import { Forwarding, type ForwardedMapping } from "../../../../gateway/edge/forwarding/forwarding.ts";
import type { AnswerTaker } from "../../../../gateway/edge/forwarding/forwarded-answer.ts";
import type { RequestPool } from "../../../../gateway/edge/forwarding/tried-endpoints.ts";
import type { TriesOwner } from "../../../../gateway/edge/forwarding/tries.ts";
import { WorkerContext } from "../../../../gateway/edge/io/worker-context.ts";
import { clientFacts } from "../../../../gateway/edge/message/client-facts.ts";
import { failures, type Failure } from "../../../../gateway/failures.ts";
import type { RequestFraming } from "../../../../gateway/edge/fields/framing.ts";
import { allOwnLines } from "../../../../gateway/edge/message/own-lines.ts";
import { readRequestHead, WireRequestHead } from "../../../../gateway/edge/message/request-head.ts";
import { ResponseHead } from "../../../../gateway/edge/message/response-head.ts";
import { compileRetry } from "../../../../gateway/edge/policy/retry-policy.ts";
import { plainBalancing } from "../../../../gateway/edge/balancing/balancing-policy.ts";
import { Breaker, resource } from "../../../../gateway/edge/balancing/breaker.ts";
import type { EndpointView } from "../../../../gateway/edge/upstream/endpoint-view.ts";
import type { ResponseHandler } from "../../../../gateway/edge/upstream/response-handler.ts";
import { UpstreamContext } from "../../../../gateway/edge/upstream/upstream-context.ts";
import type { Acquired, UpstreamRequest, Waiting } from "../../../../gateway/edge/upstream/upstream-request.ts";
import { defaultLimits, type EdgeLimits } from "../../../../gateway/options/limits.ts";
import type { Settings } from "../../../../gateway/options/settings.ts";
import type { RetryPolicy } from "../../../../routing/model/mapping.ts";
import type { StoppedClock } from "../../../stopped-clock.ts";
import { frontWith, upstreamOf } from "../../fixtures.ts";

/** A worker with this clock, whose every draw is the highest. */
export function workerAt(clock: StoppedClock, limits: Partial<EdgeLimits> = {}): WorkerContext {
  const settings = { limits: { ...defaultLimits, ...limits }, trustedHops: 0, accessLog: "off" } as unknown as Settings;
  const counters = new CounterBlock(new SharedArrayBuffer(blockBytes()));
  const faulted = (error: unknown): never => {
    throw error;
  };
  const worker = new WorkerContext({
    settings,
    clock,
    counters,
    others: [],
    heavyUse: new Int32Array(heavyUseBytes() / 4),
    log: () => undefined,
    faulted,
  });
  return Object.assign(worker, { draw: () => 1 });
}

/** One try at one Endpoint: `told` is what it was sent, and what became of it. */
export class ScriptedRequest implements UpstreamRequest {
  readonly kind = "request";
  readonly endpoint: EndpointView;
  readonly user: ResponseHandler;
  readonly told: string[] = [];
  bound = true;
  congested = false;

  constructor(endpoint: EndpointView, user: ResponseHandler) {
    this.endpoint = endpoint;
    this.user = user;
  }

  encodeHead(
    _head: unknown,
    _edits: unknown,
    _facts: unknown,
    _requestId: unknown,
    framing: RequestFraming,
    bodyBytes: number,
  ): void {
    this.told.push(`straight ${framing} ${bodyBytes}`);
  }
  head(bytes: Buffer, length: number, framing: RequestFraming, bodyBytes: number): void {
    this.told.push(`${bytes.toString("latin1", 0, length).split(" ", 1)[0]!} ${framing} ${bodyBytes}`);
  }
  body(bytes: Buffer, start: number, end: number): void {
    this.told.push(bytes.toString("latin1", start, end));
  }
  give(bytes: Buffer): void {
    this.body(bytes, 0, bytes.length);
  }
  end(): void {
    this.told.push("end");
  }
  flush(): void {
    this.told.push("flush");
  }
  pauseResponse(): void {
    this.told.push("pause");
  }
  resumeResponse(): void {
    this.told.push("resume");
  }
  abort(): void {
    this.told.push("abort");
    this.bound = false;
  }

  /** An interim answer. */
  interim(status: number): void {
    this.user.informational(headOf(status));
    this.user.flush();
  }

  /** The head of an answer, of which nothing was passed on yet. */
  begins(status: number): void {
    this.user.head(headOf(status));
  }

  /** Answers with a body where there is one; it ends the answer unless `ends` is false. */
  answers(status: number, body = "", ends = true): void {
    this.begins(status);
    // Whoever tries again has let it go.
    if (!this.bound) return;
    if (body !== "") this.user.body(Buffer.from(body), 0, body.length);
    if (ends) this.user.end(null);
    this.user.flush();
    if (!ends) return;
    // A request that is not given whole goes on.
    this.bound = !this.told.includes("end");
    this.user.over();
  }

  /** Answers whole, and reads no more of the request. */
  closesAfter(status: number): void {
    this.begins(status);
    this.user.end(null);
    this.user.flush();
    this.bound = false;
    this.user.over();
  }

  /** It ends before its answer does. */
  breaks(failure: Failure, unprocessed = false): void {
    this.bound = false;
    this.user.abort(failure, "broken", unprocessed);
  }
}

function headOf(status: number): ResponseHead {
  const head = new ResponseHead();
  head.status = status;
  return head;
}

/** A connection that is dialled. */
class ScriptedWait implements Waiting {
  readonly kind = "waiting";
  readonly request: ScriptedRequest;
  cancelled = false;

  constructor(request: ScriptedRequest) {
    this.request = request;
  }
  get endpoint(): EndpointView {
    return this.request.endpoint;
  }
  cancel(): void {
    this.cancelled = true;
  }
}

type Mode = "ready" | "dials";

/** Endpoints `a`, `b`, …: the first that was not tried takes the next request, with a connection or by a dial. */
export class ScriptedPool implements RequestPool {
  readonly upstream;
  readonly plain = true;
  readonly speaksHttp2: boolean;
  readonly requests: ScriptedRequest[] = [];
  readonly waits: ScriptedWait[] = [];
  /** Endpoints that were told that they failed. */
  readonly failed: string[] = [];
  readonly breaker = new Breaker();
  readonly #endpoints: readonly EndpointView[];
  readonly #mode: Mode;

  constructor(count: number, mode: Mode = "ready", protocol: "http1" | "http2" = "http1") {
    this.upstream = { ...upstreamOf("iris"), protocol };
    this.speaksHttp2 = protocol === "http2";
    this.#mode = mode;
    this.#endpoints = Array.from({ length: count }, (_, index) => {
      const address = String.fromCodePoint("a".codePointAt(0)! + index);
      return { address, failed: () => this.failed.push(address) } as unknown as EndpointView;
    });
  }

  reportUse(): void {}

  breakerOf(): Breaker {
    return this.breaker;
  }

  acquire(user: ResponseHandler, tried: readonly EndpointView[]): Acquired {
    const endpoint = this.#endpoints.find((one) => !tried.includes(one));
    if (endpoint === undefined) return { kind: "failed", failure: failures.noHealthyUpstream, detail: "" };
    const request = new ScriptedRequest(endpoint, user);
    if (this.#mode === "ready") {
      this.requests.push(request);
      return request;
    }
    const wait = new ScriptedWait(request);
    this.waits.push(wait);
    return wait;
  }

  /** What is dialled last connects. */
  connects(): ScriptedRequest {
    const { request } = this.waits.at(-1)!;
    this.requests.push(request);
    request.user.connected(request);
    return request;
  }

  /** What is dialled last does not. */
  refuses(): void {
    const { request } = this.waits.at(-1)!;
    request.user.connectFailed(request.endpoint, failures.connectRefused, "ECONNREFUSED");
  }

  /** There is no Endpoint any more for what waits. */
  gone(): void {
    this.waits.at(-1)!.request.user.connectFailed(null, failures.noHealthyUpstream, "");
  }

  /** The try under way. */
  get last(): ScriptedRequest {
    return this.requests.at(-1)!;
  }

  /** Where requests went, or waited to go. */
  get asked(): string {
    return (this.#mode === "ready" ? this.requests : this.waits.map(({ request }) => request))
      .map(({ endpoint }) => endpoint.address)
      .join("");
  }
}

/** What an exchange is told of a request and its answer. */
class Told implements TriesOwner, AnswerTaker {
  readonly words: string[] = [];
  remainingMs = Infinity;
  #begun = false;
  /** The client has something of the answer. */
  #seen = false;

  retries = 0;

  taken(): void {
    this.words.push("taken");
  }
  sentAgain(): void {
    this.retries += 1;
  }
  failed({ name }: Failure, detail: string): void {
    this.words.push(`failed ${name}: ${detail}`);
  }
  informational({ status }: ResponseHead): void {
    this.words.push(`informational ${status}`);
  }
  upgraded(): void {
    this.words.push("upgraded");
  }
  head({ status }: ResponseHead): void {
    this.#begun = true;
    this.words.push(`head ${status}`);
  }
  body(bytes: Buffer, start: number, end: number): void {
    this.words.push(bytes.toString("latin1", start, end));
  }
  end(): void {
    this.words.push("end");
  }
  flush(): void {
    this.#seen = this.#begun;
  }
  over(): void {
    this.words.push("over");
  }
  takeBack(): boolean {
    if (this.#begun && !this.#seen) this.words.push("taken back");
    return !this.#seen;
  }
}

/** A request that is forwarded. */
export class Forwarded {
  readonly worker: WorkerContext;
  readonly pool: ScriptedPool;
  readonly forwarding: Forwarding;
  readonly #told = new Told();

  constructor(worker: WorkerContext, pool: ScriptedPool) {
    this.worker = worker;
    this.pool = pool;
    this.forwarding = new Forwarding(new UpstreamContext(worker, () => undefined), this.#told, this.#told);
  }

  /** What its exchange was told. */
  get told(): readonly string[] {
    return this.#told.words;
  }

  /** So much is left of the time limit of the request. */
  set remainingMs(ms: number) {
    this.#told.remainingMs = ms;
  }

  /** Begins a POST with a body of 4 bytes, unless `fields` say otherwise, and with this retry policy. */
  begin(retry: Partial<RetryPolicy> | null = null, fields = "Content-Length: 4\r\n"): this {
    const head = new WireRequestHead();
    const bytes = Buffer.from(`POST /x HTTP/1.1\r\nHost: a\r\n${fields}\r\n\0`);
    readRequestHead(head, bytes, 0, bytes.length - 1, defaultLimits);
    const mapping: ForwardedMapping = {
      pool: this.pool,
      balancing: plainBalancing,
      retry:
        retry === null ? null : compileRetry({ retryOn: ["5xx"], numRetries: 2, perTryTimeoutMs: null, ...retry }, 0),
      rewrite: { kind: "none" },
      hostLine: null,
      ownLines: allOwnLines,
      requestEdits: null,
      puid: null,
      headBytes: 0,
    };
    this.forwarding.reset(false);
    this.forwarding.head(head, mapping, clientFacts("127.0.0.1", null, frontWith(0)), Buffer.alloc(36, "i"), null);
    return this;
  }

  body(text: string): this {
    this.forwarding.body(Buffer.from(text), 0, text.length);
    this.forwarding.flush();
    return this;
  }

  /** The request comes to its end. */
  end(): this {
    this.forwarding.end(null);
    this.forwarding.flush();
    return this;
  }

  /** A whole one. */
  post(retry: Partial<RetryPolicy> | null = null): this {
    return this.begin(retry).body("body").end();
  }

  /** Bytes of requests that are kept, in all of the worker. */
  get heldBytes(): number {
    return this.worker.counters.cells[fixed.heldBytes]!;
  }

  /** Tries after the first. */
  get retriesMade(): number {
    return this.#told.retries;
  }

  /** Requests that count as being retried, of all of the worker. */
  get retriesUnderWay(): number {
    return this.pool.breaker.inUseHere(resource.retries);
  }
}
