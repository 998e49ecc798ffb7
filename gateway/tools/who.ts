// `sluice who`: who may call which deployment, by manifests or by a running gateway.
import { declaredHosts } from "../explain/host-words.ts";
import { nobodyNamed, printWho, whoOf } from "../explain/who.ts";
import { command, type Outcome, type Use } from "../options/command.ts";
import { adminOptions, ask } from "./admin.ts";
import { isValue, outputOption, printValue, textFormOf } from "./output.ts";
import { isNothingRead, nothingText } from "./read-words.ts";
import { deploymentOption, hasOneOrigin, manifestOptions, readServed } from "./manifests.ts";

const text = `Prints who may call each deployment, how often and from which addresses, and which object or part of the policy says so. Name one (NAME or
NAMESPACE/NAME) to print only that. Below, it lists the hosts on which Sluice redirects or refuses cleartext requests.
Exits 0 when it printed something; 1 when no deployment has this name, nothing could be read or the gateway does not answer; 2 on wrong use.
`;

const options = { ...deploymentOption, ...adminOptions, ...outputOption, ...manifestOptions };

export const who = command({
  forms: [
    "DIR|FILE… [--deployment NAME] [--policy FILE] [options]",
    "--cluster [--deployment NAME] [--policy FILE] [options]",
    "[DEPLOYMENT] --url ADMIN [-n NAMESPACE] [-o FORM]",
  ],
  text,
  options,
  words: "files",
  run,
});

async function run(use: Use<typeof options>): Promise<Outcome> {
  const { values, positionals } = use;
  const { url, output, deployment: named } = values;
  if (url !== null) {
    if (positionals.length > 1 || values.cluster)
      return {
        kind: "wrong",
        sentence: "--url takes one deployment, or none for all of them: write sluice who [DEPLOYMENT] --url ADMIN",
      };
    return ask("who", { deployment: named ?? positionals[0] ?? null }, { ...values, url });
  }
  if (!hasOneOrigin(values, positionals))
    return {
      kind: "wrong",
      sentence:
        "it takes manifests, a cluster or a gateway: write sluice who DIR, sluice who --cluster, or sluice who --url http://127.0.0.1:8877",
    };
  const read = await readServed(use, positionals);
  if (read.kind !== "served") return read;
  const { served, settings } = read;
  const told = whoOf(
    served.table,
    {
      policy: served.policy,
      trustedHops: settings.trustedHops,
      unread: served.unread,
      problems: served.problems,
      hosts: declaredHosts(served.translation.hosts),
    },
    named,
  );
  if (named !== null && told.who.length === 0) return { kind: "failed", sentence: nobodyNamed(named) };
  const { who: items, ...beside } = told;
  const printed = isValue(output)
    ? printValue({ items, continue: null, ...beside }, output)
    : told.who.length === 0
      ? nothingText(served)
      : printWho(told);
  return { kind: "done", text: printed, form: textFormOf(output), code: isNothingRead(served) ? 1 : 0 };
}
