// Served streams that are free, of one worker: with their exchange they are large, and a client that floods the gateway begins and ends
// thousands of them a second.
import type { DownstreamContext } from './downstream-context.ts';
import { ServedStream } from './http2-stream.ts';
import type { TurnEnd } from '../io/write-batch.ts';

/** As many as two clients may have open. About 3 kB each. */
const mostSpare = 256;

export class ServedStreams implements TurnEnd {
  readonly #context: DownstreamContext;
  readonly #spare: ServedStream[] = [];
  readonly #over: ServedStream[] = [];

  constructor(context: DownstreamContext) {
    this.#context = context;
  }

  take(): ServedStream {
    return this.#spare.pop() ?? new ServedStream(this.#context);
  }

  /** It serves again in a later turn only: whoever runs now may still hold it. */
  giveBack(served: ServedStream): void {
    if (this.#over.push(served) === 1) this.#context.worker.batch.ask(this);
  }

  turnEnded(): void {
    for (const served of this.#over) {
      served.forget();
      if (this.#spare.length < mostSpare) this.#spare.push(served);
      else served.retire();
    }
    this.#over.length = 0;
  }
}
