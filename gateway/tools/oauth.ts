// `sluice oauth revoke`: ends a token of the OAuth gateway, or all of a SeldonDeployment's client, by the admin port.
import { readFileSync } from "node:fs";
import { command, type Outcome, type Use } from "../options/command.ts";
import { text } from "../options/option.ts";
import { adminOptions, askAdmin, jsonOption } from "./admin.ts";

const description = `Revokes one token, or all tokens of the client of a SeldonDeployment. With - the token is read from standard input; other users of this machine may
read a token in the arguments. The command ends when every data worker of that gateway has revoked it; with --redis the other replicas follow within 5 s.
`;

const options = {
  deployment: text("NS/NAME", "revoke all tokens of the client of this SeldonDeployment"),
  ...adminOptions,
  ...jsonOption,
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
  const { deployment, url } = values;
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
  const answer = await askAdmin("revoke", asked, { ...values, url, json: true });
  if (answer.kind === "failed") return answer;
  return { kind: "done", text: values.json ? `${answer.text}\n` : printRevoked(answer.text), form: "plain", code: 0 };
}

function printRevoked(text: string): string {
  const { revoked } = JSON.parse(text) as { readonly revoked: number };
  return revoked === 0
    ? "there was none: it was never given, or had ended\n"
    : `${revoked} ${revoked === 1 ? "token has" : "tokens have"} ended\n`;
}
