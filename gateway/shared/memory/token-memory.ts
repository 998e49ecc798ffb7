// Memory of tokens that all data workers of a process share. Each worker has a part of it, which it alone writes; all of them read all of it. It is
// made by the supervisor, so that tokens outlive the worker that gave them.

/** Tokens of one bucket: a token's digest says which bucket of a part may hold it. */
export const bucketTokens = 16;
/** 32-bit words of a token: a sequence number, its end, its beginning, one that is free, digests of the token and of its client. */
export const tokenWords = 20;

/** Parts by worker. `tokens`: in all; each part holds whole buckets, and no fewer than its share. */
export function tokenMemory(tokens: number, workers: number): readonly SharedArrayBuffer[] {
  const buckets = Math.max(1, Math.ceil(tokens / workers / bucketTokens));
  return Array.from({ length: workers }, () => new SharedArrayBuffer(buckets * bucketTokens * tokenWords * 4));
}
