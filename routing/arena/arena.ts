// Arena: the memory of tables. One writer, many readers; plain views, which may lie on memory that threads share (sharing it, publishing and
// keeping readers apart from the writer is done above this layer: gateway/shared/memory/shared-table.ts).
//
//   unit 0        none
//   unit 1        the empty page
//   from 4        cells for the threads that share the memory
//   from 256      ring of Upstreams that changed
//   from 2048     blocks: a root for each table, pages of its indexes, records
//
// A unit is 64 bytes, a cache line. What is written once in a block never changes while a table names it: a change is written beside what it
// replaces. Every page and record has a serial, and its name has the same one: a reader that meets another serial has met a block that was used again, and
// stops with an ArenaFault instead of finding a wrong Route.

export interface Arena {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  /** The same bytes, for text. */
  readonly text: Buffer;
  /** What one table may take of them. The next table is written beside it. */
  readonly tableBytes: number;
}

export const unitBytes = 64;
export const unitWords = 16;

export const emptyPage = 1;
/** Cells for the threads that share the memory: their first unit, and their words. */
export const cellsUnit = 4;
export const cellWords = 252 * unitWords;
export const ringUnit = 256;
/** Upstreams that the ring holds: one for each of the last changes. */
export const ringWords = 16_384;
export const firstBlock = 2048;

/** Bytes of an arena: 1 MiB..2 GiB, a multiple of a unit. */
export const minArenaBytes = 2 ** 20;
export const maxArenaBytes = 2 ** 31;

/** A reader has met something else than the table names. It is a bug of the writer; the request fails. */
export class ArenaFault extends Error {
  constructor(what: string) {
    super(`the table in memory is not consistent: ${what}`);
    this.name = "ArenaFault";
  }
}

/** The arena on this memory, zeroes or one that was made before, for tables of at most `tableBytes`. Throws RangeError where the size is out of range. */
export function arenaOn(buffer: ArrayBufferLike, tableBytes: number = buffer.byteLength): Arena {
  const { byteLength } = buffer;
  if (byteLength < minArenaBytes || byteLength > maxArenaBytes || byteLength % unitBytes !== 0)
    throw new RangeError(`an arena has ${minArenaBytes} to ${maxArenaBytes} bytes, not ${byteLength}`);
  const words = new Int32Array(buffer);
  // A page of one slot, which is free.
  words[emptyPage * unitWords + unitWords + 1] = -1;
  return { words, bytes: new Uint8Array(buffer), text: Buffer.from(buffer), tableBytes };
}
