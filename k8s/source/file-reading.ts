// One file, read and parsed, by whichever thread.
import { createHash, hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { endingOf, type Ending } from './ending.ts';
import { errorCode } from './error-code.ts';
import { manifestBounds } from './manifest-bounds.ts';
import { readingManifest, type Manifest, type ManifestOptions } from './manifest.ts';
import type { Work } from './turns.ts';

export interface FileRead {
  readonly kind: 'read';
  /** Of the bytes. */
  readonly digest: string;
  readonly ending: Ending;
  readonly manifest: Manifest;
}

/** Why the bytes of a file cannot be had, in a few words. */
export interface FileUnread {
  readonly kind: 'unread';
  readonly reason: string;
}

/** Reads and parses a file that nothing is known of. `size`: its length when it was found. */
export function* readingFile(path: string, size: number, options: ManifestOptions): Work<FileRead | FileUnread> {
  const bytes = readBytes(path, size);
  if (typeof bytes === 'string') return { kind: 'unread', reason: bytes };
  return { kind: 'read', digest: yield* hashOf(bytes), ending: endingOf(bytes), manifest: yield* readingManifest(bytes, options) };
}

/** The bytes, or why they cannot be read. A file over the bound is not read: its length is enough for the Problem. */
export function readBytes(path: string, size: number): Uint8Array | string {
  if (size > manifestBounds.fileBytes) return `it has ${size} bytes, at most ${manifestBounds.fileBytes} are read`;
  let file: number;
  try {
    // A pipe may have taken the file's place: to open it must not wait for somebody who writes.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    return errorCode(error);
  }
  try {
    const stats = fstatSync(file);
    return stats.isFile() ? readWhole(file, stats.size) : 'it is no file any more';
  } catch (error) {
    return errorCode(error);
  } finally {
    closeSync(file);
  }
}

/** What is from here on, `size` bytes in all likelihood: `readFileSync` asks for the size once more, and for more than there is. */
function readWhole(file: number, size: number): Uint8Array {
  const bytes = Buffer.allocUnsafeSlow(size + 1);
  let length = 0;
  while (length < size) {
    const read = readSync(file, bytes, length, bytes.length - length, null);
    if (read === 0) break;
    length += read;
  }
  // It has grown, or has no size, as files of /proc.
  return length < size || (length === size && size > 0) ? bytes.subarray(0, length) : Buffer.concat([bytes.subarray(0, length), readFileSync(file)]);
}

/** Bytes that are hashed between two pauses. */
const hashSlice = 4 * 1024 * 1024;

/** Of a file's bytes. */
export function* hashOf(bytes: Uint8Array): Work<string> {
  if (bytes.length <= hashSlice) return shortened(hash('sha256', bytes, 'latin1'));
  const sum = createHash('sha256');
  for (let at = 0; at < bytes.length; at += hashSlice) {
    sum.update(bytes.subarray(at, at + hashSlice));
    yield;
  }
  return shortened(sum.digest('latin1'));
}

/** 128 bits, in as many bytes. */
function shortened(sum: string): string {
  return sum.slice(0, 16);
}
