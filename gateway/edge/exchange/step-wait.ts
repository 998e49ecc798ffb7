// StepWait: a step of a request waits, one at a time: who is told when nobody waits for it any longer, who takes the body meanwhile, and how much is
// held of the request.
import type { WorkerContext } from "../io/worker-context.ts";
import type { BodyTaker, Resume, Verdict } from "../steps/step.ts";

export class StepWait {
  readonly #worker: WorkerContext;
  #cancel: (() => void) | null = null;
  /** Who waits for the body; null: nobody. */
  #bodyTaker: BodyTaker | null = null;
  /** Bytes of the body that it wants at most. */
  bodyBound = 0;
  /** Less of it is enough, where there is no room for that. */
  takesLess = false;
  /** Grows with each wait and each request: a step that speaks late is not heard. */
  turn = 0;
  /** Of the head that is kept, in the account of what is held. */
  #heldBytes = 0;

  constructor(worker: WorkerContext) {
    this.#worker = worker;
  }

  get isOn(): boolean {
    return this.#cancel !== null;
  }

  get wantsBody(): boolean {
    return this.#bodyTaker !== null;
  }

  /** The head is kept, until it is let go. */
  get isHeld(): boolean {
    return this.#heldBytes > 0;
  }

  /** `resumed` is called with what the step says in the end, in a turn of its own; never once the wait is over. */
  begin(cancel: () => void, resumed: (verdict: Verdict) => void): Resume {
    const turn = ++this.turn;
    this.#cancel = cancel;
    let said = false;
    return (verdict) => {
      if (said || turn !== this.turn) return;
      said = true;
      this.#cancel = spoken;
      this.#bodyTaker = null;
      // Whoever speaks may stand in the middle of another request, whose head and answer are in the worker's buffers: callbacks do not nest.
      queueMicrotask(() => {
        if (turn !== this.turn) return;
        this.#worker.tick();
        this.#cancel = null;
        resumed(verdict);
      });
    };
  }

  /** Counts this many bytes as held, instead of what was; 0 lets go. */
  hold(bytes: number): void {
    this.#worker.held.hold(bytes - this.#heldBytes);
    this.#heldBytes = bytes;
  }

  awaitBody(mostBytes: number, taken: BodyTaker, takesLess: boolean): void {
    this.#bodyTaker = taken;
    this.bodyBound = mostBytes;
    this.takesLess = takesLess;
  }

  /** False: whoever waited for it has failed, and the wait is over. */
  giveBody(body: Buffer, whole: boolean): boolean {
    const taker = this.#bodyTaker!;
    this.#bodyTaker = null;
    try {
      taker(body, whole);
      return true;
    } catch (error) {
      this.#worker.stepFaulted(error);
      this.end();
      return false;
    }
  }

  /** Nobody waits for the step any longer. */
  end(): void {
    const cancel = this.#cancel;
    this.#cancel = null;
    this.#bodyTaker = null;
    this.turn += 1;
    try {
      cancel?.();
    } catch (error) {
      this.#worker.stepFaulted(error);
    }
  }
}

const spoken = (): void => undefined;
