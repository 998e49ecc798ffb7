// A hook on the way of a body: a look, a hold of the whole body, a hold of each message of gRPC.
import type { FieldList } from "../fields/fields.ts";
import { framed, prefixBytes } from "../message/grpc-message.ts";
import type { BodyEnd, BodyHold, BodyHook, BodyLook } from "../steps/body-hook.ts";
import type { BodyWay, HookedWay, WholeWay } from "./body-way.ts";
import { WaitingBody } from "./waiting-body.ts";

/** The way through `hook`, which goes on to `next`. */
export function hookedWay(whole: WholeWay, hook: BodyHook, next: BodyWay): HookedWay {
  if (hook.kind === "look") return new LookedBody(whole, hook, next);
  return hook.unit === "body" ? new HeldBody(whole, hook, next) : new HeldMessages(whole, hook, next);
}

/** Tells one hook of the end, once. */
class HookEnd {
  readonly #whole: WholeWay;
  readonly #hook: BodyHook;
  told = false;

  constructor(whole: WholeWay, hook: BodyHook) {
    this.#whole = whole;
    this.#hook = hook;
  }

  tell(end: BodyEnd, trailers: FieldList | null): void {
    if (this.told) return;
    this.told = true;
    try {
      this.#hook.ended(end, trailers);
    } catch (error) {
      this.#whole.fault(error);
    }
  }
}

class LookedBody implements HookedWay {
  readonly #whole: WholeWay;
  readonly #hook: BodyLook;
  readonly #next: BodyWay;
  readonly #end: HookEnd;

  constructor(whole: WholeWay, hook: BodyLook, next: BodyWay) {
    this.#whole = whole;
    this.#hook = hook;
    this.#next = next;
    this.#end = new HookEnd(whole, hook);
  }

  begin(bytes: number): void {
    this.#next.begin(bytes);
  }

