// The comparisons of one deployment, asked at replicas in turn until one knows it.
import { comparedDeploymentShape, comparisonShape, type ComparedDeployment } from "../../api/comparisons.ts";
import { maxItems } from "../../api/parameters.ts";
import { nullable, Type, type Shaped } from "../../api/shape.ts";
import { endpoints } from "../../admin/endpoints.ts";
import { askFor, type Answer } from "../replicas/ask.ts";
import { askList } from "../replicas/ask-list.ts";
import type { Replica } from "../replicas/replica.ts";

/** What one replica has compared. */
export interface ReplicaComparison {
  readonly replica: string;
  readonly compared: ComparedDeployment;
}

export type Asked =
  /** One for each replica that has compared something. `notes`: a sentence for each that is away. */
  | { readonly kind: "asked"; readonly replicas: readonly ReplicaComparison[]; readonly notes: readonly string[] }
  | { readonly kind: "failed"; readonly sentence: string };

const pageShape = Type.Object({ items: Type.Array(comparisonShape), continue: nullable(Type.String()) });

/** `named`: `NAMESPACE/NAME`, or `NAME` where one namespace compares one of that name. */
export async function askComparison(
  replicas: readonly Replica[],
  adminToken: string | null,
  named: string,
  namespace: string | null,
): Promise<Asked> {
  const answers = await Promise.all(
    replicas.map(async (replica) => ({ replica, answer: await askOne(replica, adminToken, named, namespace) })),
  );
  const sentences = answers.flatMap(({ answer }) => (answer.kind === "failed" ? [answer.sentence] : []));
  const there = answers.flatMap(({ replica, answer }) =>
    answer.kind === "answer" && answer.value !== null ? [{ replica: replica.name, compared: answer.value }] : [],
  );
  if (there.length > 0) return { kind: "asked", replicas: there, notes: sentences };
  return {
    kind: "failed",
    sentence:
      sentences[0] ??
      `no answers of ${named} were compared: annotate a SeldonDeployment that has a shadow with sluice.io/compare: "true", and send requests`,
  };
}

/** null: it has compared nothing of it. */
async function askOne(
  replica: Replica,
  adminToken: string | null,
  named: string,
  namespace: string | null,
): Promise<Answer<ComparedDeployment | null>> {
  const question = (path: string): Parameters<typeof askFor>[1] => ({
    method: "GET",
    path,
    body: null,
    accept: "application/json",
    adminToken,
  });
  const query = new URLSearchParams({
    deployment: named,
    limit: String(maxItems),
    ...(namespace === null ? {} : { namespace }),
  });
  const listed = await askList(
    replica,
    (more) =>
      question(
        `${endpoints.comparisons.path}?${query.toString()}${more === null ? "" : `&continue=${encodeURIComponent(more)}`}`,
      ),
    pageShape,
  );
  if (listed.kind === "failed") return listed;
  const { items } = listed.value as Shaped<typeof pageShape>;
  const [first] = items;
  if (first === undefined) return { ...listed, value: null };
  const namespaces = [...new Set(items.map((one) => one.namespace))];
  if (namespaces.length > 1)
    return {
      kind: "failed",
      sentence: `several namespaces have ${named}: write ${namespaces
        .slice(0, 3)
        .map((one) => `${one}/${first.deployment}`)
        .join(" or ")}`,
    };
  const path = endpoints.comparison.path
    .replace("{namespace}", encodeURIComponent(first.namespace))
    .replace("{name}", encodeURIComponent(first.deployment));
  return askFor(replica, question(path), comparedDeploymentShape);
}
