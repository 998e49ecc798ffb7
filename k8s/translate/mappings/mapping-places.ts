// Where the fields of a Mapping may stand: in an object of its own, and in a document of a text, flat or shaped like an object.
import { mappingFields } from "../fields/mapping-fields.ts";
import { mappingShapes } from "./mapping-shape.ts";
import { Places } from "../fields/places.ts";
import { fieldNames, guardKinds, keysOf, objectShape, values } from "../fields/shape.ts";
import { unreadMappingFields } from "./unread-fields.ts";

/** Nobody here reads them, and they may stand last before a field that is indented as they are. Not so `envoy_override`: Envoy's own names stand below it, `weight` and `method` among them. */
const lastBefore = Object.fromEntries(
  ["auth_context_extensions", "keepalive", "docs", "outlier_detection", "v2ExplicitTLS"].map((name) => [
    name,
    fieldNames,
  ]),
);
const fields = { ...values(...Object.keys(mappingFields), ...unreadMappingFields), ...mappingShapes, ...lastBefore };

/** A Mapping object. */
export const mappingObject = new Places(objectShape(keysOf(fields, mappingFields), guardKinds));
/** A document of a text that is shaped like an object. Who may call its Mapping is said by the annotations of the object that the text is in. */
export const mappingDocument = new Places(
  objectShape(keysOf(fields, mappingFields), {}),
  guardKinds,
  "the annotations of the object that holds this text",
);
/** A document without `spec`. */
export const flatMapping = new Places(
  keysOf({ ...fields, ...values("metadata", "status") }, mappingFields),
  guardKinds,
  "the annotations of the object that holds this text",
);
