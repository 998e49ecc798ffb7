// `sluice rollout [DEPLOYMENT]`: how far releases have come, as the leader of all replicas sees it.
import { maxItems } from "../../api/parameters.ts";
import { rolloutShape, rolloutsPath, type Rollout } from "../../api/rollouts.ts";
import { nullable, Type, type Shaped } from "../../api/shape.ts";
import { command, type Outcome, type Use } from "../../options/command.ts";
import { adminOptions, namespaceAsked, tooManyDeployments, withoutGateway } from "../admin.ts";
import { isValue, outputOption, printValue } from "../output.ts";
import { askList } from "../replicas/ask-list.ts";
import { rolloutLines } from "./rollout-lines.ts";

const text = `Shows how far each rollout and bandit has come: its steps, what was counted of the canary and of main, its gates, and what it would take to go on.
DEPLOYMENT is NAMESPACE/NAME or NAME. Only the replica that leads knows what was counted; ask all of them.
Exits 0 when every gateway answered, 1 when one does not answer, a rollout was aborted or DEPLOYMENT has neither, 2 on wrong use.
`;

const options = { ...adminOptions, ...outputOption };

export const rollout = command({
  forms: ["[DEPLOYMENT] --url ADMIN [-n NAMESPACE] [-o FORM]"],
  text,
  options,
  words: [],
  run,
});

const pageShape = Type.Object({ items: Type.Array(rolloutShape), continue: nullable(Type.String()) });

async function run({ values, positionals }: Use<typeof options>): Promise<Outcome> {
  const { url, adminToken, output, objectNamespace } = values;
  if (url === null) return withoutGateway;
  if (positionals.length > 1) return tooManyDeployments;
  const deployment = positionals[0] ?? null;
  const namespace = namespaceAsked(objectNamespace, deployment);
  const query = {
    limit: String(maxItems),
    ...(deployment === null ? {} : { deployment }),
    ...(namespace === null ? {} : { namespace }),
  };
  const path = (more: string | null): string =>
    `${rolloutsPath}?${new URLSearchParams({ ...query, ...(more === null ? {} : { continue: more }) }).toString()}`;
  const answers = await Promise.all(
    url.map(async (replica) => ({
      answer: await askList(
        replica,
        (more) => ({ method: "GET", path: path(more), body: null, accept: "application/json", adminToken }),
        pageShape,
      ),
    })),
  );
  const away = answers.flatMap(({ answer }) => (answer.kind === "failed" ? [answer.sentence] : []));
  const lists = answers.flatMap(({ answer }) =>
    answer.kind === "failed" ? [] : [(answer.value as Shaped<typeof pageShape>).items],
  );
  if (lists.length === 0) return { kind: "failed", sentence: away[0]! };
  const rollouts = joined(lists.flat());
  const isMissing = deployment !== null && rollouts.length === 0;
  const code = isMissing || away.length > 0 || rollouts.some(({ state }) => state === "aborted") ? 1 : 0;
  if (isValue(output))
    return { kind: "done", text: printValue({ items: rollouts, away }, output), form: "plain", code };
  const lines = [
    ...away,
    ...(rollouts.length === 0
      ? [
          `No ${deployment === null ? "SeldonDeployment" : "SeldonDeployment of this name"} asks for a rollout or a bandit.`,
        ]
      : rollouts.flatMap((one, at) => [...(at === 0 ? [] : [""]), ...rolloutLines(one)])),
  ];
  return { kind: "done", text: `${lines.join("\n")}\n`, form: "people", code };
}

/** Each once, by the replica that decides where one does. */
function joined(all: readonly Rollout[]): readonly Rollout[] {
  const found = new Map<string, Rollout>();
  for (const one of all) {
    const key = `${one.namespace}/${one.name}`;
    if (one.decides || !found.has(key)) found.set(key, one);
  }
  return [...found.values()];
}
