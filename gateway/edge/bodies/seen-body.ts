// SeenBody: the body of one request as a step looks at it. A look that throws ends the request with a fault of the gateway.
import type { FieldList } from "../fields/fields.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { BodyEnd, BodyLook } from "../steps/body-look.ts";

export class SeenBody {
  readonly #worker: WorkerContext;
  readonly #look: BodyLook;
  #told = false;

  constructor(worker: WorkerContext, look: BodyLook) {
    this.#worker = worker;
    this.#look = look;
  }

  /** False: the look has thrown. */
  piece(bytes: Buffer, start: number, end: number): boolean {
    return this.#tell(() => this.#look.piece(bytes, start, end));
  }

  /** False: the look has thrown. Only the first end is told. */
  ended(end: BodyEnd, trailers: FieldList | null): boolean {
    if (this.#told) return true;
    this.#told = true;
    return this.#tell(() => this.#look.ended(end, trailers));
  }

  #tell(call: () => void): boolean {
    try {
      call();
      return true;
    } catch (error) {
      this.#worker.stepFaulted(error);
      return false;
    }
  }
}
