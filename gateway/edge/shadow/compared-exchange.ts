// ComparedExchange: the answer of a primary and those of the shadows that are compared with it.
import type { Series } from "../../../routing/model/mapping.ts";
import type { ComparedSides, ComparedSubject } from "../../shared/compared-pairs.ts";
import type { LeftOut } from "../../shared/metrics/left-out.ts";
import { type Captures, CapturedBody } from "./captures.ts";

/** Characters of a path that are told. */
export const maxPathLength = 256;

type Predictor = Pick<Series, "deployment" | "predictor">;

/** `main`; of another deployment than the shadow's, where the names may be the same, `main of iris`. */
export function sidesOf({ deployment, predictor }: Predictor, subject: ComparedSubject): ComparedSides {
  const against = deployment === subject.deployment ? predictor : `${predictor} of ${deployment}`;
  return { ...subject, against };
}

export class ComparedExchange {
  readonly #captures: Captures;
  readonly primary: CapturedBody;
  readonly #against: Predictor;
  readonly #requestId: string;
  readonly #isGrpc: boolean;
  readonly #path: string;
  readonly pairs: ComparedPair[] = [];
  /** Pairs that still wait for something. */
  #open = 0;

  constructor(
    captures: Captures,
    slot: number,
    request: {
      readonly against: Predictor;
      readonly requestId: string;
      readonly isGrpc: boolean;
      readonly path: string;
    },
  ) {
    this.#captures = captures;
    this.primary = new CapturedBody(captures, slot);
    this.#against = request.against;
    this.#requestId = request.requestId;
    this.#isGrpc = request.isGrpc;
    this.#path = request.path;
  }

  pairWith(slot: number, subject: ComparedSubject): ComparedPair {
    const pair = new ComparedPair(this, new CapturedBody(this.#captures, slot), sidesOf(this.#against, subject));
    this.pairs.push(pair);
    this.#open += 1;
    return pair;
  }

  /** The primary's answer is whole, or will never be. */
  primaryOver(isWhole: boolean): void {
    const { primary } = this;
    if (primary.state === "coming") {
      if (isWhole) primary.state = "whole";
      else primary.lose("incomplete");
    }
    for (const pair of this.pairs) this.settle(pair);
  }

  /** Where both are there they leave; where one is lost, so is the other. */
  settle(pair: ComparedPair): void {
    if (pair.isOver) return;
    const { primary } = this;
    const { shadow } = pair;
    const isLost = primary.state === "lost" || shadow.state === "lost";
    if (!isLost && (primary.state === "coming" || shadow.state === "coming")) return;
    pair.isOver = true;
    if (isLost) {
      pair.lostBy = primary.lostBy ?? shadow.lostBy;
      this.countLost(pair);
      this.#close(pair);
    } else this.#captures.later(() => this.#leave(pair));
  }

  /** Once it is known that its copy left: one that never did is no pair. */
  countLost(pair: ComparedPair): void {
    if (pair.lostBy === null || !pair.hasLeft) return;
    this.#captures.leftOut(pair.sides, pair.lostBy);
    pair.lostBy = null;
  }

  #leave(pair: ComparedPair): void {
    const { primary } = this;
    const { shadow, sides } = pair;
    this.#captures.give({
      ...sides,
      atMs: Date.now(),
      requestId: this.#requestId,
      isGrpc: this.#isGrpc,
      path: this.#path,
      primary: primary.captured,
      shadow: pair.isAnswered ? shadow.captured : null,
    });
    this.#close(pair);
  }

  #close(pair: ComparedPair): void {
    // What still comes of it is not kept.
    pair.shadow.lose(null);
    this.#open -= 1;
    if (this.#open === 0) this.primary.lose(null);
  }
}

export class ComparedPair {
  readonly #exchange: ComparedExchange;
  readonly shadow: CapturedBody;
  readonly sides: ComparedSides;
  isAnswered = false;
  /** The copy is over, and the shadow got it. */
  hasLeft = false;
  isOver = false;
  /** Why it is not compared, until that is counted. */
  lostBy: LeftOut | null = null;

  constructor(exchange: ComparedExchange, shadow: CapturedBody, sides: ComparedSides) {
    this.#exchange = exchange;
    this.shadow = shadow;
    this.sides = sides;
  }

  /** The copy is over. `sent` false: the shadow never got it, and there is nothing to compare. */
  released(sent: boolean, isAnswered: boolean): void {
    const { shadow } = this;
    this.hasLeft = sent;
    this.#exchange.countLost(this);
    if (shadow.state === "coming") {
      this.isAnswered = isAnswered;
      if (!sent) shadow.lose(null);
      else {
        if (!isAnswered) shadow.forget();
        shadow.state = "whole";
      }
    }
    this.#exchange.settle(this);
  }
}
