// Cells that grow: memory of their own. What malloc gives and takes back in growing sizes stays with it as holes: 3 MiB of the process at 10,000
// deployments.

/** Bytes from which memory of its own is worth its pages. */
const ownFromBytes = 64 * 1024;

/** Zeros, given back to the machine once nobody holds them. */
export function intCells(count: number): Int32Array<ArrayBuffer> {
  const bytes = count * 4;
  // V8 takes the memory of a buffer that could be resized from the machine itself.
  return bytes < ownFromBytes
    ? new Int32Array(count)
    : new Int32Array(new ArrayBuffer(bytes, { maxByteLength: bytes }));
}
