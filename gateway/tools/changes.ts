// `sluice changes`: what changed in a running gateway, and what became of it.
import { visibleLines } from "../../routing/text/visible.ts";
import { endpoints } from "../admin/endpoints.ts";
import { changeLine, changeShape } from "../api/changes.ts";
import { command, type Outcome, type Use } from "../options/command.ts";
import { flag } from "../options/option.ts";
import { adminOptions, ask, namespaceAsked } from "./admin.ts";
import { isValue, outputOption } from "./output.ts";
import { askText } from "./replicas/ask.ts";
import { follow } from "./replicas/follow.ts";
import { print } from "./terminal/print.ts";
import type { Replica } from "./replicas/replica.ts";

const text = `Prints the last 1,000 changes of a running gateway, the oldest first: the object, the field, from what to what, on how many data workers it is live and after how
long; what Sluice did not take, and why; Problems that ended. Name a deployment (NAME or NAMESPACE/NAME) to print only its changes.
Exits 0 when it printed them, 1 when the gateway does not answer or ends a stream, 2 on wrong use.
`;

const options = {
  ...adminOptions,
  follow: flag("also print changes as they happen, until you stop it"),
  ...outputOption,
};

export const changes = command({
  forms: ["[DEPLOYMENT] --url ADMIN [-n NAMESPACE] [--follow] [-o FORM]"],
  text,
  options,
  words: [],
  run,
});

async function run({ values, positionals }: Use<typeof options>): Promise<Outcome> {
  const { url, output, adminToken } = values;
  if (isValue(output) && values.follow) return { kind: "wrong", sentence: "--follow prints text: leave -o out" };
  if (url === null || positionals.length > 1)
    return {
      kind: "wrong",
      sentence:
        "it takes a gateway, and one deployment or none: write sluice changes [DEPLOYMENT] --url http://127.0.0.1:8877",
    };
  const deployment = positionals[0] ?? null;
  const namespace = namespaceAsked(values.objectNamespace, deployment);
  if (!values.follow) return ask("changes", { deployment }, { ...values, url, objectNamespace: namespace });
  const parameters = { deployment, namespace };
  const sentences = await Promise.all(
    url.map(async (replica) => {
      const printLine = (line: string): void =>
        print(visibleLines(`${url.length > 1 ? `${replica.name}: ` : ""}${line}\n`));
      const sentence = await followChanges(replica, parameters, adminToken, printLine);
      if (url.length > 1) printLine(`(${sentence})`);
      return sentence;
    }),
  );
  return { kind: "failed", sentence: sentences[0]! };
}

/** Prints the list, then changes as they happen. Gives why that has ended. */
async function followChanges(
  replica: Replica,
  parameters: Readonly<Record<string, string | number | null>>,
  adminToken: string | null,
  printLine: (line: string) => void,
): Promise<string> {
  const written = Object.entries(parameters).flatMap(([name, value]) =>
    value === null ? [] : [[name, String(value)]],
  );
  const path = `${endpoints.changes.path}?${new URLSearchParams(written).toString()}`;
  /** Those of the list may come by the stream too. */
  let listed = new Set<string>();
  let failure: string | null = null;
  const sentence = await follow(replica, {
    path,
    adminToken,
    event: "change",
    shape: changeShape,
    // Nothing is lost between the list and the stream: this is open already.
    async opened() {
      const answer = await askText(replica, { method: "GET", path, body: null, accept: "text/plain", adminToken });
      if (answer.kind === "failed") {
        failure = answer.sentence;
        return false;
      }
      const lines = answer.value.split("\n").filter((line) => line !== "");
      for (const line of lines) printLine(line);
      listed = new Set(lines);
      return true;
    },
    take(change) {
      const line = changeLine(change);
      if (!listed.delete(line)) printLine(line);
    },
    dropped: (count) => printLine(`(${count} changes came faster than they were read, and are not printed)`),
  });
  return failure ?? sentence;
}
