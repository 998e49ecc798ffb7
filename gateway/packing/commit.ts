// Which commit a checkout stands at.
import { execFile } from "node:child_process";
import { realpath } from "node:fs/promises";
import { promisify } from "node:util";

/** What the packed form says of itself; the digest of its code is known only then. */
export interface Stamp {
  readonly version: string;
  readonly commit: string | null;
}

/**
 * The commit (40 hexadecimal digits) of the checkout at `root`, with `-changed` behind it where a source differs from it. null: `root` is no checkout of git, or git is
 * not here. SLUICE_COMMIT wins, because the build of an image has the sources without git.
 */
export async function commitOf(root: string, environment: NodeJS.ProcessEnv = process.env): Promise<string | null> {
  const given = environment["SLUICE_COMMIT"] ?? "";
  if (given !== "") {
    if (!/^[0-9a-f]{40}(?:-changed)?$/.test(given))
      throw new Error('SLUICE_COMMIT is not a commit: write what "git rev-parse HEAD" prints');
    return given;
  }
  try {
    const [top, commit] = (await git(root, "rev-parse", "--show-toplevel", "HEAD")).split("\n");
    // A folder that somebody unpacked inside another checkout is not of that checkout.
    if ((await realpath(top!)) !== (await realpath(root))) return null;
    const changed = await git(root, "status", "--porcelain", "--", "gateway", "routing", "k8s", "package-lock.json");
    return `${commit!}${changed === "" ? "" : "-changed"}`;
  } catch {
    return null;
  }
}

async function git(root: string, ...argv: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("git", ["-C", root, ...argv]);
  return stdout;
}
