// `sluice changes`: what changed in a running gateway, and what became of it.
import { visibleLines } from "../../routing/text/visible.ts";
import { endpoints } from "../admin/endpoints.ts";
import { changeLine, changeShape, type Change } from "../api/changes.ts";
import { command, type Outcome, type Use } from "../options/command.ts";
import { flag } from "../options/option.ts";
import { adminOptions, askJoined, listed, namespaceAsked, pathOf, type Asking } from "./admin.ts";
import { askText } from "./gateway/ask.ts";
import { follow } from "./gateway/follow.ts";
import { misspelt } from "./named-deployment.ts";
import { isValue, outputOption } from "./output.ts";
import { print } from "./terminal/print.ts";

const text = `Prints the last 1,000 changes of each replica of a running gateway, the oldest first: the object, the field, from what to what, on how many data workers it is live and after how
long; what Sluice did not take, and why; Problems that ended. Name a deployment (NAME or NAMESPACE/NAME) to print only its changes.
Exits 0 when it printed them, 1 when no deployment has this name, the gateway or a replica does not answer, or it ends a stream; 2 on wrong use.
`;

const options = {
  ...adminOptions,
  follow: flag("also print changes as they happen, of the replica that answers alone, until you stop it"),
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
  const { url, output, adminToken, objectNamespace } = values;
  if (isValue(output) && values.follow) return { kind: "wrong", sentence: "--follow prints text: leave -o out" };
  if (url === null || positionals.length > 1)
    return {
      kind: "wrong",
      sentence:
        "it takes a gateway, and one deployment or none: write sluice changes [DEPLOYMENT] --url http://127.0.0.1:8877",
    };
  const asking: Asking = { url, adminToken };
  const deployment = positionals[0] ?? null;
  const query = { deployment, namespace: namespaceAsked(objectNamespace, deployment) };
  if (values.follow) return followChanges(asking, query);
  const answer = await askJoined<Change>("changes", query, asking);
  if (answer.kind === "failed") return answer;
  const { items, away } = answer.value;
  const wrong = items.length === 0 ? await misspelt(asking, deployment, objectNamespace) : null;
  if (wrong !== null) return wrong;
  const lines = items.length === 0 ? ["No changes."] : items.map(replicaLine);
  return listed(answer.value, away, lines, output);
}

/** Whose change it is stands before it where several replicas are joined. */
function replicaLine(change: Change): string {
  return change.replica === undefined ? changeLine(change) : `${change.replica}: ${changeLine(change)}`;
}

/** Prints the list, then changes as they happen. */
async function followChanges(
  { url, adminToken }: Asking,
  query: Readonly<Record<string, string | null>>,
): Promise<Outcome> {
  const path = pathOf(endpoints.changes.path, query);
  const printLine = (line: string): void => print(visibleLines(`${line}\n`));
  /** Those of the list may come by the stream too. */
  let listed = new Set<string>();
  let failure: string | null = null;
  const sentence = await follow(url, {
    path,
    adminToken,
    event: "change",
    shape: changeShape,
    // Nothing is lost between the list and the stream: this is open already.
    async opened() {
      const answer = await askText(url, { method: "GET", path, body: null, accept: "text/plain", adminToken });
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
    note: (said) => printLine(`(${said})`),
    dropped: (count) => printLine(`(${count} changes came faster than they were read, and are not printed)`),
  });
  return { kind: "failed", sentence: failure ?? sentence };
}
