// The keys of Hosts, TLSContexts, Modules, AuthServices and RateLimitServices: all that Ambassador documents of them, read here or not.
import { fieldsShape, type FieldRows } from "../fields/field-table.ts";
import { decidingRows as moduleRows, moduleShape } from "../fields/module-fields.ts";
import { authServiceTable, rateLimitServiceTable } from "../fields/service-fields.ts";
import { objectShape, strictly, values, type Keys } from "../fields/shape.ts";
import { contextRows, hostRows, tlsRows } from "../fields/tls-fields.ts";
import { KnownKeys } from "../fields/unknown-keys.ts";
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

interface KindKeys {
  /** An object, or a document with `spec`. */
  readonly object: KnownKeys;
  /** A document without. */
  readonly flat: KnownKeys;
}

const keysOfKind = (spec: Keys): KindKeys => {
  const object = objectShape(spec, {});
  const around = { ...values("apiVersion", "kind", "status"), metadata: object.keys["metadata"]! };
  return {
    object: new KnownKeys(object),
    // `spec` is none of its keys.
    flat: new KnownKeys({ ...spec, keys: { ...around, ...spec.keys } }),
  };
};

export const platformKeys: Readonly<Record<PlatformKind, KindKeys>> = {
  Host: keysOfKind(strictly(fieldsShape(hostRows))),
  TLSContext: keysOfKind(strictly(fieldsShape(contextRows))),
  Module: keysOfKind(moduleShape),
  AuthService: keysOfKind(strictly(fieldsShape(authServiceTable.rows))),
  RateLimitService: keysOfKind(strictly(fieldsShape(rateLimitServiceTable.rows))),
};
