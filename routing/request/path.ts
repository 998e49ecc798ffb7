// The canonical path: computed once, used for matching and for forwarding (routing rule 1). Dot segments go; nothing else is decoded or merged.
import type { RequestHead } from "./head.ts";

const slash = 0x2f;
const dot = 0x2e;
const percent = 0x25;
const questionMark = 0x3f;

// What a byte of the target means: one table look-up a byte in the common case.
const plain = 0;
const bad = 1;
const special = 2;
const inPath = new Uint8Array(256);
const inQuery = new Uint8Array(256);
for (let byte = 0; byte < 256; byte++) {
  const control = byte <= 0x20 || byte === 0x7f || byte === 0x23; // CTL, space, #
  inPath[byte] =
    control || byte === 0x5c ? bad : byte === dot || byte === percent || byte === questionMark ? special : plain;
  inQuery[byte] = control ? bad : plain;
}

/**
 * Reads the request target `bytes[start..end)` in origin form (`/path?query`) and sets path and query of `head`.
 * The common case is one scan, and the head then points into `bytes`: forward these as they are. Only where dot segments were removed
 * does it point into new bytes.
 *
 * Returns false (400) for a target that does not begin with `/`, that climbs above `/`, that holds NUL, CTL, space or `#`, or whose path holds
 * `\` or `%00`.
 */
export function canonicalPath(bytes: Uint8Array, start: number, end: number, head: RequestHead): boolean {
  if (start >= end || bytes[start] !== slash) return false;
  let dots = false;
  let pathEnd = start;
  for (; pathEnd < end; pathEnd++) {
    const kind = inPath[bytes[pathEnd]!]!;
    if (kind === plain) continue;
    if (kind === bad) return false;
    const byte = bytes[pathEnd]!;
    if (byte === questionMark) break;
    if (byte === dot) {
      if (bytes[pathEnd - 1] === slash) dots = true;
    } else if (pathEnd + 2 < end && bytes[pathEnd + 1] === 0x30 && bytes[pathEnd + 2] === 0x30) {
      return false;
    } else if (bytes[pathEnd - 1] === slash && dotLength(bytes, pathEnd, end) === 3) {
      dots = true;
    }
  }
  const queryStart = pathEnd < end ? pathEnd + 1 : end;
  for (let i = queryStart; i < end; i++) {
    if (inQuery[bytes[i]!] !== plain) return false;
  }
  head.pathBytes = bytes;
  head.pathStart = start;
  head.pathEnd = pathEnd;
  head.queryStart = queryStart;
  head.queryEnd = end;
  return dots ? removeDots(bytes, start, pathEnd, end, head) : true;
}

/** Writes the path without its dot segments, and what follows it, into new bytes. */
function removeDots(bytes: Uint8Array, start: number, pathEnd: number, end: number, head: RequestHead): boolean {
  const into = new Uint8Array(end - start);
  let length = 0;
  for (let segment = start; segment < pathEnd;) {
    // `segment` stands on the slash that begins the segment.
    let next = segment + 1;
    while (next < pathEnd && bytes[next] !== slash) next++;
    const count = dotsOf(bytes, segment + 1, next);
    if (count === 0) {
      into.set(bytes.subarray(segment, next), length);
      length += next - segment;
    } else {
      if (count === 2) {
        if (length === 0) return false;
        do length--;
        while (into[length] !== slash);
      }
      // A dot segment at the end leaves its slash: `/a/.` is `/a/`.
      if (next === pathEnd) into[length++] = slash;
    }
    segment = next;
  }
  // Nothing was removed (`/.well-known`, `/%2e2`): what was sent is canonical.
  if (length === pathEnd - start) return true;
  head.pathBytes = into;
  head.pathStart = 0;
  head.pathEnd = length;
  into.set(bytes.subarray(pathEnd, end), length);
  head.queryStart = pathEnd < end ? length + 1 : length;
  head.queryEnd = length + (end - pathEnd);
  return true;
}

/** 1 for the segment `.`, 2 for `..`, in any spelling; else 0. */
function dotsOf(bytes: Uint8Array, start: number, end: number): number {
  const first = dotLength(bytes, start, end);
  if (first === 0) return 0;
  if (start + first === end) return 1;
  const second = dotLength(bytes, start + first, end);
  return second > 0 && start + first + second === end ? 2 : 0;
}

/** Length of the dot at `at`: 1 for `.`, 3 for `%2e`, 0 for anything else. */
function dotLength(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return 0;
  if (bytes[at] === dot) return 1;
  return at + 2 < end && bytes[at] === percent && bytes[at + 1] === 0x32 && (bytes[at + 2]! | 0x20) === 0x65 ? 3 : 0;
}
