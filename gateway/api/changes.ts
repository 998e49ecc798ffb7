// Changes, as `/api/v1/changes` and `sluice changes` tell them.
import { saidBy } from "./joined.ts";
import { objectShape } from "./problem.ts";
import { instantMs, nullable, oneOf, Type, type Shaped } from "./shape.ts";

export const changeShape = Type.Object(
  {
    ...saidBy,
    atMs: instantMs("When Sluice knew the outcome, Unix time in ms"),
    object: objectShape,
    field: Type.String({ description: "What of the object changed; empty: the object as a whole" }),
    from: Type.String({
      description: "The value before; empty where there is none, or where it may hold a secret",
    }),
    to: Type.String({ description: "The value now" }),
    outcome: oneOf("live", "unchanged", "waiting", "sent", "not-taken", "problem", "ended", "read", "more"),
    sentence: Type.String({ description: "The change and its outcome, for people" }),
    workers: Type.String({ description: "`2 of 2`: the data workers that serve it; empty: it is in no routing table" }),
    liveAfterMs: nullable(
      Type.Number({ description: "ms from the first byte that was read until the last data worker served it" }),
    ),
  },
  {
    description:
      "One change. Its outcome: `live`, every data worker serves it; `unchanged`, the routing table stays as it is; `waiting`, some data worker did not serve it within 5 s; " +
      "`sent`, another policy, certificate or Grant holds from now on; `not-taken`, Sluice does not serve it as declared; `problem`, a Problem appeared without an edit; " +
      "`ended`, a Problem ended; `read`, objects at a start; `more`, further changes of a namespace, as a number.",
  },
);

export type Change = Shaped<typeof changeShape>;

/** `predictors[canary].traffic: 20 → 40`, `created`. */
export function whatChanged({ field, from, to }: Pick<Change, "field" | "from" | "to">): string {
  if (field === "") return to === "withdrawn" ? "not served any more" : to;
  if (from === "" && to === "") return `${field}: changed`;
  return from === "" ? `${field}: ${to}` : `${field}: ${from} → ${to}`;
}

/** One line for people. */
export function changeLine({ atMs, object: { kind, namespace, name }, sentence }: Change): string {
  return `${new Date(atMs).toISOString()} ${kind} ${namespace === "" ? name : `${namespace}/${name}`} ${sentence}`;
}

/** The namespace whose change it is; "": the gateway's. */
export function spaceOf({ object: { kind, namespace, name } }: Pick<Change, "object">): string {
  return kind === "Namespace" ? name : namespace;
}

/** Is it a change of this deployment (`NAMESPACE/NAME` or `NAME`), or of a Service or Secret whose name begins so? */
export function isOfDeployment({ object: { namespace, name } }: Pick<Change, "object">, deployment: string): boolean {
  const slash = deployment.indexOf("/");
  const named = deployment.slice(slash + 1);
  return (slash < 0 || namespace === deployment.slice(0, slash)) && (name === named || name.startsWith(`${named}-`));
}
