// A body without its content coding.
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { maxAnswerBytes } from "../../routing/release/compare/answer.ts";

/** What cannot be decoded, or comes to more than is compared, stays as it was: it is no JSON then. */
export function plainBody(body: Uint8Array, encoding: string): Uint8Array {
  const decode = { gzip: gunzipSync, "x-gzip": gunzipSync, deflate: inflateSync, br: brotliDecompressSync }[encoding];
  if (decode === undefined) return body;
  try {
    return decode(body, { maxOutputLength: maxAnswerBytes });
  } catch {
    return body;
  }
}
