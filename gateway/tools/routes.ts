// `sluice routes`: the routing table of manifests, or of a running gateway, in the order tried.
import { printTable, tableJson } from "../../routing/print.ts";
import { routesNamed } from "../explain/route-blocks.ts";
import { printRouteList } from "../explain/route-list.ts";
import { nobodyNamed } from "../explain/who.ts";
import { askAdmin, tokenOption, urlOption } from "./admin.ts";
import { runTool, valueOf, type ToolOutcome, type ToolUse } from "./command.ts";
import { isNothingRead, nothingText } from "./read-words.ts";
import { hasOneOrigin, jsonOption, manifestOptions, readSettings, serveManifests, wideOption } from "./manifests.ts";

const usage = `Use: sluice routes DIR|FILE… [--deployment NAME] [options]
     sluice routes --cluster [--deployment NAME] [options]
     sluice routes --url ADMIN [--deployment NAME] [--wide | --json]

Prints a block for each deployment: how clients call it, the served and the declared share of each predictor, its shadows, the headers that lead
elsewhere, and the object that declares each of these. --wide prints the Routes in the order tried. When it reads manifests, it counts an Upstream as
ready unless the manifests say otherwise.
Exits 0 when it printed something; 1 when no deployment has this name, nothing could be read or the gateway does not answer; 2 on wrong use.
`;

const deploymentOption = {
  name: "deployment",
  kind: "text",
  placeholder: "[NS/]NAME",
  help: "print this deployment only",
} as const;

export function routes(argv: readonly string[]): Promise<number> {
  return runTool(
    {
      name: "routes",
      usage,
      options: [deploymentOption, urlOption, tokenOption, wideOption, jsonOption, ...manifestOptions],
      run,
    },
    argv,
  );
}

async function run(use: ToolUse): Promise<ToolOutcome> {
  const url = valueOf(use, "url");
  const json = use.options.has("json");
  const wide = use.options.has("wide");
  const named = valueOf(use, "deployment");
  const form = json || wide ? "plain" : "people";
  if (!hasOneOrigin(use, use.positionals)) {
    return {
      kind: "wrong",
      sentence:
        "it takes manifests, a cluster or a gateway: write sluice routes DIR, sluice routes --cluster, or sluice routes --url http://127.0.0.1:8877",
    };
  }
  if (url !== null) {
    const query = new URLSearchParams({
      ...(wide ? { wide: "true" } : {}),
      ...(named === null ? {} : { deployment: named }),
    }).toString();
    const answer = await askAdmin({
      url,
      token: valueOf(use, "admin-token"),
      path: `/api/routes${query === "" ? "" : `?${query}`}`,
      json,
    });
    return answer.kind === "failed"
      ? answer
      : { kind: "done", text: answer.text.endsWith("\n") ? answer.text : `${answer.text}\n`, form, code: 0 };
  }
  const read = await readSettings(use.options);
  if (read.kind !== "settings") return read;
  const served = await serveManifests(use.positionals, read.settings, valueOf(use, "object-namespace"));
  if (typeof served === "string") return { kind: "failed", sentence: served };
  const { translation, originOf } = served;
  const table = routesNamed(served.table, named);
  const isEmpty = table.routesInOrder().length === 0;
  if (isEmpty && named !== null) return { kind: "failed", sentence: nobodyNamed(named) };
  const said = json
    ? `${JSON.stringify(tableJson(table), null, 2)}\n`
    : wide
      ? printTable(table)
      : printRouteList(table, translation.upstreams, originOf);
  return {
    kind: "done",
    text: isEmpty && !json ? nothingText(served) : said,
    form,
    code: isNothingRead(served) ? 1 : 0,
  };
}
