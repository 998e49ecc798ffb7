// `sluice top`: deployments by failures, rate or p99, live.
import { command, type Outcome, type Use } from "../../options/command.ts";
import { choice } from "../../options/option.ts";
import { adminOptions, optionsAlone, withoutGateway } from "../admin.ts";
import { askDeployments, type Asked } from "./ask-deployments.ts";
import { picture, processScreen, type Screen } from "./screen.ts";
import { drawTop, topOrders } from "./top-drawn.ts";

const text = `Prints the deployments with the most failures first: failures, requests a second and p99 of the last minute. On a terminal it draws anew every two
seconds until Ctrl-C; in a pipe it prints once. Requests of all replicas are added up; p99 is that of the slowest replica.
Exits 0 when it printed something, 1 when the gateway or a replica does not answer, 2 on wrong use.
`;

const options = { sort: choice(topOrders, "the most of these first"), ...adminOptions };

/** Between two pictures. */
export const redrawMs = 2000;

export const top = command({ forms: ["--url ADMIN [--sort failures|rate|p99]"], text, options, words: [], run });

async function run({ values, positionals }: Use<typeof options>): Promise<Outcome> {
  const { url, adminToken, sort, objectNamespace } = values;
  if (url === null) return withoutGateway;
  if (positionals.length > 0) return optionsAlone;
  return live(
    () => askDeployments({ url, adminToken }, { namespace: objectNamespace }),
    ({ deployments, notes }, size) => drawTop(deployments, sort, notes, size),
    processScreen(),
  );
}

type Answered = Extract<Asked, { kind: "asked" }>;

/** Asks and draws until the user ends it; in a pipe once. A replica that is away later is a line of the picture, and so are all of them. */
export async function live(
  ask: () => Promise<Asked>,
  draw: (answered: Answered, size: { readonly columns: number; readonly rows: number }) => readonly string[],
  screen: Screen,
): Promise<Outcome> {
  try {
    let last: Answered | null = null;
    do {
      const asked = await ask();
      if (asked.kind === "failed" && last === null) return asked;
      const shown: Answered = asked.kind === "asked" ? asked : { ...last!, notes: [asked.sentence] };
      if (!screen.isLive) {
        const lines = draw(shown, { columns: pipeColumns, rows: Infinity });
        return { kind: "done", text: `${lines.join("\n")}\n`, code: shown.notes.length === 0 ? 0 : 1, form: "plain" };
      }
      screen.write(picture(draw(shown, screen.size())));
      last = shown;
    } while (await screen.pause(redrawMs));
    return { kind: "ended", code: 0 };
  } finally {
    screen.close();
  }
}

/** Of lines in a pipe. */
const pipeColumns = 120;
