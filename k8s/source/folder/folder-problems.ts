// Problems of a tree of folders: what of it is not read.
import type { Problem } from "../../../routing/text/problem.ts";
import type { FolderBounds } from "../entries/entries.ts";
import { fileProblem } from "../files/files.ts";

export function tooDeep(name: string, { depth }: FolderBounds): Problem {
  return fileProblem(
    name,
    "folder-too-deep",
    `the folder is the ${depth + 1}th of folders inside each other and is not read; move it up, or remove the link that leads here`,
  );
}

export function tooManyEntries(name: string, { entries }: FolderBounds): Problem {
  return fileProblem(
    name,
    "too-many-entries",
    `${entries} files and folders have been found and no more are read, so some of this folder are not; remove what holds no manifests, or the link that leads here`,
  );
}

export function linkAbove(name: string): Problem {
  return fileProblem(
    name,
    "link-above",
    "the link leads to a folder around the one that is served and is not followed; remove it, or name that folder",
  );
}

export function noFile(name: string): Problem {
  return fileProblem(
    name,
    "unreadable-file",
    "it has the name of a manifest, and is a link that leads nowhere, a pipe, a socket or a device, so it is not read; mend or remove it",
  );
}
