// The key that replicas share, from its file: read again at each look, because Kubernetes replaces the file of a Secret.
import { readFileSync, statSync } from "node:fs";
import type { PeerKeys } from "../../shared/peer-proof.ts";

/** Characters of a key: `openssl rand -base64 32` has 44. */
export const minKeyLength = 32;
const maxFileBytes = 16_384;

export type PeerKeyRead =
  | { readonly kind: "keys"; readonly keys: PeerKeys }
  /** A sentence without the key. */
  | { readonly kind: "bad"; readonly sentence: string };

/** Each line is a key; the first signs. Never throws. */
export function readPeerKey(file: string): PeerKeyRead {
  const bad = (why: string): PeerKeyRead => ({
    kind: "bad",
    sentence: `the key of --peer-key cannot be used, because ${why}: write a line of openssl rand -base64 32`,
  });
  try {
    if (statSync(file).size > maxFileBytes) return bad(`the file has more than ${maxFileBytes} bytes`);
    const [first, ...others] = readFileSync(file, "utf8")
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "");
    if (first === undefined) return bad("the file is empty");
    const keys = [first, ...others] as const;
    return keys.every((key) => key.length >= minKeyLength)
      ? { kind: "keys", keys }
      : bad(`a line has fewer than ${minKeyLength} characters`);
  } catch (error) {
    return bad(`the file cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"})`);
  }
}
