// `sluice logs`: requests as they end, of all replicas.
import { visibleLines } from "../../../routing/text/visible.ts";
import { endpoints } from "../../admin/endpoints.ts";
import { loggedShape } from "../../api/failures.ts";
import { command, type Outcome, type Use } from "../../options/command.ts";
import { adminOptions, namespaceAsked, tooManyDeployments, withoutGateway } from "../admin.ts";
import { follow } from "../replicas/follow.ts";
import { print } from "../terminal/print.ts";
import { flagOption, wrongFlag } from "./request-options.ts";
import { requestLine } from "./request-lines.ts";

const text = `Prints each request as it ends, until you stop it: time, status, failure flag, deployment, predictor, Endpoint, milliseconds, request id, the failure and the
path. A data worker shows at most 200 requests and 200 failures in a second. DEPLOYMENT is NAMESPACE/NAME or NAME.
Exits 1 when a gateway does not answer or ends the stream, 2 on wrong use.
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
  const wrong = wrongFlag(flag);
  if (wrong !== null) return { kind: "wrong", sentence: wrong };
  const deployment = positionals[0] ?? null;
  const namespace = namespaceAsked(objectNamespace, deployment);
  const written = Object.entries({ deployment, namespace, flag }).flatMap(([name, value]) =>
    value === null ? [] : [[name, value]],
  );
  const path = `${endpoints.logs.path}?${new URLSearchParams(written).toString()}`;
  const sentences = await Promise.all(
    url.map(async (replica) => {
      const printLine = (line: string): void =>
        print(visibleLines(`${url.length > 1 ? `${replica.name}: ` : ""}${line}\n`));
      const sentence = await follow(replica, {
        path,
        adminToken,
        event: "request",
        shape: loggedShape,
        opened: async () => true,
        take: (entry) => printLine(requestLine(entry)),
        dropped: (count) => printLine(`(${count} requests came faster than they were read, and are not printed)`),
      });
      if (url.length > 1) printLine(`(${sentence})`);
      return sentence;
    }),
  );
  return { kind: "failed", sentence: sentences[0]! };
}
