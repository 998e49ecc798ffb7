// Where the fields of a Mapping may stand: in an object of its own, and in a document of a text, flat or shaped like an object.
import { fieldsShape } from "../fields/field-table.ts";
import { mappingTable } from "../fields/mapping-fields.ts";
import { Places } from "../fields/places.ts";
import { guardKinds } from "../fields/annotation-names.ts";
import { keysOf, objectShape, values } from "../fields/shape.ts";

const spec = fieldsShape(mappingTable.rows);
/** Who may call the Mapping of a text is said by the annotations of the object that the text is in. */
const outside = "the annotations of the object that holds this text";

/** A Mapping object. */
export const mappingObject = new Places(objectShape(spec, guardKinds));
/** A document of a text that is shaped like an object. */
export const mappingDocument = new Places(objectShape(spec, {}), guardKinds, outside);
/** A document without `spec`. */
export const flatMapping = new Places(
  keysOf({ ...spec.keys, ...values("metadata", "status") }, spec.kinds),
  guardKinds,
  outside,
);
