// PassingBody: the body of one message on its way through the hooks that steps have asked for, each of which gives what it lets pass to the next.
import { failures } from "../../failures.ts";
import type { FieldList } from "../fields/fields.ts";
import type { Framing } from "../fields/framing.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { BodyHook, BodyRefusal } from "../steps/body-hook.ts";
import type { BodyWay, HookedWay, WholeWay } from "./body-way.ts";
import { hookedWay } from "./hooked-body.ts";
import { tooMuchHeld } from "./waiting-body.ts";

/** Behind the hooks. */
export interface HookedMessage extends BodyWay {
  /** It fails, and no more of it goes on. */
  failed(refusal: BodyRefusal): void;
}

/** How a message fails that a hook cannot hold, by its direction. */
export interface BodyRefusals {
  readonly "too-long": BodyRefusal;
  readonly "no-messages": BodyRefusal;
}

const noMessages = "its body is not messages of gRPC";

export const requestRefusals: BodyRefusals = {
  "too-long": { kind: "fail", failure: failures.bodyTooLarge, detail: "a step of this route takes less" },
  "no-messages": { kind: "fail", failure: failures.malformedBody, detail: noMessages },
};

export const answerRefusals: BodyRefusals = {
  "too-long": { kind: "fail", failure: failures.answerTooLarge, detail: "" },
  "no-messages": { kind: "fail", failure: failures.upstreamProtocol, detail: noMessages },
};

const faulted: BodyRefusal = { kind: "fail", failure: failures.fault, detail: "" };

export class PassingBody implements WholeWay {
  readonly worker: WorkerContext;
  readonly #message: HookedMessage;
  readonly #refusals: BodyRefusals;
  readonly #hooks: readonly BodyHook[];
  readonly #ways: HookedWay[] = [];
  readonly #first: BodyWay;
  #hasBody = true;
  /** Of a head that waits for its body, in the account of what is held. */
  #headBytes = 0;
  #begun = false;
  over = false;

  constructor(worker: WorkerContext, hooks: readonly BodyHook[], message: HookedMessage, refusals: BodyRefusals) {
    this.worker = worker;
    this.#hooks = hooks;
    this.#message = message;
    this.#refusals = refusals;
    let next: BodyWay = {
      begin: (bytes) => this.#begin(bytes),
      body: (bytes, start, end) => this.over || message.body(bytes, start, end),
      end: (trailers) => this.#end(trailers),
    };
    for (const hook of hooks.toReversed()) {
      const way = hookedWay(this, hook, next);
      this.#ways.push(way);
      next = way;
    }
    this.#first = next;
  }

  #begin(bytes: number): void {
    if (this.over) return;
    this.#begun = true;
    this.#holdHead(0);
    this.#message.begin(bytes);
  }

  #end(trailers: FieldList | null): void {
    if (this.over) return;
    this.over = true;
    this.#message.end(trailers);
  }

  /** The head has come. `hasBody` false: no body follows, whatever length the head tells. */
  open(hasBody: boolean, bytes: number): void {
    this.#hasBody = hasBody;
    if (hasBody) this.#first.begin(bytes);
    // The length is that of a body which a hold may replace.
    else this.#begin(this.#hooks.some(({ kind }) => kind === "hold") ? -1 : bytes);
  }

  /** The head waits for its body: whoever has it keeps a copy. */
  get headWaits(): boolean {
    return !this.#begun && !this.over;
  }

  /** So many bytes of the head are kept. Where there is no room for them the message fails. */
  headKept(bytes: number): void {
    this.#holdHead(bytes);
    if (!this.worker.held.hasRoom(0)) this.fail("no-room");
  }

  #holdHead(bytes: number): void {
    if (bytes === this.#headBytes) return;
    this.worker.held.hold(bytes - this.#headBytes);
    this.#headBytes = bytes;
  }

  body(bytes: Buffer, start: number, end: number): void {
    if (!this.over && end > start) this.#first.body(bytes, start, end);
  }

  end(trailers: FieldList | null): void {
    if (this.over) return;
    if (this.#hasBody) {
      this.#first.end(trailers);
      return;
    }
    for (const way of this.#ways.toReversed()) way.leave("complete", trailers);
    this.#end(trailers);
  }

  /** No more of it comes. */
  cut(): void {
    this.over = true;
    this.#holdHead(0);
    for (const way of this.#ways.toReversed()) way.leave("cut", null);
  }

  fail(refusal: BodyRefusal | "too-long" | "no-messages" | "no-room"): void {
    if (this.over) return;
    this.cut();
    if (refusal === "no-room") this.#message.failed(tooMuchHeld);
    else this.#message.failed(typeof refusal === "string" ? this.#refusals[refusal] : refusal);
  }

  fault(error: unknown): void {
    this.worker.stepFaulted(error);
    this.fail(faulted);
  }
}

/** The head says that its body has this many bytes; −1: nobody knows. */
export function reframe(head: { framing: Framing; contentLength: number }, bytes: number): void {
  head.contentLength = bytes;
  if (bytes < 0 && head.framing === "length") head.framing = "chunked";
  else if (bytes >= 0 && head.framing !== "none") head.framing = "length";
}
