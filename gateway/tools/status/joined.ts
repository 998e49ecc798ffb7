// The answers of all replicas as one: is the gateway well, and what is wrong first? A replica that is away and tables that differ are wrong as well.
import { statusShape, troubleKinds, type Status } from "../../api/status.ts";
import { nullable, Type, type Shaped } from "../../api/shape.ts";

export const joinedStatusShape = Type.Object({
  isWell: Type.Boolean(),
  /** null: it is well. */
  first: nullable(Type.String()),
  /** The most severe first. */
  troubles: Type.Array(Type.String()),
  replicas: Type.Array(
    Type.Object({
      name: Type.String(),
      /** null: it is away. */
      status: nullable(statusShape),
      /** Why it is away; null: it is not. */
      sentence: nullable(Type.String()),
    }),
  ),
});

export type JoinedStatus = Shaped<typeof joinedStatusShape>;
export type ReplicaStatus = JoinedStatus["replicas"][number];

export function joined(replicas: readonly ReplicaStatus[]): JoinedStatus {
  const there = replicas.flatMap(({ name, status }) => (status === null ? [] : [{ name, status }]));
  const away = replicas.filter(({ status }) => status === null);
  const troubles: string[] = [];
  if (away[0] !== undefined)
    troubles.push(
      `${away.length} of ${replicas.length} ${replicas.length === 1 ? "replica" : "replicas"} ${away.length === 1 ? "is" : "are"} away: ${away[0].sentence ?? ""}`,
    );
  for (const kind of troubleKinds) {
    if (kind === "predictor-failing" && tablesDiffer(there.map(({ status }) => status)))
      troubles.push("The replicas serve different tables: the one that is behind says why in its log (source-stale).");
    // What several replicas say alike is said once.
    const said = new Map<string, string[]>();
    for (const { name, status } of there)
      for (const trouble of status.troubles)
        if (trouble.kind === kind) said.set(trouble.sentence, [...(said.get(trouble.sentence) ?? []), name]);
    for (const [sentence, names] of said)
      troubles.push(names.length === replicas.length ? sentence : `${names.join(", ")}: ${sentence}`);
  }
  // Of another version, say: what it finds wrong has no name here.
  const silent = there.filter(({ status: { isWell, troubles: own } }) => !isWell && own.length === 0);
  if (silent.length > 0)
    troubles.push(
      `${silent.map(({ name }) => name).join(", ")}: The gateway says that something is wrong, but not what: read its log.`,
    );
  return { isWell: troubles.length === 0, first: troubles[0] ?? null, troubles, replicas };
}

/** Do replicas that have a table have different ones? */
export function tablesDiffer(there: readonly Status[]): boolean {
  return new Set(there.flatMap(({ table: { hash } }) => (hash === "" ? [] : [hash]))).size > 1;
}
