// StepRun: one request on its way through the steps of its Mapping. Made for the first request of an exchange that has any, and used again.
import type { RouteTable } from '../../../routing/table.ts';
import type { WorkerContext } from '../io/worker-context.ts';
import type { ClientFacts } from '../message/client-facts.ts';
import { failures } from '../message/failure.ts';
import { copyOfHead, noChange } from '../message/head-copy.ts';
import type { ExtraFields } from '../message/header-edits.ts';
import type { Http1RequestHead } from '../message/request-head.ts';
import type { RequestIds } from '../message/request-id.ts';
import type { ResponseHead } from '../message/response-head.ts';
import type { AnswerEdits } from '../policy/answer-edits.ts';
import type { Attached } from '../policy/compiled-mapping.ts';
import { waits } from '../policy/step.ts';
import type { ExchangeEnd, Resume, Step, StepRequest, Verdict } from '../policy/step.ts';

/** What becomes of a request after its steps. */
export interface StepOwner {
  /** All said go on: it is forwarded. */
  stepsPassed(head: Http1RequestHead): void;
  /** One of them answered, failed, or changed what routing reads. */
  stepDecided(verdict: Exclude<Verdict, { kind: 'go-on' }>, head: Http1RequestHead): void;
  /** One of them waited and no longer does: what was held back of the request may go on. */
  stepsResumed(): void;
}

/** The facts of a request that its steps share. */
export interface StepFacts {
  readonly facts: ClientFacts;
  readonly secure: boolean;
  readonly bodyBytes: number;
  readonly table: RouteTable<Attached>;
}

export class StepRun implements StepRequest {
  readonly #worker: WorkerContext;
  readonly #owner: StepOwner;
  readonly #edits: AnswerEdits;
  readonly ids: RequestIds;
  #steps: readonly Step[] = [];
  /** The step that is asked, or was last. */
  #at = -1;
  /** The step that had the Route looked for again; null: none did. It is not asked twice. */
  #asker: Step | null = null;
  #head: Http1RequestHead | null = null;
  #shared: StepFacts | null = null;
  /** Values that steps keep for this request, by step; null: none. */
  #kept: Map<Step, unknown> | null = null;
  /** Steps of an earlier Route that saw the request. */
  #earlier: readonly Step[] = [];
  #cancel: (() => void) | null = null;
  /** Grows with each wait and each request: a step that speaks late is not heard. */
  #turn = 0;
  hash: number | null = null;
  /** The request passes steps, or has passed some that want to know of its end. */
  active = false;

  constructor(worker: WorkerContext, ids: RequestIds, edits: AnswerEdits, owner: StepOwner) {
    this.#worker = worker;
    this.ids = ids;
    this.#edits = edits;
    this.#owner = owner;
  }

  /** A step waits. */
  get waiting(): boolean {
    return this.#cancel !== null;
  }

  /** The table that the request was decided by. */
  get table(): RouteTable<Attached> {
    return this.#shared!.table;
  }

  get head(): Http1RequestHead {
    return this.#head!;
  }

  get facts(): ClientFacts {
    return this.#shared!.facts;
  }

  get secure(): boolean {
    return this.#shared!.secure;
  }

  get bodyBytes(): number {
    return this.#shared!.bodyBytes;
  }

  /** Runs the steps of the request's Route. The owner is told during the call, unless a step waits. */
  begin(steps: readonly Step[], head: Http1RequestHead, shared: StepFacts): void {
    this.active = true;
    this.#steps = steps;
    this.#at = -1;
    this.#head = head;
    this.#shared = shared;
    this.hash = null;
    this.#run();
  }

  /** Runs the steps of the Route that was found for the changed head; `steps` null: it has none. */
  again(steps: readonly Step[] | null, head: Http1RequestHead): void {
    this.#earlier = this.#steps.slice(0, this.#at + 1);
    this.#steps = steps ?? [];
    this.#at = -1;
    this.#head = head;
    this.hash = null;
    this.#run();
  }

  /** The Route was looked for a second time. */
  get wasDecidedAgain(): boolean {
    return this.#asker !== null;
  }

  #run(): void {
    while (++this.#at < this.#steps.length) {
      const step = this.#steps[this.#at]!;
      if (step === this.#asker) continue;
      const verdict = step.take(this);
      if (verdict === waits) {
        if (this.#cancel === null) throw new Error(`the step ${step.name} waits for nothing`);
        return;
      }
      if (this.#decides(step, verdict)) return;
    }
    this.#at = this.#steps.length - 1;
    this.#owner.stepsPassed(this.head);
  }

  /** Whether the run is over, or begun anew. */
  #decides(step: Step, verdict: Verdict): boolean {
    if (verdict.kind === 'go-on') return false;
    if (verdict.kind === 'again') {
      if (this.#asker !== null) return false;
      this.#asker = step;
    }
    this.#owner.stepDecided(verdict, this.head);
    return true;
  }

  addToAnswer(fields: ExtraFields): void {
    this.#edits.add(fields);
  }

  setCookie(cookie: string): void {
    this.#edits.setCookie(cookie);
  }

  stickTo(hash: number | null): void {
    this.hash = hash;
  }

  keep(value: unknown): void {
    (this.#kept ??= new Map()).set(this.#steps[this.#at]!, value);
  }

  wait(cancel: () => void): Resume {
    const turn = ++this.#turn;
    // Its bytes are the read buffer's: they are another request's soon.
    this.#head = copyOfHead(this.head, noChange);
    this.#cancel = cancel;
    return (verdict) => {
      if (turn !== this.#turn || this.#cancel === null) return;
      this.#worker.tick();
      this.#cancel = null;
      try {
        if (!this.#decides(this.#steps[this.#at]!, verdict)) this.#run();
      } catch (error) {
        this.#worker.faulted(error);
        this.#owner.stepDecided({ kind: 'fail', failure: failures.fault, detail: '' }, this.head);
      }
      // Not where the exchange has ended meanwhile and serves another request, or another step waits.
      if (turn === this.#turn) this.#owner.stepsResumed();
    };
  }

  /** The head of the upstream's final answer. */
  answered(head: ResponseHead): void {
    for (let at = 0; at <= this.#at; at++) {
      const step = this.#steps[at]!;
      if (step.answered !== null) step.answered(head, this, this.#kept?.get(step));
    }
  }

  /** Nobody waits for the step any longer. */
  cancel(): void {
    const cancel = this.#cancel;
    this.#cancel = null;
    this.#turn += 1;
    cancel?.();
  }

  /** The exchange is over: steps that have seen it are told, and everything of it is let go. */
  end(end: ExchangeEnd): void {
    this.cancel();
    const seen = new Set([...this.#earlier, ...this.#steps.slice(0, this.#at + 1)]);
    const kept = this.#kept;
    this.active = false;
    this.#steps = [];
    this.#earlier = [];
    this.#at = -1;
    this.#asker = null;
    this.#head = null;
    this.#shared = null;
    this.#kept = null;
    for (const step of seen) if (step.ended !== null) step.ended(end, kept?.get(step));
  }
}
