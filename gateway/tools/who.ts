// `sluice who`: who may call which deployment, by manifests or by a running gateway.
import { declaredHosts } from "../explain/host-words.ts";
import { nobodyNamed, printWho, whoOf } from "../explain/who.ts";
import { askAdmin, tokenOption, urlOption } from "./admin.ts";
import { runTool, valueOf, type ToolOutcome, type ToolUse } from "./command.ts";
import { isNothingRead, nothingText } from "./read-words.ts";
import { hasOneOrigin, jsonOption, manifestOptions, readSettings, serveManifests } from "./manifests.ts";

const usage = `Use: sluice who DIR|FILE… [--deployment NAME] [--policy FILE] [options]
     sluice who --cluster [--deployment NAME] [--policy FILE] [options]
     sluice who [DEPLOYMENT] --url ADMIN [--json]

Prints for each deployment, or for the one that is named (NAME or NAMESPACE/NAME), who may call it, how often and from where, and which object or part of the policy says so. Of a host whose cleartext
is redirected or refused it says that below.
Exits 0 when there is something to print, 1 when nothing of the name is there, nothing could be read or the gateway does not answer, 2 on wrong use.
`;

const deploymentOption = { name: "deployment", kind: "text", placeholder: "[NS/]NAME", help: "this one only" } as const;

export function who(argv: readonly string[]): Promise<number> {
  return runTool(
    { name: "who", usage, options: [deploymentOption, urlOption, tokenOption, jsonOption, ...manifestOptions], run },
    argv,
  );
}

async function run(use: ToolUse): Promise<ToolOutcome> {
  const url = valueOf(use, "url");
  const json = use.options.has("json");
  const form = json ? "plain" : "people";
  if (url !== null) {
    if (use.positionals.length > 1 || use.options.has("cluster"))
      return {
        kind: "wrong",
        sentence:
          "a running gateway is asked for one deployment, or for all: write sluice who [DEPLOYMENT] --url ADMIN",
      };
    const named = valueOf(use, "deployment") ?? use.positionals[0];
    const answer = await askAdmin({
      url,
      token: valueOf(use, "admin-token"),
      path: `/api/who${named === undefined ? "" : `?${new URLSearchParams({ deployment: named }).toString()}`}`,
      json,
    });
    return answer.kind === "failed"
      ? answer
      : { kind: "done", text: answer.text.endsWith("\n") ? answer.text : `${answer.text}\n`, form, code: 0 };
  }
  if (!hasOneOrigin(use, use.positionals))
    return {
      kind: "wrong",
      sentence:
        "it takes manifests, a cluster or a gateway: write sluice who DIR, sluice who --cluster, or sluice who --url http://127.0.0.1:8877",
    };
  const read = await readSettings(use.options);
  if (read.kind !== "settings") return read;
  const served = await serveManifests(use.positionals, read.settings, valueOf(use, "object-namespace"));
  if (typeof served === "string") return { kind: "failed", sentence: served };
  const named = valueOf(use, "deployment");
  const told = whoOf(
    served.table,
    {
      policy: served.policy,
      trustedHops: read.settings.trustedHops,
      unread: served.unread,
      problems: served.problems,
      hosts: declaredHosts(served.translation.hosts),
    },
    named,
  );
  if (named !== null && told.who.length === 0) return { kind: "failed", sentence: nobodyNamed(named) };
  const text = json
    ? `${JSON.stringify(told, null, 2)}\n`
    : told.who.length === 0
      ? nothingText(served)
      : printWho(told);
  return { kind: "done", text, form, code: isNothingRead(served) ? 1 : 0 };
}
