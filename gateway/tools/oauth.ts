// `sluice oauth revoke`: ends a token of the OAuth gateway, or all of a SeldonDeployment's client, by the admin port.
import { readFileSync } from "node:fs";
import { tellAdmin, tokenOption, urlOption } from "./admin.ts";
import { runTool, valueOf, type ToolOutcome, type ToolUse } from "./command.ts";
import { jsonOption } from "./manifests.ts";

const usage = `Use: sluice oauth revoke - --url ADMIN
     sluice oauth revoke TOKEN --url ADMIN
     sluice oauth revoke --deployment NAMESPACE/NAME --url ADMIN

Revokes one token, or all tokens of the client of a SeldonDeployment. With - the token is read from standard input; other users of this machine may
read a token in the arguments. The command ends when every data worker of that gateway has revoked it; with --redis the other replicas follow within 5 s.
`;

const deploymentOption = {
  name: "deployment",
  kind: "text",
  placeholder: "NS/NAME",
  help: "revoke all tokens of the client of this SeldonDeployment",
} as const;

export function oauth(argv: readonly string[]): Promise<number> {
  return runTool({ name: "oauth", usage, options: [deploymentOption, urlOption, tokenOption, jsonOption], run }, argv);
}

async function run(use: ToolUse): Promise<ToolOutcome> {
  const [command, written, ...more] = use.positionals;
  const deployment = valueOf(use, "deployment");
  const url = valueOf(use, "url");
  if (command !== "revoke" || more.length > 0)
    return { kind: "wrong", sentence: "write sluice oauth revoke, with a token or --deployment" };
  if (url === null)
    return {
      kind: "wrong",
      sentence: "write --url with the admin port of the gateway, for example http://127.0.0.1:8877",
    };
  if ((written === undefined) === (deployment === null))
    return {
      kind: "wrong",
      sentence: "write either a token (- reads it from standard input) or --deployment NAMESPACE/NAME",
    };
  const token = written === "-" ? readFileSync(0, "utf8").trim() : written;
  const answer = await tellAdmin(
    { url, token: valueOf(use, "admin-token"), path: "/api/oauth/revoke", json: true },
    deployment === null ? { token } : { deployment },
  );
  if (answer.kind === "failed") return answer;
  const text = use.options.has("json") ? `${answer.text}\n` : printRevoked(answer.text);
  return { kind: "done", text, form: "plain", code: 0 };
}

function printRevoked(text: string): string {
  const { revoked } = JSON.parse(text) as { readonly revoked: number };
  return revoked === 0
    ? "there was none: it was never given, or had ended\n"
    : `${revoked} ${revoked === 1 ? "token has" : "tokens have"} ended\n`;
}
