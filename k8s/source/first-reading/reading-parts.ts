// What passes between the Source and the threads that help it to read.
import type { FileRead, FileUnread } from "../files/file-reading.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { ReadingTerms } from "../manifest/manifest-objects.ts";
import { StoredObject, type StoredParts } from "../objects/stored-object.ts";

/** Files that a thread is to read. */
export interface FilesToRead {
  readonly files: readonly { readonly path: string; readonly name: string; readonly size: number }[];
  readonly terms: ReadingTerms;
}

/** What was read, as plain values: objects are lists of texts and numbers, which are cloned for less than half of what records cost. */
export type ReadParts =
  | FileUnread
  | (Omit<FileRead, "manifest"> & {
      readonly manifest: Omit<Manifest, "objects">;
      readonly objects: readonly StoredParts[];
    });

export type FromReadingThread =
  | { readonly kind: "ready" }
  | { readonly kind: "done"; readonly reads: readonly ReadParts[] };

export function partsOf(read: FileRead | FileUnread): ReadParts {
  if (read.kind === "unread") return read;
  const { objects, ...manifest } = read.manifest;
  return { ...read, manifest, objects: objects.map(({ parts }) => parts) };
}

/** `name`: of the file. */
export function readOf(parts: ReadParts, name: string): FileRead | FileUnread {
  if (parts.kind === "unread") return parts;
  const { objects, manifest, ...read } = parts;
  return { ...read, manifest: { ...manifest, objects: objects.map((object) => StoredObject.ofParts(object, name)) } };
}
