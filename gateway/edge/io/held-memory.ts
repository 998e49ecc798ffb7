// Memory for requests that are kept, of one worker: small blocks that are used again and again, and the account of all that is held.
import type { CounterBlock } from "../../shared/memory/counters.ts";
import { fixed } from "../../shared/metrics/fixed.ts";
import { mayTake } from "../../shared/fair-share.ts";

/** Room for the head and the body of a usual request; a longer one takes several. */
export const slabBytes = 4096;
/** Room for those of a short call: thousands of gRPC streams that wait for an answer hold one each. */
export const shortSlabBytes = 1024;
/** Free slabs that are kept, of each size: of the larger ones 2 MiB, as much as 32 requests of 64 KiB hold at once. */
const mostFree = 512;

export class HeldMemory {
  readonly #counters: CounterBlock;
  readonly #mostBytes: number;
  readonly #free: Buffer[] = [];
  readonly #freeShort: Buffer[] = [];
  #bytes = 0;
  /** Of these, by namespace: for requests whose bodies a step waits for, so that their clients say how long. */
  readonly #shares = new Map<string, number>();

  constructor(counters: CounterBlock, mostBytes: number) {
    this.#counters = counters;
    this.#mostBytes = mostBytes;
  }

  /** Is there room for so many bytes more? */
  hasRoom(bytes: number): boolean {
    return this.#bytes + bytes <= this.#mostBytes;
  }

  /** Is there room for so many bytes more in the namespace's share? One alone has half, and each that comes finds some. */
  hasRoomFor(namespace: string, bytes: number): boolean {
    return mayTake(this.#shares.get(namespace) ?? 0, bytes, this.#bytes, this.#mostBytes);
  }

  /** Counts bytes that are held as the namespace's; fewer than 0: as freed. */
  share(namespace: string, bytes: number): void {
    const own = (this.#shares.get(namespace) ?? 0) + bytes;
    if (own > 0) this.#shares.set(namespace, own);
    else this.#shares.delete(namespace);
  }

  /** Counts bytes as held; fewer than 0: as freed. */
  hold(bytes: number): void {
    this.#bytes += bytes;
    this.#counters.set(fixed.heldBytes, this.#bytes);
  }

  /** A slab with room for so many bytes, at most `slabBytes`. */
  takeSlab(bytes: number): Buffer {
    const short = bytes <= shortSlabBytes;
    const length = short ? shortSlabBytes : slabBytes;
    this.hold(length);
    return (short ? this.#freeShort : this.#free).pop() ?? Buffer.allocUnsafeSlow(length);
  }

  putSlab(slab: Buffer): void {
    this.hold(-slab.length);
    const free = slab.length === shortSlabBytes ? this.#freeShort : this.#free;
    if (free.length < mostFree) free.push(slab);
  }
}
