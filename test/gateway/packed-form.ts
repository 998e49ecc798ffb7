// The packed form of this checkout, for tests: made once, and again only after the sources have changed.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

export const root = join(import.meta.dirname, "../..");

/** The folder that holds it. */
export async function packedForm(): Promise<string> {
  await promisify(execFile)(process.execPath, [join(root, "gateway/packing/main.ts")]);
  return join(root, "packed");
}
