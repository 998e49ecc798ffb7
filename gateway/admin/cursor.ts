// The `continue` of a list: the place behind which its next part begins.
import { maxItems } from "../api/parameters.ts";

/** Behind this key, and as many items that have it. */
export interface Place {
  readonly key: string;
  readonly count: number;
}

export function cursorOf(key: string, count: number): string {
  return Buffer.from(JSON.stringify([key, count])).toString("base64url");
}

/** null: it is none of ours. */
export function readCursor(text: string): Place | null {
  try {
    const read: unknown = JSON.parse(Buffer.from(text, "base64url").toString());
    if (!Array.isArray(read) || read.length !== 2) return null;
    const [key, count] = read as readonly unknown[];
    return typeof key === "string" && typeof count === "number" && Number.isInteger(count) && count > 0
      ? { key, count: Math.min(count, maxItems) }
      : null;
  } catch {
    return null;
  }
}
