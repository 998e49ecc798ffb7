// Memory for requests that are kept, of one worker: small blocks that are used again and again, and the account of all that is held.
import { fixed } from '../counters.ts';
import type { CounterBlock } from '../counters.ts';

/** Room for the head and the body of a small request. */
export const slabBytes = 4096;
/** Free slabs that are kept. */
const mostFree = 256;

export class HeldMemory {
  readonly #counters: CounterBlock;
  readonly #mostBytes: number;
  readonly #free: Buffer[] = [];
  #bytes = 0;

  constructor(counters: CounterBlock, mostBytes: number) {
    this.#counters = counters;
    this.#mostBytes = mostBytes;
  }

  /** Is there room for so many bytes more? */
  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= this.#mostBytes;
  }

  /** Counts bytes as held; fewer than 0: as freed. */
  hold(bytes: number): void {
    this.#bytes += bytes;
    this.#counters.set(fixed.heldBytes, this.#bytes);
  }

  takeSlab(): Buffer {
    this.hold(slabBytes);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(slabBytes);
  }

  putSlab(slab: Buffer): void {
    this.hold(-slabBytes);
    if (this.#free.length < mostFree) this.#free.push(slab);
  }
}
