// The copy of one request, for one or more shadows. Its bytes count against the worker's budget until the last of them is done, and against
// the share of each address that it is for.
import type { Upstream } from "../../../routing/model/upstream.ts";
import type { EdgeLimits } from "../../options/limits.ts";
import type { ComparedExchange } from "./compared-exchange.ts";
import { mayTake } from "../../shared/fair-share.ts";
import { KeptPieces } from "../io/kept-pieces.ts";
import type { UpstreamRequest } from "../upstream/upstream-request.ts";

export type ShadowOutcome =
  | "sent"
  | "failed"
  | "dropped_size"
  | "dropped_memory"
  | "dropped_queue"
  | "dropped_unready"
  | "dropped_incomplete";

/** The head as the targets' protocols take it; null: no target speaks that one. */
export type CopiedHeads = Readonly<Record<Upstream["protocol"], Buffer | null>>;

/** Where a worker's copies are counted. */
export interface ShadowAccount {
  /** Bytes of copies that are held. */
  readonly heldBytes: number;
  hold(count: number): void;
  /** What became of a copy for the shadow with this counter slot. */
  count(slot: number, outcome: ShadowOutcome): void;
}

/** One that gets the copy: its counter slot, and what its address holds. */
interface Target {
  readonly compiled: { readonly slot: number };
  readonly budget: { heldBytes: number };
  readonly pair: { released(sent: boolean, isAnswered: boolean): void } | null;
}

export class ShadowCopy<T extends Target> {
  readonly #account: ShadowAccount;
  readonly #limits: EdgeLimits;
  /** Those that are not done with it. */
  targets: readonly T[];
  readonly isHead: boolean;
  /** null: no answer to it is compared. */
  readonly compared: ComparedExchange | null;
  readonly #heads: CopiedHeads;
  readonly #body = new KeptPieces();
  #heldBytes = 0;
  readonly #hasBody: boolean;

  /** Targets that have no room for the head are dropped and counted: look whether some are left. */
  constructor(
    account: ShadowAccount,
    limits: EdgeLimits,
    targets: readonly T[],
    heads: CopiedHeads,
    isHead: boolean,
    hasBody: boolean,
    compared: ComparedExchange | null,
  ) {
    this.compared = compared;
    this.#account = account;
    this.#limits = limits;
    this.targets = targets;
    this.#heads = heads;
    this.isHead = isHead;
    this.#hasBody = hasBody;
    this.#hold((heads.http1?.length ?? 0) + (heads.http2?.length ?? 0));
  }

  /** Copies bytes of the body. False: nobody is left to take them; what was dropped is counted. */
  body(bytes: Buffer, start: number, end: number): boolean {
    const count = end - start;
    if (this.#body.bytes + count > this.#limits.shadowBodyBytes) {
      this.drop("dropped_size");
      return false;
    }
    if (!this.#hold(count)) return false;
    this.#body.add(bytes, start, end);
    return true;
  }

  /** Its head was made for this protocol. */
  speaks(protocol: Upstream["protocol"]): boolean {
    return this.#heads[protocol] !== null;
  }

  /** Sends the whole request, framed by its length: a small one in one write, a large one without another copy of its body. */
  sendTo(request: UpstreamRequest, protocol: Upstream["protocol"]): void {
    const head = this.#heads[protocol]!;
    request.head(head, head.length, this.#hasBody ? "length" : "none", this.#body.bytes);
    for (const piece of this.#body.pieces) request.give(piece);
    request.end(null);
    request.flush();
  }

  /** No target gets it, and this is why. */
  drop(outcome: ShadowOutcome): void {
    for (const target of this.targets) this.release(target, outcome);
  }

  /** One target is done with it, and this is what became of it there. */
  release(target: T, outcome: ShadowOutcome): void {
    const account = this.#account;
    account.count(target.compiled.slot, outcome);
    target.pair?.released(outcome === "sent" || outcome === "failed", outcome === "sent");
    target.budget.heldBytes -= this.#heldBytes;
    this.targets = this.targets.filter((one) => one !== target);
    if (this.targets.length > 0) return;
    account.hold(-this.#heldBytes);
    this.#heldBytes = 0;
    this.#body.clear();
  }

  /** Counts bytes as held, for the targets that have room; the others are dropped. False: none is left. */
  #hold(count: number): boolean {
    const account = this.#account;
    for (const target of this.targets) {
      if (!mayTake(target.budget.heldBytes, count, account.heldBytes, this.#limits.shadowTotalBytes))
        this.release(target, "dropped_memory");
    }
    if (this.targets.length === 0) return false;
    for (const { budget } of this.targets) budget.heldBytes += count;
    this.#heldBytes += count;
    account.hold(count);
    return true;
  }
}
