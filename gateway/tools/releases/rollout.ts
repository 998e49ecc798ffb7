// `sluice rollout [DEPLOYMENT]`: how far releases have come, as the leader of all replicas sees it.
import type { DeploymentFeedback } from "../../api/feedback.ts";
import type { Rollout } from "../../api/rollouts.ts";
import { command, type Outcome, type Use } from "../../options/command.ts";
import { adminOptions, askJoined, listed, namespaceAsked, tooManyDeployments, withoutGateway } from "../admin.ts";
import { misspelt } from "../named-deployment.ts";
import { outputOption } from "../output.ts";
import { feedbackLines, learnsFromFeedback, rolloutLines } from "./rollout-lines.ts";

const text = `Shows how far each rollout and bandit has come: its steps, what was counted of the canary and of main, its gates, and what it would take to go on.
DEPLOYMENT is NAMESPACE/NAME or NAME. What was counted is known where the replica that leads answers.
Exits 0 when all replicas answered, 1 when one does not answer, a rollout was aborted, or DEPLOYMENT has neither or is not there; 2 on wrong use.
`;

const options = { ...adminOptions, ...outputOption };

export const rollout = command({
  forms: ["[DEPLOYMENT] --url ADMIN [-n NAMESPACE] [-o FORM]"],
  text,
  options,
  words: [],
  run,
});

async function run({ values, positionals }: Use<typeof options>): Promise<Outcome> {
  const { url, adminToken, output, objectNamespace } = values;
  if (url === null) return withoutGateway;
  if (positionals.length > 1) return tooManyDeployments;
  const deployment = positionals[0] ?? null;
  const namespace = namespaceAsked(objectNamespace, deployment);
  const answer = await askJoined<Rollout>("rollouts", { deployment, namespace }, { url, adminToken });
  if (answer.kind === "failed") return answer;
  const { items: rollouts, away } = answer.value;
  const learning = rollouts.some(learnsFromFeedback)
    ? await askJoined<DeploymentFeedback>("feedback", { deployment, namespace }, { url, adminToken })
    : null;
  const feedback = learning?.kind === "answer" ? learning.value.items : [];
  const wrong = rollouts.length === 0 ? await misspelt({ url, adminToken }, deployment, objectNamespace) : null;
  if (wrong !== null) return wrong;
  const isMissing = deployment !== null && rollouts.length === 0;
  const code = isMissing || away.length > 0 || rollouts.some(({ state }) => state === "aborted") ? 1 : 0;
  const lines =
    rollouts.length === 0
      ? [
          `No ${deployment === null ? "SeldonDeployment" : "SeldonDeployment of this name"} asks for a rollout or a bandit.`,
        ]
      : rollouts.flatMap((one, at) => [
          ...(at === 0 ? [] : [""]),
          ...rolloutLines(one),
          ...feedbackLines(one, feedback),
        ]);
  return listed({ items: rollouts, away }, away, lines, output, code);
}
