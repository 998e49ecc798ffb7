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

Prints who may call each deployment, how often and from which addresses, and which object or part of the policy says so. Name one (NAME or
NAMESPACE/NAME) to print only that. Below, it lists the hosts on which Sluice redirects or refuses cleartext requests.
Exits 0 when it printed something; 1 when no deployment has this name, nothing could be read or the gateway does not answer; 2 on wrong use.
`;

const deploymentOption = {
  name: "deployment",
  kind: "text",
  placeholder: "[NS/]NAME",
  help: "print this deployment only",
} as const;

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
        sentence: "--url takes one deployment, or none for all of them: write sluice who [DEPLOYMENT] --url ADMIN",
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
