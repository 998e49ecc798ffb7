// `sluice failures`: the last requests that failed.
import type { FailureList } from "../../api/failures.ts";
import type { AccessEntry } from "../../shared/access-fields.ts";
import { command, type Outcome, type Use } from "../../options/command.ts";
import { integer } from "../../options/option.ts";
import { adminOptions, askJoined, listed, namespaceAsked, tooManyDeployments, withoutGateway } from "../admin.ts";
import { misspelt } from "../named-deployment.ts";
import { outputOption } from "../output.ts";
import { flagOption, wrongFlag } from "./request-options.ts";
import { causeTable, requestTable } from "./request-lines.ts";

const text = `Counts the requests that failed by their cause, the most frequent first: failure flag, deployment, predictor, Endpoint and sentence. Then it prints the
last of them, the newest first. A replica keeps its last 1000 failures. DEPLOYMENT is NAMESPACE/NAME or NAME. -o json and -o yaml have the requests alone.
Exits 0 when all replicas answered, 1 when one does not answer or no deployment has this name, 2 on wrong use.
`;

/** As many as a gateway keeps. */
const maxFailures = 1000;
const maxCauses = 20;

const options = {
  ...adminOptions,
  ...flagOption,
  limit: integer({ byDefault: 10, min: 1, max: maxFailures }, "number of requests to print"),
  ...outputOption,
};

export const failures = command({
  forms: ["[DEPLOYMENT] --url ADMIN [-n NAMESPACE] [--flag FLAG] [--limit N] [-o FORM]"],
  text,
  options,
  words: [],
  run,
});

async function run({ values, positionals }: Use<typeof options>): Promise<Outcome> {
  const { url, adminToken, flag, limit, output, objectNamespace } = values;
  if (url === null) return withoutGateway;
  if (positionals.length > 1) return tooManyDeployments;
  const badFlag = wrongFlag(flag);
  if (badFlag !== null) return { kind: "wrong", sentence: badFlag };
  const deployment = positionals[0] ?? null;
  const namespace = namespaceAsked(objectNamespace, deployment);
  const answer = await askJoined<AccessEntry, FailureList>(
    "failures",
    { deployment, namespace, flag },
    { url, adminToken },
  );
  if (answer.kind === "failed") return answer;
  const { items, leftOut, away } = answer.value;
  const wrong = items.length === 0 ? await misspelt({ url, adminToken }, deployment, objectNamespace) : null;
  if (wrong !== null) return wrong;
  const lines = [
    ...(items.length === 0
      ? [`No failure is kept${deployment === null && flag === null ? "" : " that fits"}.`]
      : [
          ...causeTable(items, maxCauses),
          "",
          items.length > limit ? `The last ${limit} of ${items.length}:` : `All ${items.length}:`,
          ...requestTable(items.slice(0, limit)),
        ]),
    ...(leftOut === 0 ? [] : [`The gateway did not keep ${leftOut} more failures: too many came in one second.`]),
  ];
  return listed({ items: items.slice(0, limit), leftOut, away }, away, lines, output);
}
