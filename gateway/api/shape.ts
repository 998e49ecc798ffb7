// Shapes of the admin API: TypeBox schemas, which are JSON Schemas as they stand. The types of answers, the OpenAPI document and the tests follow from them.
import { Type, type Static, type TNull, type TNumber, type TSchema, type TUnion, type TUnsafe } from "typebox";

export { Type };

/** A JSON Schema that knows the type of its values. */
export type Shape = TSchema;

/** The type of what has this shape. */
export type Shaped<S extends TSchema> = ReadonlyAll<Static<S>>;

type ReadonlyAll<T> = T extends readonly (infer I)[]
  ? readonly ReadonlyAll<I>[]
  : T extends object
    ? { readonly [K in keyof T]: ReadonlyAll<T[K]> }
    : T;

/** Or null. */
export function nullable<S extends TSchema>(shape: S): TUnion<[S, TNull]> {
  return Type.Union([shape, Type.Null()]);
}

/** Unix time in ms, which a Date holds. */
export function instantMs(description: string): TNumber {
  return Type.Number({ description, minimum: 0, maximum: 8_640_000_000_000_000 });
}

/** One of these texts. */
export function oneOf<const T extends readonly string[]>(...texts: T): TUnsafe<T[number]> {
  return Type.Unsafe<T[number]>({ type: "string", enum: [...texts] });
}

/** An object whose parts the page of the API does not list. */
export function open<T>(description: string): TUnsafe<T> {
  return Type.Unsafe<T>({ type: "object", description });
}
