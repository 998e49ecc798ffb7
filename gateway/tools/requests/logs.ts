// `sluice logs`: requests as they end.
import { visibleLines } from "../../../routing/text/visible.ts";
import { endpoints } from "../../admin/endpoints.ts";
import { loggedShape } from "../../api/failures.ts";
import { command, type Outcome, type Use } from "../../options/command.ts";
import { adminOptions, namespaceAsked, pathOf, tooManyDeployments, withoutGateway } from "../admin.ts";
import { follow } from "../gateway/follow.ts";
import { misspelt } from "../named-deployment.ts";
import { print } from "../terminal/print.ts";
import { flagOption, wrongFlag } from "./request-options.ts";
import { requestLine } from "./request-lines.ts";

const text = `Prints each request as it ends, until you stop it: time, status, failure flag, deployment, predictor, Endpoint, milliseconds, request id, the failure and the
path. A data worker shows at most 200 requests and 200 failures in a second. DEPLOYMENT is NAMESPACE/NAME or NAME.
They are those of the replica that answers: ask each, or read the logs of the pods, for those of others.
Exits 1 when no deployment has this name, or the gateway does not answer or ends the stream; 2 on wrong use.
`;

const options = { ...adminOptions, ...flagOption };

export const logs = command({
  forms: ["[DEPLOYMENT] --url ADMIN [-n NAMESPACE] [--flag FLAG]"],
  text,
  options,
  words: [],
  run,
});

async function run({ values, positionals }: Use<typeof options>): Promise<Outcome> {
  const { url, adminToken, flag, objectNamespace } = values;
  if (url === null) return withoutGateway;
  if (positionals.length > 1) return tooManyDeployments;
  const badFlag = wrongFlag(flag);
  if (badFlag !== null) return { kind: "wrong", sentence: badFlag };
  const deployment = positionals[0] ?? null;
  const namespace = namespaceAsked(objectNamespace, deployment);
  // Before the stream, which says nothing while nothing comes.
  const wrong = await misspelt({ url, adminToken }, deployment, objectNamespace);
  if (wrong !== null) return wrong;
  const printLine = (line: string): void => print(visibleLines(`${line}\n`));
  const sentence = await follow(url, {
    path: pathOf(endpoints.logs.path, { deployment, namespace, flag }),
    adminToken,
    event: "request",
    shape: loggedShape,
    opened: async () => true,
    take: (entry) => printLine(requestLine(entry)),
    note: (said) => printLine(`(${said})`),
    dropped: (count) => printLine(`(${count} requests came faster than they were read, and are not printed)`),
  });
  return { kind: "failed", sentence };
}
