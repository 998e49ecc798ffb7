// A script of Redis: what must happen in one piece there. The server knows it by the SHA-1 of its text.
import { createHash } from "node:crypto";

export interface RedisScript {
  readonly text: string;
  readonly digest: string;
}

export function redisScript(text: string): RedisScript {
  return Object.freeze({ text, digest: createHash("sha1").update(text).digest("hex") });
}
