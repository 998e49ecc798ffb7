// Deployments of all replicas, asked at the same time.
import { deploymentShape, deploymentsPath, type Deployment } from "../../api/deployments.ts";
import { nullable, Type } from "../../api/shape.ts";
import { askFor, type Answer } from "../replicas/ask.ts";
import type { Replica } from "../replicas/replica.ts";
import { joinedDeployments } from "./joined-deployments.ts";

export type Asked =
  /** `notes`: a sentence for each replica that is away. */
  | { readonly kind: "asked"; readonly deployments: readonly Deployment[]; readonly notes: readonly string[] }
  /** No replica answers. */
  | { readonly kind: "failed"; readonly sentence: string };

const pageShape = Type.Object({ items: Type.Array(deploymentShape), continue: nullable(Type.String()) });
const pageItems = 10_000;
/** Parts of one list: a replica with more of them than that does not end it. */
const maxPages = 20;

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
  const deployments: Deployment[] = [];
  let next: string | null = "";
  for (let page = 0; next !== null && page < maxPages; page++) {
    const parameters = new URLSearchParams({
      ...query,
      limit: `${pageItems}`,
      ...(next === "" ? {} : { continue: next }),
    });
    const path = `${deploymentsPath}?${parameters.toString()}`;
    const asked: Answer<{ readonly items: readonly Deployment[]; readonly continue: string | null }> = await askFor(
      replica,
      { method: "GET", path, body: null, accept: "application/json", adminToken },
      pageShape,
    );
    if (asked.kind === "failed") return asked;
    deployments.push(...asked.value.items);
    next = asked.value.continue;
  }
  return { kind: "answer", value: deployments };
}
