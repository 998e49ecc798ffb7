// A body without its content coding.
import { brotliDecompressSync, gunzipSync, inflateSync } from "node:zlib";
import { maxAnswerBytes } from "../../shared/compared-pairs.ts";

const decoders: ReadonlyMap<string, typeof gunzipSync> = new Map([
  ["gzip", gunzipSync],
  ["x-gzip", gunzipSync],
  ["deflate", inflateSync],
  ["br", brotliDecompressSync],
]);

/** null: it comes to more than is compared. What cannot be decoded stays as it was: it is no JSON then. */
export function plainBody(body: Uint8Array, encoding: string): Uint8Array | null {
  const decode = decoders.get(encoding);
  if (decode === undefined) return body;
  try {
    return decode(body, { maxOutputLength: maxAnswerBytes });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? null : body;
  }
}
