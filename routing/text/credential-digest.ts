// Digests of credentials: the gateway keeps and compares them instead of the names and secrets that clients send.
import { createHash } from "node:crypto";

/** SHA-256, lower hex, of texts that cannot run into each other: each stands behind its length. `use` keeps digests of different uses apart. */
export function credentialDigest(use: string, ...parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of [use, ...parts]) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest("hex");
}
