// Served streams that are free, of one worker: with their exchange they are large, and a client that floods the gateway begins and ends
// thousands of them a second.
import type { DownstreamContext } from "./downstream-context.ts";
import { ServedStream } from "./http2-stream.ts";
import { Spares } from "../io/spares.ts";

/** As many as two clients may have open. About 3 kB each. */
const mostSpare = 256;

export class ServedStreams {
  readonly #context: DownstreamContext;
  readonly #spares: Spares<ServedStream>;

  constructor(context: DownstreamContext) {
    this.#context = context;
    this.#spares = new Spares(context.worker.batch, mostSpare);
  }

  take(): ServedStream {
    return this.#spares.take() ?? new ServedStream(this.#context);
  }

  /** It serves again in a later turn only: whoever runs now may still hold it. */
  giveBack(served: ServedStream): void {
    this.#spares.giveBack(served);
  }
}
