// Problems and the objects that they are about.
import { oneOf, Type, type Shape } from "./shape.ts";

export const objectShape = Type.Object(
  { kind: Type.String(), namespace: Type.String(), name: Type.String() },
  { description: "An object. Its namespace is empty where it has none." },
);

export const problemShape = Type.Object(
  {
    code: Type.String({ description: "The code, which k8s/PROBLEMS.md explains" }),
    level: oneOf("error", "warning", "info"),
    subject: objectShape,
    field: Type.String({ description: "The part of the object" }),
    sentence: Type.String({ description: "The fault, what Sluice does instead, and what to write" }),
  },
  { description: "A declaration that Sluice does not serve as it is written" },
);

/** The body of every answer whose status is not 2xx. */
export const refusalShape = Type.Object(
  { error: Type.String({ description: "A stable word for programs" }), sentence: Type.String() },
  { description: "Why there is no answer, and what to write instead" },
);

/** A part of a list, with what stands beside the items. */
export function listShape(item: Shape, beside: Readonly<Record<string, Shape>> = {}): Shape {
  return Type.Object({
    ...beside,
    items: Type.Array(item),
    continue: Type.Union([Type.String(), Type.Null()], {
      description: "Write it as `continue` to get the next part. null: this is the last part",
    }),
  });
}
