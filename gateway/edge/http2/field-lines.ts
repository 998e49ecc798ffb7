// Fields as lines, `name: value` and CRLF: the form in which the static table, the dynamic table and decoded lists hold them. A field then
// moves between them by one copy, and a decoded list is ready for HTTP/1.1 as it stands.

/** `: ` and CRLF. */
export const lineExtraBytes = 4;

/** Below this a loop is faster than Buffer.copy, which costs 40 ns whatever the length (load/bench). */
const loopBytes = 28;

/** Copies `from[start..end)` to `into` at `at`; returns where it ends. The caller has made room. */
export function copyBytes(from: Buffer, start: number, end: number, into: Buffer, at: number): number {
  if (end - start >= loopBytes) {
    from.copy(into, at, start, end);
    return at + end - start;
  }
  while (start < end) into[at++] = from[start++]!;
  return at;
}
