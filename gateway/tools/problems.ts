// `sluice problems`: the Problems of a running gateway.
import { compareProblems, printProblem, type Problem } from "../../routing/text/problem.ts";
import { command, type Outcome, type Use } from "../options/command.ts";
import { adminOptions, askJoined, listed, optionsAlone, withoutGateway } from "./admin.ts";
import { outputOption } from "./output.ts";

const text = `Prints every Problem that a running gateway reports, sorted: those of all replicas, each once.
Exits 0 when it printed them, 1 when the gateway or one of its replicas does not answer, 2 on wrong use.
`;

const options = { ...adminOptions, ...outputOption };

export const problems = command({
  forms: ["--url ADMIN [-n NAMESPACE] [-o FORM]"],
  text,
  options,
  words: [],
  run,
});

async function run({ values, positionals }: Use<typeof options>): Promise<Outcome> {
  const { url, output, objectNamespace, adminToken } = values;
  if (url === null) return withoutGateway;
  if (positionals.length > 0) return optionsAlone;
  const answer = await askJoined<Problem>("problems", { namespace: objectNamespace }, { url, adminToken });
  if (answer.kind === "failed") return answer;
  const { items, away } = answer.value;
  const lines = items.length === 0 ? ["No problems."] : items.toSorted(compareProblems).map(printProblem);
  return listed(answer.value, away, lines, output);
}
