// Deployments as all replicas know them.
import type { Deployment } from "../../api/deployments.ts";
import { askJoined, awayLines, type Asking } from "../admin.ts";

export type Asked =
  /** `notes`: a sentence for each replica that is away. */
  | { readonly kind: "asked"; readonly deployments: readonly Deployment[]; readonly notes: readonly string[] }
  | { readonly kind: "failed"; readonly sentence: string };

export async function askDeployments(
  asking: Asking,
  query: { readonly deployment?: string; readonly namespace: string | null },
): Promise<Asked> {
  const answer = await askJoined<Deployment>("deployments", query, asking);
  if (answer.kind === "failed") return answer;
  const { items, away } = answer.value;
  return { kind: "asked", deployments: items, notes: awayLines(away) };
}
