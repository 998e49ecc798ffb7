// `sluice watch DEPLOYMENT`: its split as it moves.
import type { Deployment } from "../../api/deployments.ts";
import { isNamed, nobodyNamed } from "../../explain/who.ts";
import { command, type Outcome, type Use } from "../../options/command.ts";
import { adminOptions, namespaceAsked } from "../admin.ts";
import { askDeployments, type Asked } from "./ask-deployments.ts";
import { severalNamed } from "../named-deployment.ts";
import { picture, processScreen, type Screen } from "./screen.ts";
import { drawWatch, splitLine } from "./watch-drawn.ts";

const text = `Shows the split of a deployment as it moves: the declared share of each predictor, the served share after readiness, and the measured share of the
last minute. On a terminal it draws anew every second until Ctrl-C; in a pipe it prints a line whenever the split is another. Name NAMESPACE/NAME, or NAME
where one namespace has it.
Exits 0 when the user ends it, 1 when the gateway does not answer, no deployment has this name or a replica is away at its end, 2 on wrong use.
`;

const options = { ...adminOptions };

const lookMs = 1000;

export const watch = command({ forms: ["DEPLOYMENT --url ADMIN"], text, options, words: [], run });

async function run({ values, positionals }: Use<typeof options>): Promise<Outcome> {
  const { url, adminToken, objectNamespace } = values;
  const [named, ...more] = positionals;
  if (url === null || named === undefined || more.length > 0)
    return {
      kind: "wrong",
      sentence: "it takes a deployment and a gateway: write sluice watch NAMESPACE/NAME --url http://127.0.0.1:8877",
    };
  const query = { deployment: named, namespace: namespaceAsked(objectNamespace, named) };
  return watchSplit(() => askDeployments({ url, adminToken }, query), named, processScreen());
}

/** Until the user ends it. A deployment that goes, and replicas that go, are said and waited for. */
export async function watchSplit(ask: () => Promise<Asked>, named: string, screen: Screen): Promise<Outcome> {
  let last: Deployment | null = null;
  let printed = "";
  let isWhole = true;
  try {
    do {
      const asked = await ask();
      const found: readonly Deployment[] =
        asked.kind === "asked" ? asked.deployments.filter((one) => isNamed(one, named)) : [];
      if (found.length > 1) return severalNamed(named, found);
      if (last === null && found[0] === undefined)
        return asked.kind === "failed" ? asked : { kind: "failed", sentence: nobodyNamed(named) };
      const notes = asked.kind === "failed" ? [asked.sentence] : found.length === 0 ? ["it is gone"] : asked.notes;
      isWhole = notes.length === 0;
      const shown: Deployment = found[0] ?? last!;
      last = shown;
      const line = notes.length === 0 ? splitLine(shown) : `${splitLine(shown)} (${notes[0]!})`;
      if (screen.isLive) screen.write(picture(drawWatch(shown, notes, screen.size())));
      else if (line !== printed) screen.write(`${line}\n`);
      printed = line;
    } while (await screen.pause(lookMs));
    return { kind: "ended", code: isWhole ? 0 : 1 };
  } finally {
    screen.close();
  }
}
