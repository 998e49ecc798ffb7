// `sluice failures`: the last requests that failed, of all replicas.
import { endpoints } from "../../admin/endpoints.ts";
import { failureListShape, type FailureList } from "../../api/failures.ts";
import { command, type Outcome, type Use } from "../../options/command.ts";
import { integer } from "../../options/option.ts";
import { adminOptions } from "../admin.ts";
import { isValue, outputOption, printValue } from "../output.ts";
import { askFor } from "../replicas/ask.ts";
import { flagOption, wrongFlag } from "./request-options.ts";
import { requestTable } from "./request-lines.ts";

const text = `Prints the last requests that failed, the newest first: time, status, failure flag, deployment, predictor, Endpoint, milliseconds, request id and the
failure. A gateway keeps the last 1000 failures. DEPLOYMENT is NAMESPACE/NAME or NAME.
Exits 0 when every gateway answered, 1 when one does not answer, 2 on wrong use.
`;

const options = {
  ...adminOptions,
  ...flagOption,
  limit: integer({ byDefault: 50, min: 1, max: 1000 }, "number of failures to print"),
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
  if (url === null || positionals.length > 1)
    return {
      kind: "wrong",
      sentence: "it takes a gateway: write --url with its admin port, for example http://127.0.0.1:8877",
    };
  const wrong = wrongFlag(flag);
  if (wrong !== null) return { kind: "wrong", sentence: wrong };
  const [deployment] = positionals;
  const query = new URLSearchParams({
    limit: String(limit),
    ...(deployment === undefined ? {} : { deployment }),
    ...(objectNamespace === null ? {} : { namespace: objectNamespace }),
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
    url.map(async (replica) => ({ replica, answer: await askFor(replica, question, failureListShape) })),
  );
  const away = answers.flatMap(({ replica, answer }) =>
    answer.kind === "failed" ? [`${replica.name}: ${answer.sentence}`] : [],
  );
  const lists = answers.flatMap(({ answer }) => (answer.kind === "failed" ? [] : [answer.value as FailureList]));
  if (lists.length === 0) return { kind: "failed", sentence: away[0]! };
  const items = lists
    .flatMap((one) => one.items)
    .sort((a, b) => b.atMs - a.atMs)
    .slice(0, limit);
  const leftOut = lists.reduce((sum, one) => sum + one.leftOut, 0);
  const code = away.length === 0 ? 0 : 1;
  if (isValue(output)) return { kind: "done", text: printValue({ items, leftOut, away }, output), form: "plain", code };
  const lines = [
    ...away,
    ...(items.length === 0
      ? [`No failure is kept${deployment === undefined && flag === null ? "" : " that fits"}.`]
      : requestTable(items)),
    ...(leftOut === 0 ? [] : [`${leftOut} more failures are not kept: too many came in a second.`]),
  ];
  return { kind: "done", text: `${lines.join("\n")}\n`, form: "people", code };
}
