// The file behind a name: links are followed, so that who replaces the file leaves them, and who names it by different ones means the same file.
import { readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { errorCode } from "../objects/error-code.ts";

/** It need not be there, but its folder must. Throws what the system says of the folder, or of links in a circle. */
export function linkedFile(file: string): string {
  try {
    return realpathSync(file);
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
  const link = linkIn(file);
  return link === null ? join(realpathSync(dirname(file)), basename(file)) : linkedFile(resolve(dirname(file), link));
}

/** null: it is no link. */
function linkIn(file: string): string | null {
  try {
    return readlinkSync(file);
  } catch {
    return null;
  }
}
