// The streams of a connection, by id. Ids are given in order, so a small ring finds nearly all of them; a long-lived stream whose place is
// taken stands in a Map beside it. The ring also remembers how lately closed streams ended: RFC 9113 §5.1 asks for different answers. Which
// stream it does not remember any more is chance, so nothing is held against a peer for that.
import type { Stream } from "./stream.ts";

const ringSize = 128;
const mask = ringSize - 1;

/** How a stream ended. `forgotten`: later ones have taken its place. `never`: its id was left out, and closed by a later one (RFC 9113 §5.1.1). */
export const ended = { forgotten: 0, normally: 1, byPeer: 2, byUs: 3, never: 4 } as const;

export class StreamTable {
  #begun = 0;
  #ended = 0;
  #refused = 0;
  readonly #ring: (Stream | null)[] = Array.from({ length: ringSize }, () => null);
  readonly #overflow = new Map<number, Stream>();
  readonly #closedIds = new Int32Array(ringSize);
  readonly #closedHow = new Uint8Array(ringSize);

  /** Streams that are open. */
  get count(): number {
    return this.#begun - this.#ended;
  }

  /** Streams that have ended since the connection began. */
  get ended(): number {
    return this.#ended;
  }

  /** As `ended`, and ids that were refused. */
  get closed(): number {
    return this.#ended + this.#refused;
  }

  /** Open streams whose message from here has ended: the peer may count them no longer. */
  get halfClosed(): number {
    let count = 0;
    for (const stream of this.#ring) if (stream?.sentEnd === true) count += 1;
    for (const stream of this.#overflow.values()) if (stream.sentEnd) count += 1;
    return count;
  }

  get(id: number): Stream | null {
    const stream = this.#ring[(id >>> 1) & mask]!;
    if (stream !== null && stream.id === id) return stream;
    return this.#overflow.size === 0 ? null : (this.#overflow.get(id) ?? null);
  }

  add(stream: Stream): void {
    const slot = (stream.id >>> 1) & mask;
    if (this.#ring[slot] === null) this.#ring[slot] = stream;
    else this.#overflow.set(stream.id, stream);
    this.#begun += 1;
  }

  remove(stream: Stream, how: number): void {
    const slot = (stream.id >>> 1) & mask;
    if (this.#ring[slot] === stream) this.#ring[slot] = null;
    else this.#overflow.delete(stream.id);
    this.#ended += 1;
    // Never back to an older one: so an id above what stands here has not been opened.
    if (this.#closedIds[slot]! > stream.id) return;
    this.#closedIds[slot] = stream.id;
    this.#closedHow[slot] = how;
  }

  /** Remembers an id that was refused before it became a stream. */
  refuse(id: number): void {
    const slot = (id >>> 1) & mask;
    this.#refused += 1;
    this.#closedIds[slot] = id;
    this.#closedHow[slot] = ended.byUs;
  }

  /** How the stream with this id ended, one of `ended`. */
  howEnded(id: number): number {
    const slot = (id >>> 1) & mask;
    const closed = this.#closedIds[slot]!;
    if (closed === id) return this.#closedHow[slot]!;
    return closed > id ? ended.forgotten : ended.never;
  }

  /** All of them, as they are now: callers end some while they look at them. */
  all(): Stream[] {
    return [...this.#ring.filter((stream) => stream !== null), ...this.#overflow.values()];
  }
}
