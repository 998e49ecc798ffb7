// `sluice routes`: the routing table of manifests, or of a running gateway, in the order tried.
import { printTable, tableJson } from "../../routing/print.ts";
import { routesNamed } from "../explain/route-blocks.ts";
import { printRouteList } from "../explain/route-list.ts";
import { nobodyNamed } from "../explain/who.ts";
import { command, type Outcome, type Use } from "../options/command.ts";
import { adminOptions, ask } from "./admin.ts";
import { isValue, printValue, textFormOf } from "./output.ts";
import { isNothingRead, nothingText } from "./read-words.ts";
import { deploymentOption, hasOneOrigin, manifestOptions, readServed, routesOutputOption } from "./manifests.ts";

const text = `Prints a block for each deployment: how clients call it, the served and the declared share of each predictor, its shadows, the headers that lead
elsewhere, and the object that declares each of these. -o wide prints the Routes in the order tried. When it reads manifests, it counts an Upstream as
ready unless the manifests say otherwise.
Exits 0 when it printed something; 1 when no deployment has this name, nothing could be read or the gateway does not answer; 2 on wrong use.
`;

const options = { ...deploymentOption, ...adminOptions, ...routesOutputOption, ...manifestOptions };

export const routes = command({
  forms: [
    "DIR|FILE… [--deployment NAME] [options]",
    "--cluster [--deployment NAME] [options]",
    "--url ADMIN [-n NAMESPACE] [--deployment NAME] [-o FORM]",
  ],
  text,
  options,
  words: "files",
  run,
});

async function run(use: Use<typeof options>): Promise<Outcome> {
  const { values, positionals } = use;
  const { url, output, deployment: named } = values;
  if (!hasOneOrigin(values, positionals)) {
    return {
      kind: "wrong",
      sentence:
        "it takes manifests, a cluster or a gateway: write sluice routes DIR, sluice routes --cluster, or sluice routes --url http://127.0.0.1:8877",
    };
  }
  if (url !== null) return ask("routes", { wide: output === "wide", deployment: named }, { ...values, url });
  const read = await readServed(use, positionals);
  if (read.kind !== "served") return read;
  const { served } = read;
  const { translation, originOf } = served;
  const table = routesNamed(served.table, named);
  const isEmpty = table.routesInOrder().length === 0;
  if (isEmpty && named !== null) return { kind: "failed", sentence: nobodyNamed(named) };
  const said = isValue(output)
    ? printValue({ items: tableJson(table).routes, continue: null }, output)
    : output === "wide"
      ? printTable(table)
      : printRouteList(table, translation.upstreams, originOf);
  return {
    kind: "done",
    text: isEmpty && !isValue(output) ? nothingText(served) : said,
    form: textFormOf(output),
    code: isNothingRead(served) ? 1 : 0,
  };
}
