// Endings: how a file ended when it was read, to tell whether one that somebody writes to is there as a whole. What is written from its beginning
// lacks its end until it is whole, and an edit rarely changes that.

export interface Ending {
  readonly bytes: number;
  /** Hash of the last bytes. */
  readonly tail: number;
}

/** Bytes of the end that are compared: a quarter of what was there, at most. */
const tailBytes = 256;
/** Bytes that a whole file may be shorter than it was: a share of 5 instead of 100. */
const shrinkBytes = 16;

export function endingOf(bytes: Uint8Array): Ending {
  return { bytes: bytes.length, tail: hashOfTail(bytes, bytes.length) };
}

/** The same end, and not much shorter, so that it is not the same end by chance in the middle. */
export function endsAlike(bytes: Uint8Array, before: Ending): boolean {
  return bytes.length + shrinkBytes >= before.bytes && hashOfTail(bytes, before.bytes) === before.tail;
}

/** Of as many bytes as are compared in a file that had `length`. */
function hashOfTail(bytes: Uint8Array, length: number): number {
  let hash = 0x811c9dc5;
  for (let at = Math.max(0, bytes.length - Math.min(tailBytes, Math.floor(length / 4))); at < bytes.length; at++)
    hash = Math.imul(hash ^ bytes[at]!, 0x01000193);
  return hash;
}
