// Fields as lines, `name: value` and CRLF: the form in which the static table, the dynamic table and decoded lists hold them. A field then
// moves between them by one copy, and a decoded list is ready for HTTP/1.1 as it stands.

/** `: ` and CRLF. */
export const lineExtraBytes = 4;

/** Below this a loop over words is faster than Buffer.copy, which costs 80 ns whatever the length (load/bench). */
const loopBytes = 128;
const wordBytes = 4;

/** A view of a whole buffer: words are read and written through it. */
export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

let lastBytes: Buffer = Buffer.alloc(0);
let lastView = viewOf(lastBytes);

/** The view of a buffer that is asked for again and again, such as the read buffer of a worker: the last one is kept. */
export function keptViewOf(bytes: Buffer): DataView {
  if (bytes !== lastBytes) {
    lastBytes = bytes;
    lastView = viewOf(bytes);
  }
  return lastView;
}

/** Copies `from[start..end)` to `into` at `at`; returns where it ends. The caller has made room. The views are those of the buffers. */
export function copyBytes(
  from: Buffer,
  fromView: DataView,
  start: number,
  end: number,
  into: Buffer,
  intoView: DataView,
  at: number,
): number {
  if (end - start >= loopBytes) {
    from.copy(into, at, start, end);
    return at + end - start;
  }
  for (; start + wordBytes <= end; start += wordBytes, at += wordBytes)
    intoView.setUint32(at, fromView.getUint32(start));
  while (start < end) into[at++] = from[start++]!;
  return at;
}

/**
 * Copies `from[start..end)` to `into` at `at`, as `copyBytes` does, and looks at the bytes meanwhile. True: all are visible ASCII or space. Other
 * bytes may be right too: then somebody must look again.
 */
export function copyVisible(
  from: Buffer,
  fromView: DataView,
  start: number,
  end: number,
  into: Buffer,
  intoView: DataView,
  at: number,
): boolean {
  let others = 0;
  for (; start + wordBytes <= end; start += wordBytes, at += wordBytes) {
    const word = fromView.getUint32(start) | 0;
    intoView.setUint32(at, word);
    // The high bit of a byte is set where it is above 0x7f, below 0x20, or 0x7f; of a byte behind such a one it may be set too.
    others |= word | (word - 0x20202020) | ((word ^ 0x7f7f7f7f) - 0x01010101);
  }
  others &= 0x80808080;
  for (; start < end; start++, at++) {
    const byte = from[start]!;
    into[at] = byte;
    if (byte < 0x20 || byte > 0x7e) others = 1;
  }
  return others === 0;
}
