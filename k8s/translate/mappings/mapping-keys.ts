// The keys of a Mapping: in an object of its own, and in a document of a text, flat or shaped like an object.
import { ownKinds } from "../fields/annotation-names.ts";
import { fieldsShape } from "../fields/field-table.ts";
import { mappingTable } from "../fields/mapping-fields.ts";
import { keysOf, objectShape, values } from "../fields/shape.ts";
import { KnownKeys } from "../fields/unknown-keys.ts";

const spec = fieldsShape(mappingTable.rows);

/** A Mapping object. */
export const mappingObject = new KnownKeys(objectShape(spec, ownKinds));
/** A document of a text that is shaped like an object. Annotations of the object around the text say who may call. */
export const mappingDocument = new KnownKeys(objectShape(spec, {}));
/** A document without `spec`. */
export const flatMapping = new KnownKeys(keysOf({ ...spec.keys, ...values("metadata", "status") }, spec.kinds));
