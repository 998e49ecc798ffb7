// `sluice explain`: where one request goes, and why. Nothing is sent: draws are shown as shares.
import { printExplanationText } from "../explain/explanation-text.ts";
import { printExplanation, requestLine } from "../explain/explanation.ts";
import { explainShown } from "../explain/explanation-shown.ts";
import { inSigns, inWords } from "../explain/match-words.ts";
import { serveOptions } from "../options/config.ts";
import type { Option } from "../options/options.ts";
import { withoutCredentials, type CredentialLook } from "../callers/shown.ts";
import { namedCaller } from "../callers/words.ts";
import { declaredHosts } from "../explain/host-words.ts";
import { tellAdmin, tokenOption, urlOption } from "./admin.ts";
import { runTool, valueOf, type ToolOutcome, type ToolUse } from "./command.ts";
import { hasOneOrigin, jsonOption, manifestOptions, readSettings, serveManifests, wideOption } from "./manifests.ts";
import { readRequest } from "./request.ts";

const usage = `Use: sluice explain [-X METHOD] [-H 'name: value']… [--grpc] PATH-or-URL DIR|FILE… [options]
     sluice explain [-X METHOD] [-H 'name: value']… [--grpc] PATH-or-URL --cluster [options]
     sluice explain [-X METHOD] [-H 'name: value']… [--grpc] PATH-or-URL --url ADMIN [--wide | --json]

Shows which Route takes the request, which earlier Routes do not match and why, which backend gets which share, who may call, which steps the request
passes, which limits apply and which object sets them. It checks credentials in -H as a gateway would, and says whose they are or why it did not check
them; it never prints or logs them. A path or an http:// URL stands for a cleartext request, an https://HOST/… URL for one over TLS.
For a gRPC call write --grpc -H 'seldon: NAME' -H 'namespace: NS' /seldon.protos.Seldon/Predict
Exits 0 when it has explained the request, 1 when it cannot read the manifests, the policy or the gateway, 2 on wrong use.
`;

const requestOptions: readonly Option[] = [
  {
    name: "method",
    kind: "text",
    placeholder: "METHOD",
    help: "method of the request; short form -X (GET; POST with --grpc)",
  },
  { name: "header", kind: "list", placeholder: "'name: value'", help: "header of the request; short form -H" },
  { name: "grpc", kind: "flag", placeholder: "", help: "explain a gRPC call" },
  { name: "as", kind: "text", placeholder: "PROVIDER[/CLIENT]", help: "say whether this caller would be allowed" },
  ...serveOptions.filter(({ name }) => name === "body-bytes"),
];

/** `openLook`: gives who looks at credentials. */
export function explainCommand(openLook: () => Promise<CredentialLook>): (argv: readonly string[]) => Promise<number> {
  return (argv) =>
    runTool(
      {
        name: "explain",
        usage,
        options: [...requestOptions, urlOption, tokenOption, wideOption, jsonOption, ...manifestOptions],
        run: (use) => run(use, openLook),
      },
      argv,
    );
}

async function run(use: ToolUse, openLook: () => Promise<CredentialLook>): Promise<ToolOutcome> {
  const [target, ...paths] = use.positionals;
  const url = valueOf(use, "url");
  if (target === undefined || !hasOneOrigin(use, paths)) {
    return {
      kind: "wrong",
      sentence:
        "it takes a request and manifests, a cluster or a gateway: write sluice explain /seldon/NS/NAME/api/v1.0/predictions DIR, or --cluster, or --url ADMIN",
    };
  }
  const requested = readRequest({
    method: valueOf(use, "method"),
    headers: use.options.get("header")?.values ?? [],
    grpc: use.options.has("grpc"),
    target,
  });
  if (requested.kind === "wrong") return requested;
  const { request } = requested;
  const asked = valueOf(use, "as");
  const as = asked === null ? null : namedCaller(asked);
  if (asked !== null && as === null)
    return { kind: "wrong", sentence: "--as names a caller: write --as PROVIDER/CLIENT, or --as PROVIDER" };
  const json = use.options.has("json");
  const wide = json || use.options.has("wide");
  const form = wide ? "plain" : "people";
  if (url !== null) {
    const answer = await tellAdmin(
      { url, token: valueOf(use, "admin-token"), path: "/api/explain", json },
      { ...request, as: asked ?? "", wide: use.options.has("wide") },
    );
    return answer.kind === "failed"
      ? answer
      : { kind: "done", text: answer.text.endsWith("\n") ? answer.text : `${answer.text}\n`, form, code: 0 };
  }
  const read = await readSettings(use.options);
  if (read.kind !== "settings") return read;
  const served = await serveManifests(paths, read.settings, valueOf(use, "object-namespace"));
  if (typeof served === "string") return { kind: "failed", sentence: served };
  const parts = {
    translation: served.translation,
    bodyBytes: read.settings.limits.bodyBytes,
    policy: served.policy,
    as,
    oauth: read.settings.oauth,
    trustedHops: read.settings.trustedHops,
    unread: served.unread,
    hosts: declaredHosts(served.translation.hosts),
    wording: wide ? inSigns : inWords,
  };
  const opened: CredentialLook[] = [];
  const explanation = await explainShown(served.table, request, parts, async () => (opened[0] ??= await openLook()));
  opened[0]?.close();
  const shown = withoutCredentials(request, served.policy);
  const text = json
    ? `${JSON.stringify({ request: shown, ...explanation }, null, 2)}\n`
    : `${requestLine(shown)}\n${wide ? printExplanation(explanation) : printExplanationText(explanation)}`;
  return { kind: "done", text, form, code: 0 };
}
