// The bytes of one file, within bounds.
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { errorCode } from "../objects/error-code.ts";
import { manifestBounds } from "../manifest/manifest-bounds.ts";

/** The bytes, or why they cannot be read. A file over the bound is not read: its length is enough for the Problem. `size`: its length when it was found. */
export function readBytes(path: string, size: number): Uint8Array | string {
  if (size > manifestBounds.fileBytes) return tooLong(size);
  let file: number;
  try {
    // A pipe may have taken the file's place: to open it must not wait for somebody who writes.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return errorCode(error);
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) return "it is no longer a file";
    // Another one may have taken its place since it was found.
    return stats.size > manifestBounds.fileBytes ? tooLong(stats.size) : readWhole(file, stats.size);
  } catch (error) {
    return errorCode(error);
  } finally {
    closeSync(file);
  }
}

function tooLong(size: number): string {
  return `it has ${size} bytes, more than ${manifestBounds.fileBytes}`;
}

/** What is from here on, `size` bytes in all likelihood: `readFileSync` asks for the size once more, and for more than there is. Of what grows, one byte over the bound. */
function readWhole(file: number, size: number): Uint8Array {
  let bytes = Buffer.allocUnsafeSlow(size + 1);
  let length = 0;
  for (;;) {
    const read = readSync(file, bytes, length, bytes.length - length, null);
    length += read;
    // A file of /proc has no size.
    if (read === 0 || (length === size && size > 0) || length > manifestBounds.fileBytes)
      return bytes.subarray(0, length);
    if (length === bytes.length)
      bytes = Buffer.concat([bytes], Math.min(Math.max(2 * length, 4096), manifestBounds.fileBytes + 1));
  }
}
