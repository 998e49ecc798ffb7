// The comparisons of one deployment: of one gateway with its peers, or of several gateways, joined here.
import { comparedDeploymentShape, comparisonShape, type ComparedDeployment } from "../../api/comparisons.ts";
import { deploymentsPath } from "../../api/deployments.ts";
import { maxItems } from "../../api/parameters.ts";
import { nullable, Type, type Shaped } from "../../api/shape.ts";
import { endpoints } from "../../admin/endpoints.ts";
import { joinedComparisons } from "../../admin/view/joined-comparisons.ts";
import { askFor, type Answer } from "../replicas/ask.ts";
import { askList } from "../replicas/ask-list.ts";
import type { Replica } from "../replicas/replica.ts";

export type Asked =
  | { readonly kind: "asked"; readonly compared: ComparedDeployment }
  | { readonly kind: "failed"; readonly sentence: string };

const namedShape = Type.Object({ items: Type.Array(Type.Object({ namespace: Type.String() })) });
const pageShape = Type.Object({ items: Type.Array(comparisonShape), continue: nullable(Type.String()) });

/** `named`: `NAMESPACE/NAME`, or `NAME` where one namespace compares one of that name. */
export async function askComparison(
  replicas: readonly Replica[],
  adminToken: string | null,
  named: string,
  namespace: string | null,
): Promise<Asked> {
  // Of several each says its own counts alone, so that those of peers count once.
  const query = replicas.length > 1 ? "?replica=self" : "";
  const answers = await Promise.all(
    replicas.map(async (replica) => ({ replica, answer: await askOne(replica, adminToken, named, namespace, query) })),
  );
  const sentences = answers.flatMap(({ answer }) => (answer.kind === "failed" ? [answer.sentence] : []));
  const [only] = answers;
  const joined =
    replicas.length === 1
      ? only!.answer.kind === "answer"
        ? only!.answer.value
        : null
      : joinedComparisons(
          answers.map(({ replica, answer }) =>
            answer.kind === "failed"
              ? { replica: replica.name, sentence: answer.sentence, compared: null }
              : { replica: replica.name, sentence: null, compared: answer.value },
          ),
        );
  if (joined !== null) return { kind: "asked", compared: joined };
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
  more: string,
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
    (next) =>
      question(
        `${endpoints.comparisons.path}?${query.toString()}${next === null ? "" : `&continue=${encodeURIComponent(next)}`}`,
      ),
    pageShape,
  );
  if (listed.kind === "failed") return listed;
  const { items } = listed.value as Shaped<typeof pageShape>;
  const [first] = items;
  const pathOf = (space: string, name: string): string =>
    endpoints.comparison.path
      .replace("{namespace}", encodeURIComponent(space))
      .replace("{name}", encodeURIComponent(name)) + more;
  if (first === undefined) {
    // Its peers may have compared what it has not.
    const space = namespace ?? (more === "" ? await onlyNamespace(replica, question, named) : null);
    const joined =
      space === null
        ? null
        : await askFor(replica, question(pathOf(space, named.slice(named.indexOf("/") + 1))), comparedDeploymentShape);
    return joined?.kind === "answer" ? joined : { ...listed, value: null };
  }
  const namespaces = [...new Set(items.map((one) => one.namespace))];
  if (namespaces.length > 1)
    return {
      kind: "failed",
      sentence: `several namespaces have ${named}: write ${namespaces
        .slice(0, 3)
        .map((one) => `${one}/${first.deployment}`)
        .join(" or ")}`,
    };
  return askFor(replica, question(pathOf(first.namespace, first.deployment)), comparedDeploymentShape);
}

/** Of the one deployment of this name that the replica serves; null: it serves none, or several. */
async function onlyNamespace(
  replica: Replica,
  question: (path: string) => Parameters<typeof askFor>[1],
  named: string,
): Promise<string | null> {
  const query = new URLSearchParams({ deployment: named, limit: "2" });
  const answer = await askFor(replica, question(`${deploymentsPath}?${query.toString()}`), namedShape);
  if (answer.kind === "failed") return null;
  const [first, ...others] = answer.value.items;
  return first === undefined || others.length > 0 ? null : first.namespace;
}
