// Digests of texts, which tell whether one differs from what was read before.
import { hash, randomBytes } from "node:crypto";

/** A key that nobody is told: those who write manifests may not be those who must see what changes, and must not find two texts of one digest. */
export function drawnTextKey(): string {
  return randomBytes(16).toString("latin1");
}

/** 64 bits, in as many bytes, of a hash that begins with `key`. */
export function textDigest(key: string, text: string): string {
  // Without a Buffer in between it takes half as long.
  return hash("sha256", key + text, "latin1").slice(0, 8);
}
