// What a packed form was made from: a digest of each file, kept beside it, so that one that no longer fits the sources is never run.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Digests (SHA-256, hexadecimal) by path from the root of the checkout, or of `node_modules/…` for what is installed. */
export type Inputs = Readonly<Record<string, string>>;

export const inputsFile = "inputs.json";

/** Beside the sources that went in: what says which packages are installed, and what the packing itself is. */
export const otherInputs: readonly string[] = [
  "node_modules/.package-lock.json",
  "package.json",
  "gateway/packing/bom.ts",
  "gateway/packing/commit.ts",
  "gateway/packing/inputs.ts",
  "gateway/packing/main.ts",
  "gateway/packing/notices.ts",
  "gateway/packing/pack.ts",
];

export function digestOf(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/**
 * Why the packed form in `folder` is not what the sources under `root` would give; null: it is. A new source counts as soon as another one imports it, which has
 * changed for that. Says so of a folder that is not there, or whose inputs cannot be read, too.
 */
export function staleReason(root: string, folder: string): string | null {
  const inputs = inputsOf(folder);
  if (inputs === null) return "there is none";
  for (const path of otherInputs)
    if (inputs[path] === undefined) return `it does not say from which ${path} it was made`;
  for (const [path, digest] of Object.entries(inputs)) {
    if (digestOfFile(join(root, path)) !== digest) return `${path} has changed`;
  }
  return null;
}

function inputsOf(folder: string): Inputs | null {
  try {
    return JSON.parse(readFileSync(join(folder, inputsFile), "utf8")) as Inputs;
  } catch {
    return null;
  }
}

/** null: it cannot be read. */
function digestOfFile(path: string): string | null {
  try {
    return digestOf(readFileSync(path));
  } catch {
    return null;
  }
}
