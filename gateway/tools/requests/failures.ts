// `sluice failures`: the last requests that failed, of all replicas.
import { endpoints } from "../../admin/endpoints.ts";
import { failureListShape, type FailureList } from "../../api/failures.ts";
import { command, type Outcome, type Use } from "../../options/command.ts";
import { integer } from "../../options/option.ts";
import { adminOptions, namespaceAsked, tooManyDeployments, withoutGateway } from "../admin.ts";
import { isValue, outputOption, printValue } from "../output.ts";
import { askFor } from "../replicas/ask.ts";
import { flagOption, wrongFlag } from "./request-options.ts";
import { causeTable, requestTable } from "./request-lines.ts";

const text = `Counts the requests that failed by their cause, the most frequent first: failure flag, deployment, predictor, Endpoint and sentence. Then it prints the
last of them, the newest first. A gateway keeps the last 1000 failures. DEPLOYMENT is NAMESPACE/NAME or NAME. -o json and -o yaml have the requests alone.
Exits 0 when every gateway answered, 1 when one does not answer, 2 on wrong use.
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
  const wrong = wrongFlag(flag);
  if (wrong !== null) return { kind: "wrong", sentence: wrong };
  const deployment = positionals[0] ?? null;
  const namespace = namespaceAsked(objectNamespace, deployment);
  const query = new URLSearchParams({
    limit: String(isValue(output) ? limit : maxFailures),
    ...(deployment === null ? {} : { deployment }),
    ...(namespace === null ? {} : { namespace }),
    ...(flag === null ? {} : { flag }),
  });
  const question = {
    method: "GET",
    path: `${endpoints.failures.path}?${query.toString()}`,
    body: null,
    accept: "application/json",
    adminToken,
  } as const;
  const answers = await Promise.all(
    url.map(async (replica) => ({ answer: await askFor(replica, question, failureListShape) })),
  );
  const away = answers.flatMap(({ answer }) => (answer.kind === "failed" ? [answer.sentence] : []));
  const lists = answers.flatMap(({ answer }) => (answer.kind === "failed" ? [] : [answer.value as FailureList]));
  if (lists.length === 0) return { kind: "failed", sentence: away[0]! };
  const items = lists.flatMap((one) => one.items).sort((a, b) => b.atMs - a.atMs);
  const leftOut = lists.reduce((sum, one) => sum + one.leftOut, 0);
  const code = away.length === 0 ? 0 : 1;
  if (isValue(output))
    return {
      kind: "done",
      text: printValue({ items: items.slice(0, limit), leftOut, away }, output),
      form: "plain",
      code,
    };
  const lines = [
    ...away,
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
  return { kind: "done", text: `${lines.join("\n")}\n`, form: "people", code };
}
