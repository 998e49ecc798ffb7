// `sluice oauth revoke`: ends a token of the OAuth gateway, or all of a SeldonDeployment's client, by the admin port.
import { readFileSync } from "node:fs";
import { endpoints } from "../admin/endpoints.ts";
import { revokedShape } from "../api/oauth.ts";
import { command, type Outcome, type Use } from "../options/command.ts";
import { text } from "../options/option.ts";
import { adminOptions } from "./admin.ts";
import { isValue, outputOption, printValue } from "./output.ts";
import { askFor } from "./gateway/ask.ts";

const description = `Revokes one token, or all tokens of the client of a SeldonDeployment. With - the token is read from standard input; other users of this machine may
read a token in the arguments. The command ends when every data worker of that replica has revoked it. With --redis the other replicas follow within 5 s. Without it a revocation holds at that replica only, and until it restarts.
`;

const options = {
  deployment: text("NS/NAME", "revoke all tokens of the client of this SeldonDeployment"),
  ...adminOptions,
  ...outputOption,
};

export const oauth = command({
  forms: ["revoke - --url ADMIN", "revoke TOKEN --url ADMIN", "revoke --deployment NAMESPACE/NAME --url ADMIN"],
  text: description,
  options,
  words: ["revoke"],
  run,
});

async function run({ values, positionals }: Use<typeof options>): Promise<Outcome> {
  const [word, written, ...more] = positionals;
  const { deployment, url, adminToken } = values;
  if (word !== "revoke" || more.length > 0)
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
  const asked = deployment === null ? { token } : { deployment };
  const question = {
    method: "POST",
    path: endpoints.revoke.path,
    body: asked,
    accept: "application/json",
    adminToken,
  } as const;
  const answer = await askFor(url, question, revokedShape);
  if (answer.kind === "failed") return answer;
  const { everywhere } = answer.value;
  return {
    kind: "done",
    text: isValue(values.output) ? printValue({ everywhere }, values.output) : printRevoked(everywhere),
    form: "plain",
    code: 0,
  };
}

function printRevoked(everywhere: boolean): string {
  return everywhere
    ? "revoked; the other replicas follow within 5 s\n"
    : "revoked at this replica, until it restarts; with --redis it holds at every replica until the token ends\n";
}
