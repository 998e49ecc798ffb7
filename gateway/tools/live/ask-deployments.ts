// Deployments of all replicas, asked at the same time.
import { deploymentShape, deploymentsPath, type Deployment } from "../../api/deployments.ts";
import { maxItems } from "../../api/parameters.ts";
import { nullable, Type, type Shaped } from "../../api/shape.ts";
import type { Answer } from "../replicas/ask.ts";
import { askList } from "../replicas/ask-list.ts";
import type { Replica } from "../replicas/replica.ts";
import { joinedDeployments } from "./joined-deployments.ts";

export type Asked =
  /** `notes`: a sentence for each replica that is away. */
  | { readonly kind: "asked"; readonly deployments: readonly Deployment[]; readonly notes: readonly string[] }
  /** No replica answers. */
  | { readonly kind: "failed"; readonly sentence: string };

/** The part of a query that says it; null: all. */
export function inNamespace(namespace: string | null): Readonly<Record<string, string>> {
  return namespace === null ? {} : { namespace };
}

const pageShape = Type.Object({ items: Type.Array(deploymentShape), continue: nullable(Type.String()) });

/** `named`: `NAMESPACE/NAME` or `NAME`; null: all. */
export async function askDeployments(
  replicas: readonly Replica[],
  adminToken: string | null,
  query: Readonly<Record<string, string>>,
): Promise<Asked> {
  const answers = await Promise.all(replicas.map((replica) => askOne(replica, adminToken, query)));
  const notes = answers.flatMap((one) => (one.kind === "failed" ? [one.sentence] : []));
  const there = answers.flatMap((one) => (one.kind === "answer" ? [one.value] : []));
  return there.length === 0
    ? { kind: "failed", sentence: notes[0] ?? "" }
    : { kind: "asked", deployments: joinedDeployments(there), notes };
}

async function askOne(
  replica: Replica,
  adminToken: string | null,
  query: Readonly<Record<string, string>>,
): Promise<Answer<readonly Deployment[]>> {
  const path = (more: string | null): string =>
    `${deploymentsPath}?${new URLSearchParams({ ...query, limit: `${maxItems}`, ...(more === null ? {} : { continue: more }) }).toString()}`;
  const answer = await askList(
    replica,
    (more) => ({ method: "GET", path: path(more), body: null, accept: "application/json", adminToken }),
    pageShape,
  );
  return answer.kind === "failed" ? answer : { ...answer, value: (answer.value as Shaped<typeof pageShape>).items };
}
