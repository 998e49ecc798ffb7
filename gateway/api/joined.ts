// Lists that are joined of all replicas of a gateway.
import { listShape } from "./problem.ts";
import { Type, type Shape, type Shaped } from "./shape.ts";

export const replicaParameter = Type.String({
  description: "`self`: of the replica that answers alone, without those that it knows by `--peers`",
  pattern: "^self$",
});

export const namespacesParameter = Type.String({
  description: "with `replica=self`: only these namespaces, separated by commas",
});

/** Beside the parameters of a list. */
export const joinedParameters = { replica: replicaParameter, namespaces: namespacesParameter };

/** Of an item that not all replicas say alike. */
export const saidBy = {
  replica: Type.Optional(Type.String({ description: "the replica that says it, where several are joined" })),
};

export const awayShape = Type.Array(Type.Object({ replica: Type.String(), sentence: Type.String() }), {
  description: "replicas that are not in this answer, and why",
});

export type Away = Shaped<typeof awayShape>;

const keysShape = Type.Array(Type.String(), {
  description: "with `replica=self`: of each item, by which replicas join their lists",
});

/** Of all replicas: a part is 200 items at most. `beside`: numbers, which add up. */
export function joinedListShape(item: Shape, beside: Readonly<Record<string, Shape>> = {}): Shape {
  return listShape(item, { ...beside, away: Type.Optional(awayShape), keys: Type.Optional(keysShape) });
}

/** A part of the list of one replica, with the key of each item. */
export interface ReplicaPart<V> {
  readonly items: readonly V[];
  readonly keys: readonly string[];
  readonly continue: string | null;
}

/** Reads one thing that another replica says; null: it is not of this shape. */
export async function valueReader<S extends Shape>(shape: S): Promise<(value: unknown) => Shaped<S> | null> {
  const { Value } = await import("typebox/value");
  return (value) => (Value.Check(shape, value) ? value : null);
}

/** Reads a part of a list of another replica; null: it is not of this shape. */
export async function partReader<V>(item: Shape): Promise<(value: unknown) => ReplicaPart<V> | null> {
  const read = await valueReader(listShape(item, { keys: keysShape }));
  return (value) => {
    const part = read(value) as ReplicaPart<V> | null;
    return part !== null && part.keys.length === part.items.length ? part : null;
  };
}
