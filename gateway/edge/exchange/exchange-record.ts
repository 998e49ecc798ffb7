// What an exchange leaves behind: its counters and its line in the access log.
import type { ForwardDecision } from "../../../routing/route/decision.ts";
import { RequestNote } from "../access/access-entry.ts";
import type { Caller } from "../identity/verifier.ts";
import { sentenceOf } from "../message/answers.ts";
import type { LazyMapping } from "../policy/compiled-mapping.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { ExchangeContext } from "./exchange-context.ts";
import type { Failure } from "../../failures.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import { requestIdBytes, type RequestIds } from "../fields/request-id.ts";

/** A slot of its own for what is not counted. */
const notCounted = -2;
/** Instead of seconds. */
const notYet = -1;

export class ExchangeRecord {
  readonly #worker: WorkerContext;
  readonly #ids: RequestIds;
  readonly #note = new RequestNote();
  /** Id of the request, unless a trusted proxy gave it one. */
  readonly requestId = Buffer.allocUnsafe(requestIdBytes);
  #hasId = false;
  #slot = -1;
  /** What was counted as its duration; `notYet`: it was not counted. */
  #countedSeconds = notYet;
  /** It was counted that its retries were used up, which stays so whatever is taken back. */
  #countedSpent = false;
  /** null: it was rejected. */
  decision: ForwardDecision<LazyMapping> | null = null;
  failure: Failure | null = null;
  detail = "";
  /** null: nobody has said who calls. */
  caller: Caller | null = null;
  /** Of the answer; 0: none. */
  code = 0;
  requestBytes = 0;
  responseBytes = 0;

  constructor({ worker, ids }: ExchangeContext) {
    this.#worker = worker;
    this.#ids = ids;
  }

  begin(head: WireRequestHead): void {
    const { accessLog, front } = this.#worker;
    const trustsId = front.trustedHops > 0 || front.keepsRequestId;
    this.decision = null;
    this.#slot = -1;
    this.#countedSeconds = notYet;
    this.#countedSpent = false;
    this.#hasId = false;
    this.failure = null;
    this.detail = "";
    this.caller = null;
    this.code = 0;
    this.requestBytes = 0;
    this.responseBytes = 0;
    if (accessLog !== "off") this.#note.take(head, trustsId);
    else if (trustsId) this.#note.takeId(head, true);
  }

  /** The id that an answer of the gateway and its line share, drawn if there is none yet; "": the exchange has no line. */
  get sharedId(): string {
    if (this.#slot === notCounted) return "";
    if (this.#note.requestId !== null) return this.#note.requestId;
    if (!this.#hasId) this.identify();
    return this.requestId.toString("latin1");
  }

  /** Lets go of what it would say. */
  forget(): void {
    this.decision = null;
    this.caller = null;
    this.failure = null;
    this.detail = "";
    this.#note.requestId = null;
  }

  /** It is in flight, and counted for the series of this slot; −1: for none. */
  enter(slot: number): void {
    this.#slot = slot;
    this.#worker.counters.enter(slot);
  }

  /** Another Route was found: it counts for this slot. */
  move(slot: number): void {
    this.#worker.counters.leave(this.#slot);
    this.enter(slot);
  }

  /** Its line says nothing of its query. */
  hideQuery(): void {
    this.#note.hideQuery();
  }

  /** It is neither counted nor logged. */
  exclude(): void {
    this.#worker.counters.leave(this.#slot);
    this.#slot = notCounted;
  }

  /** Draws an id, which the upstream is told. */
  identify(): void {
    this.#ids.write(this.requestId);
    this.#hasId = true;
  }

  fail(failure: Failure, detail: string): void {
    this.failure = failure;
    this.detail = detail;
    this.#worker.counters.failure(failure.flag);
  }

  /**
   * Counts its answer, once. Called before the last byte of it can leave: a worker may end at any moment, and what a client has seen was counted. `spent`: all retries
   * were made, and another would have been wanted.
   */
  count(startedMs: number, spent: boolean): void {
    if (this.#countedSeconds !== notYet || this.#slot === notCounted) return;
    const { counters, nowMs } = this.#worker;
    const seconds = (nowMs - startedMs) / 1000;
    this.#countedSeconds = seconds;
    counters.finish(this.#slot, this.code, seconds);
    if (spent && !this.#countedSpent) counters.failure("URX");
    this.#countedSpent = spent;
  }

  /** The answer is taken back, and another one comes. */
  takeBack(): void {
    this.responseBytes = 0;
    if (this.#countedSeconds === notYet) return;
    this.#worker.counters.takeBack(this.#slot, this.code, this.#countedSeconds);
    this.#countedSeconds = notYet;
  }

  /** It is over. `spent` as for `count`. */
  finish(startedMs: number, peer: string, address: string, spent: boolean): void {
    if (this.#slot === notCounted) return;
    const { counters, accessLog } = this.#worker;
    this.count(startedMs, spent);
    counters.leave(this.#slot);
    if (this.failure !== null || spent || accessLog === "all") this.#log(startedMs, peer, address, spent);
  }

  #log(startedMs: number, peer: string, address: string, spent: boolean): void {
    const worker = this.#worker;
    const failed = this.failure?.flag ?? "";
    const flag = spent ? (failed === "" ? "URX" : `${failed},URX`) : failed;
    worker.log(flag, this.decision?.mapping.namespace ?? "", () => ({
      atMs: Math.round(performance.timeOrigin + startedMs),
      flag,
      sentence: this.failure === null ? "" : sentenceOf(this.failure, this.detail),
      code: this.code,
      method: this.#note.method,
      path: this.#note.pathWithout(worker.secretParameters),
      requestId: this.#note.requestId ?? (this.#hasId ? this.requestId.toString("latin1") : ""),
      peer,
      client: this.caller === null ? "" : `${this.caller.provider}/${this.caller.client}`,
      route: this.decision?.route.key ?? "",
      mapping: this.decision?.mapping.id ?? "",
      address,
      requestBytes: this.requestBytes,
      responseBytes: this.responseBytes,
      durationMs: Math.round((worker.nowMs - startedMs) * 10) / 10,
    }));
  }
}
