// Trailers that outlive the read they came in.
import type { FieldList } from "./fields.ts";

/** Fields with bytes of their own. */
export function copyOfFields({ bytes, fields, kinds, neverIndexed, fieldCount, fieldsEnd }: FieldList): FieldList {
  const start = fieldCount === 0 ? fieldsEnd : fields[0]!;
  return {
    bytes: Buffer.from(bytes.subarray(start, fieldsEnd)),
    fieldCount,
    fields: fields.slice(0, fieldCount * 4).map((at) => at - start),
    kinds: kinds.slice(0, fieldCount),
    neverIndexed: neverIndexed === null ? null : neverIndexed.slice(0, fieldCount),
    encoded: null,
    fieldsEnd: fieldsEnd - start,
  };
}
