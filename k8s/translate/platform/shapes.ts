// Where the fields of Hosts, TLSContexts, Modules, AuthServices and RateLimitServices may stand: all that Ambassador documents of them, read here or not.
import { fieldsShape, type FieldRows } from "../fields/field-table.ts";
import { decidingRows as moduleRows, moduleShape } from "../fields/module-fields.ts";
import { Places } from "../fields/places.ts";
import { authServiceTable, rateLimitServiceTable } from "../fields/service-fields.ts";
import { keysOf, objectShape, values, type Keys } from "../fields/shape.ts";
import { contextRows, hostRows, tlsRows } from "../fields/tls-fields.ts";
import type { PlatformKind } from "./platform.ts";

const closing = (rows: FieldRows, at = ""): readonly string[] =>
  Object.entries(rows).flatMap(([name, { empty }]) => (empty === "closes" ? [`${at}${name}`] : []));

/** Fields without which more is let in than with them: one that is there without a value has lost it. */
export const neverEmpty: Readonly<Record<PlatformKind, readonly string[]>> = {
  Host: [...closing(hostRows), "requestPolicy.insecure", "requestPolicy.insecure.action", ...closing(tlsRows, "tls.")],
  TLSContext: closing(contextRows),
  Module: closing(moduleRows, "config."),
  AuthService: closing(authServiceTable.rows),
  RateLimitService: closing(rateLimitServiceTable.rows),
};

const placesOf = (spec: Keys): { readonly object: Places; readonly flat: Places } => {
  const object = objectShape(spec, {});
  // `spec` is none of its keys.
  return {
    object: new Places(object),
    flat: new Places(
      keysOf(
        { ...spec.keys, ...values("apiVersion", "kind", "status"), metadata: object.keys["metadata"]! },
        spec.kinds,
      ),
    ),
  };
};

/** By kind: an object or document with `spec`, and one without. */
export const platformPlaces: Readonly<Record<PlatformKind, { readonly object: Places; readonly flat: Places }>> = {
  Host: placesOf(fieldsShape(hostRows)),
  TLSContext: placesOf(fieldsShape(contextRows)),
  Module: placesOf(moduleShape),
  AuthService: placesOf(fieldsShape(authServiceTable.rows)),
  RateLimitService: placesOf(fieldsShape(rateLimitServiceTable.rows)),
};
