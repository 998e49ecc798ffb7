// Problems of a tree of folders: what of it is not read.
import type { Problem } from "../../../routing/text/problem.ts";
import type { FolderBounds } from "../entries/entries.ts";
import { fileProblem } from "../files/files.ts";

export function tooDeep(name: string, { depth }: FolderBounds): Problem {
  return fileProblem(
    name,
    "over-limit",
    `the folder is ${depth + 1} levels deep and is not read; move it up, or remove the link that leads here`,
  );
}

export function tooManyEntries(name: string, { entries }: FolderBounds): Problem {
  return fileProblem(
    name,
    "over-limit",
    `Sluice reads ${entries} files and folders at most, so it does not read all of this folder; remove those without manifests, or the link that leads here`,
  );
}

export function linkAbove(name: string): Problem {
  return fileProblem(
    name,
    "link-above",
    "the link leads to a folder that contains the served one, so Sluice does not follow it; remove it, or serve that folder",
  );
}

export function noFile(name: string): Problem {
  return fileProblem(
    name,
    "unreadable-file",
    "it has the name of a manifest, and is a link that leads nowhere, a pipe, a socket or a device, so it is not read; correct or remove it",
  );
}
