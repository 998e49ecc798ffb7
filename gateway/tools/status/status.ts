// `sluice status`: is the gateway well, and if not, what is wrong first?
import { setTimeout as wait } from "node:timers/promises";
import { joinedStatusShape, statusPath, type JoinedStatus } from "../../api/status.ts";
import { command, type Outcome, type Use } from "../../options/command.ts";
import { gatewayOptions, optionsAlone, withoutGateway } from "../admin.ts";
import { isValue, outputOption, printValue, textFormOf } from "../output.ts";
import { askFor, type Answer } from "../gateway/ask.ts";
import { printStatus } from "./printed.ts";

const text = `Says whether a gateway is well, and if not, what is wrong first: readiness, data workers, the source, failing predictors, Redis, certificates, circuit
breakers, Problems and ejected Endpoints. A gateway that knows its other replicas (serve --peers) answers for all of them: each has a column.
Exits 0 when all is well, 1 when something is wrong or the gateway does not answer, 2 on wrong use.
`;

const options = {
  ...gatewayOptions,
  ...outputOption,
};

export const status = command({
  forms: ["--url ADMIN [-o FORM]"],
  text,
  options,
  words: [],
  run,
});

/** An answer is as old as this at most: replicas that seem to disagree are asked again after it. */
const againMs = 1200;

async function run({ values, positionals }: Use<typeof options>): Promise<Outcome> {
  const { url, adminToken, output } = values;
  if (url === null) return withoutGateway;
  if (positionals.length > 0) return optionsAlone;
  const question = { method: "GET", path: statusPath, body: null, accept: "application/json", adminToken } as const;
  const look = (): Promise<Answer<JoinedStatus>> => askFor(url, question, joinedStatusShape);
  let answer = await look();
  if (answer.kind === "answer" && answer.value.troubles.some(({ kind }) => kind === "tables-differ")) {
    await wait(againMs);
    answer = await look();
  }
  if (answer.kind === "failed") return answer;
  const { value } = answer;
  const printed = isValue(output) ? printValue(value, output) : printStatus(value);
  return { kind: "done", text: printed, form: textFormOf(output), code: value.isWell ? 0 : 1 };
}