  body(bytes: Buffer, start: number, end: number): void {
    if (this.#whole.over) return;
    try {
      this.#hook.piece(bytes, start, end);
    } catch (error) {
      this.#whole.fault(error);
      return;
    }
    this.#next.body(bytes, start, end);
  }

  end(trailers: FieldList | null): void {
    this.#end.tell("complete", trailers);
    if (!this.#whole.over) this.#next.end(trailers);
  }

  leave(end: BodyEnd, trailers: FieldList | null): void {
    this.#end.tell(end, trailers);
  }
}

/** Why a hold cannot go on. */
type Beyond = "too-long" | "no-messages" | "no-room";

/** What both holds have: a unit as far as it has come, and its bounds. */
class HeldUnit {
  readonly #whole: WholeWay;
  readonly #hook: BodyHold;
  readonly #end: HookEnd;
  readonly held: WaitingBody;

  constructor(whole: WholeWay, hook: BodyHold) {
    this.#whole = whole;
    this.#hook = hook;
    this.#end = new HookEnd(whole, hook);
    this.held = new WaitingBody(whole.worker.held);
  }

  get maxBytes(): number {
    return this.#hook.maxBytes;
  }

  /** The hold has given up, or the body is over: what comes passes. */
  get gaveUp(): boolean {
    return this.#end.told;
  }

  /** The unit, with bytes of its own. */
  takeHeld(): Buffer {
    const bytes = this.held.beginning(this.held.bytes);
    this.held.clear();
    return bytes;
  }

  /** True: the hold gives up, and what it holds goes on. */
  givesUp(why: Beyond): boolean {
    if (this.#hook.beyond === "fail") {
      this.#whole.fail(why);
      return false;
    }
    this.#end.tell("unseen", null);
    return !this.#whole.over;
  }

  /** What goes on instead of `unit`: null: it itself; "nothing": the message has failed. */
  replaced(unit: Buffer, compressed: boolean): Buffer | null | "nothing" {
    try {
      const said = this.#hook.take(unit, compressed);
      if (said === null || Buffer.isBuffer(said)) return this.#whole.over ? "nothing" : said;
      this.#whole.fail(said);
    } catch (error) {
      this.#whole.fault(error);
    }
    return "nothing";
  }

  leave(end: BodyEnd, trailers: FieldList | null): void {
    this.held.clear();
    this.#end.tell(end, trailers);
  }
}

class HeldBody implements HookedWay {
  readonly #whole: WholeWay;
  readonly #next: BodyWay;
  readonly #unit: HeldUnit;
  /** As the sender says; −1: nobody knows. */
  #declaredBytes = -1;

  constructor(whole: WholeWay, hook: BodyHold, next: BodyWay) {
    this.#whole = whole;
    this.#next = next;
    this.#unit = new HeldUnit(whole, hook);
  }

  begin(bytes: number): void {
    this.#declaredBytes = bytes;
    if (this.#whole.over) return;
    if (bytes > this.#unit.maxBytes) this.#beyond("too-long");
  }

  body(bytes: Buffer, start: number, end: number): void {
    if (this.#whole.over) return;
    const { held, maxBytes } = this.#unit;
    if (!this.#unit.gaveUp) {
      if (held.bytes + end - start > maxBytes) this.#beyond("too-long");
      else if (!held.hasRoom(end - start)) this.#beyond("no-room");
      else {
        held.body(bytes, start, end);
        return;
      }
    }
    if (!this.#whole.over) this.#next.body(bytes, start, end);
  }

  #beyond(why: Beyond): void {
    if (!this.#unit.givesUp(why)) return;
    this.#next.begin(this.#declaredBytes);
    this.#unit.held.passTo({ body: (...piece) => this.#next.body(...piece), end: () => undefined });
  }

  end(trailers: FieldList | null): void {
    const unit = this.#unit;
    if (!unit.gaveUp) {
      const body = unit.takeHeld();
      const replaced = body.length === 0 ? null : unit.replaced(body, false);
      // `ended` is called before the head leaves, so that a hook which throws still gives the client an answer.
      unit.leave("complete", trailers);
      if (replaced === "nothing" || this.#whole.over) return;
      this.#passWhole(body, replaced ?? body, trailers !== null && trailers.fieldCount > 0);
    }
    if (!this.#whole.over) this.#next.end(trailers);
  }

  #passWhole(body: Buffer, out: Buffer, hasTrailers: boolean): void {
    // HTTP/1.1 has trailers behind chunks only.
    if (body.length === 0) this.#next.begin(this.#declaredBytes);
    else this.#next.begin(hasTrailers ? -1 : out.length);
    if (out.length > 0) this.#next.body(out, 0, out.length);
  }

  leave(end: BodyEnd, trailers: FieldList | null): void {
    this.#unit.leave(end, trailers);
  }
}

class HeldMessages implements HookedWay {
  readonly #whole: WholeWay;
  readonly #next: BodyWay;
  readonly #unit: HeldUnit;
  /** Flag and length of the message, as far as they have come. */
  readonly #prefix = Buffer.alloc(prefixBytes);
  #prefixBytes = 0;

  constructor(whole: WholeWay, hook: BodyHold, next: BodyWay) {
    this.#whole = whole;
    this.#next = next;
    this.#unit = new HeldUnit(whole, hook);
  }

  begin(): void {
    this.#next.begin(-1);
  }

  body(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (at < end && !this.#whole.over) {
      if (this.#unit.gaveUp) {
        this.#next.body(bytes, at, end);
        return;
      }
      at = this.#prefixBytes < prefixBytes ? this.#readPrefix(bytes, at, end) : this.#readMessage(bytes, at, end);
    }
  }

  #readPrefix(bytes: Buffer, start: number, end: number): number {
    const count = Math.min(prefixBytes - this.#prefixBytes, end - start);
    bytes.copy(this.#prefix, this.#prefixBytes, start, start + count);
    this.#prefixBytes += count;
    if (this.#prefix[0]! > 1) this.#beyond("no-messages");
    else if (this.#prefixBytes === prefixBytes) {
      if (this.#length > this.#unit.maxBytes) this.#beyond("too-long");
      else if (this.#length === 0) this.#passMessage(Buffer.alloc(0));
    }
    return start + count;
  }

  get #length(): number {
    return this.#prefix.readUInt32BE(1);
  }

  #readMessage(bytes: Buffer, start: number, end: number): number {
    const { held } = this.#unit;
    const count = Math.min(this.#length - held.bytes, end - start);
    if (count === this.#length) {
      this.#passMessage(Buffer.from(bytes.subarray(start, start + count)));
    } else if (held.hasRoom(count)) {
      held.body(bytes, start, start + count);
      if (held.bytes === this.#length) this.#passMessage(this.#unit.takeHeld());
    } else {
      this.#beyond("no-room");
      return start;
    }
    return start + count;
  }

  #passMessage(message: Buffer): void {
    this.#prefixBytes = 0;
    const replaced = this.#unit.replaced(message, this.#prefix[0] === 1);
    if (replaced === "nothing") return;
    const out = framed(this.#prefix[0]!, replaced ?? message);
    this.#next.body(out, 0, out.length);
  }

  end(trailers: FieldList | null): void {
    if (!this.#unit.gaveUp && this.#prefixBytes > 0) this.#beyond("no-messages");
    if (this.#whole.over) return;
    this.#unit.leave("complete", trailers);
    if (!this.#whole.over) this.#next.end(trailers);
  }

  #beyond(why: Beyond): void {
    if (!this.#unit.givesUp(why)) return;
    this.#next.body(this.#prefix, 0, this.#prefixBytes);
    this.#unit.held.passTo({ body: (...piece) => this.#next.body(...piece), end: () => undefined });
  }

  leave(end: BodyEnd, trailers: FieldList | null): void {
    this.#unit.leave(end, trailers);
  }
}
