// A message in parts, as whoever passes one on takes it: requests on their way to a model in the same words as answers on their way back.
import type { FieldList } from "../fields/fields.ts";

/**
 * `head` once, `body` any number of times, `end` once; or `abort` instead of what is left. What was given leaves with `flush` at the latest.
 * Heads, bytes and trailers are valid only during the call.
 */
export interface MessageTaker<Head extends readonly unknown[], Abort extends readonly unknown[]> {
  head(...head: Head): void;
  /** Bytes of the body, decoded: `bytes[start..end)`. */
  body(bytes: Buffer, start: number, end: number): void;
  /** The message is complete. `trailers` null: it has none. */
  end(trailers: FieldList | null): void;
  /** No more of it comes in this read. */
  flush(): void;
  /** It does not come to its end. */
  abort(...why: Abort): void;
}
