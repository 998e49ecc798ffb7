// `sluice status`: is the gateway well, and if not, what is wrong first?
import { setTimeout as wait } from "node:timers/promises";
import { endpoints } from "../../admin/endpoints.ts";
import { statusShape, type Status } from "../../api/status.ts";
import { command, type Outcome, type Use } from "../../options/command.ts";
import { gatewayOptions, optionsAlone, withoutGateway } from "../admin.ts";
import { isValue, outputOption, printValue, textFormOf } from "../output.ts";
import { askFor } from "../replicas/ask.ts";
import type { Replica } from "../replicas/replica.ts";
import { joined, tablesDiffer, type ReplicaStatus } from "./joined.ts";
import { printStatus } from "./printed.ts";

const text = `Says whether a gateway is well, and if not, what is wrong first: readiness, data workers, the source, failing predictors, Redis, certificates, circuit
breakers, Problems and ejected Endpoints. Name the admin ports of all replicas to have their answers joined; a column shows each that differs.
Exits 0 when all is well, 1 when something is wrong or no gateway answers, 2 on wrong use.
`;

const options = {
  ...gatewayOptions,
  ...outputOption,
};

export const status = command({
  forms: ["--url ADMIN … [-o FORM]"],
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
  let answers = await ask(url, adminToken);
  const there = (): readonly Status[] => answers.flatMap(({ status: one }) => (one === null ? [] : [one]));
  if (tablesDiffer(there())) {
    await wait(againMs);
    answers = await ask(url, adminToken);
  }
  const [first] = answers;
  if (there().length === 0 && !isValue(output) && first !== undefined && answers.length === 1)
    return { kind: "failed", sentence: first.sentence ?? "" };
  const all = joined(answers);
  const printed = isValue(output) ? printValue(all, output) : printStatus(all);
  return { kind: "done", text: printed, form: textFormOf(output), code: all.isWell ? 0 : 1 };
}

async function ask(replicas: readonly Replica[], adminToken: string | null): Promise<readonly ReplicaStatus[]> {
  const { path } = endpoints.status;
  return Promise.all(
    replicas.map(async (replica): Promise<ReplicaStatus> => {
      const question = { method: "GET", path, body: null, accept: "application/json", adminToken } as const;
      const answer = await askFor(replica, question, statusShape);
      return answer.kind === "answer"
        ? { name: replica.name, status: answer.value, sentence: null }
        : { name: replica.name, status: null, sentence: answer.sentence };
    }),
  );
}
