// A name that somebody wrote: which deployment the gateway has of it, or one sentence, the same in every command.
import { deploymentsPath } from "../api/deployments.ts";
import { Type } from "../api/shape.ts";
import { nobodyNamed } from "../explain/who.ts";
import { namespaceAsked, pathOf, type Asking } from "./admin.ts";
import { askFor } from "./gateway/ask.ts";

export type Found =
  | { readonly kind: "found"; readonly namespace: string; readonly name: string }
  | { readonly kind: "failed"; readonly sentence: string };

const namedShape = Type.Object({ items: Type.Array(Type.Object({ namespace: Type.String(), name: Type.String() })) });

/** `named`: NAMESPACE/NAME, or NAME where one namespace has it. */
export async function findDeployment(
  { url, adminToken }: Asking,
  named: string,
  objectNamespace: string | null,
): Promise<Found> {
  const namespace = namespaceAsked(objectNamespace, named);
  const path = pathOf(deploymentsPath, { deployment: named, namespace, limit: 2 });
  const answer = await askFor(
    url,
    { method: "GET", path, body: null, accept: "application/json", adminToken },
    namedShape,
  );
  if (answer.kind === "failed") return answer;
  const [first, ...others] = answer.value.items;
  if (first === undefined) return { kind: "failed", sentence: nobodyNamed(named) };
  return others.length === 0 ? { kind: "found", ...first } : severalNamed(named, answer.value.items);
}

export function severalNamed(
  named: string,
  found: readonly { readonly namespace: string; readonly name: string }[],
): { readonly kind: "failed"; readonly sentence: string } {
  const names = found.slice(0, 3).map((one) => `${one.namespace}/${one.name}`);
  return { kind: "failed", sentence: `several namespaces have ${named}: write ${names.join(" or ")}` };
}

/** Where nothing was found of a name: why, where no deployment has it. null: one has it, or none was named. */
export async function misspelt(
  asking: Asking,
  named: string | null,
  objectNamespace: string | null,
): Promise<{ readonly kind: "failed"; readonly sentence: string } | null> {
  if (named === null) return null;
  const found = await findDeployment(asking, named, objectNamespace);
  return found.kind === "failed" && found.sentence === nobodyNamed(named) ? found : null;
}
