// Trailer sections: kept, but for fields that may not stand there (RFC 9110 §6.5.1).
import type { OutBuffer } from "../io/out-buffer.ts";
import { mergeableTrailers } from "../fields/field-rules.ts";
import { fieldRoom, type FieldList } from "../fields/fields.ts";

/** The fields of a trailer section. A worker has one: valid only while its bytes are. */
export class Trailers implements FieldList {
  bytes: Uint8Array = new Uint8Array(0);
  fieldCount = 0;
  fields: Int32Array = new Int32Array(4 * fieldRoom);
  kinds: Uint8Array = new Uint8Array(fieldRoom);
  readonly neverIndexed = null;
  readonly encoded = null;
  fieldsEnd = 0;
}

/** Bytes of a trailer section; over it the message is malformed. */
export const mostTrailerBytes = 8 * 1024;

/** Puts the trailers that are only trailers. */
export function putTrailers(out: OutBuffer, list: FieldList): void {
  const { bytes, fields, kinds, fieldCount } = list;
  for (let field = 0; field < fieldCount; field++) {
    if (mergeableTrailers[kinds[field]!] !== 1) continue;
    out.put(bytes, fields[field * 4]!, field + 1 < fieldCount ? fields[(field + 1) * 4]! : list.fieldsEnd);
  }
}
