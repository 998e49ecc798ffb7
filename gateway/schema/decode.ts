// Decodes the text of a file that people write, YAML or JSON, by its schema. Half of such a file would let in callers whom the other half keeps out, so
// one fault refuses the whole of it.
import { load } from "js-yaml";
import { decodeValue, type Decoded, type Schema } from "./schema.ts";

export function decodeText<T>(schema: Schema<T>, text: string, maxBytes: number): Decoded<T> {
  if (Buffer.byteLength(text) > maxBytes)
    return { kind: "wrong", sentences: [`the file is longer than ${maxBytes} bytes: write a shorter one`] };
  let document: unknown;
  try {
    document = load(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n", 1)[0]! : String(error);
    return { kind: "wrong", sentences: [`the file is not YAML: ${reason}`] };
  }
  return decodeValue(schema, document);
}
