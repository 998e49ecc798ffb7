// Secrets that replicas share by a file: one or more lines, each as `openssl rand -base64 48` prints it. The first is used, all are known, so that they can change one
// after the other.
import { readFileSync } from "node:fs";

const minSeedBytes = 32;
export const maxSeeds = 4;

/** Seeds of a text, one a line; null: it has none, too many, or a line that is no seed. */
export function seedsOf(text: string): readonly Uint8Array[] | null {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  if (lines.length === 0 || lines.length > maxSeeds) return null;
  const seeds = lines.map((line) =>
    /^[A-Za-z0-9+/]+={0,2}$/.test(line) ? Uint8Array.from(Buffer.from(line, "base64")) : new Uint8Array(0),
  );
  return seeds.every(({ length }) => length >= minSeedBytes) ? seeds : null;
}

/** Seeds of a file; null: it cannot be read, or has none. */
export function seedsIn(file: string): readonly Uint8Array[] | null {
  try {
    return seedsOf(readFileSync(file, "latin1"));
  } catch {
    return null;
  }
}
