// `sluice compare DEPLOYMENT`: how far the answers of its shadows agree with the primary's.
import { command, type Outcome, type Use } from "../../options/command.ts";
import { choice } from "../../options/option.ts";
import { adminOptions } from "../admin.ts";
import { printValue } from "../output.ts";
import { askComparison } from "./ask-comparison.ts";
import { printComparison } from "./printed.ts";

const text = `Shows how far the answers of a deployment's shadows agree with the primary's: agreement with bounds that hold the true one in 95 of 100 cases, where they
differ, what was not compared and why, and the last answers that disagreed. Sluice compares a sample. The annotation sluice.io/compare asks for it. Name
NAMESPACE/NAME, or NAME where one namespace has it. The counts are those of all replicas together. A replica that is away is named.
Exits 0 when it printed them, 1 when no gateway answers or nothing was compared, 2 on wrong use.
`;

const forms = ["text", "wide", "json", "yaml"] as const;

const options = {
  ...adminOptions,
  output: {
    ...choice(forms, "form of the output; wide: all disagreements with both answers"),
    short: "o",
  },
};

export const compare = command({
  forms: ["DEPLOYMENT --url ADMIN [-n NAMESPACE] [-o FORM]"],
  text,
  options,
  words: [],
  run,
});

async function run({ values, positionals }: Use<typeof options>): Promise<Outcome> {
  const { url, adminToken, objectNamespace, output } = values;
  const [named, ...more] = positionals;
  if (url === null || named === undefined || more.length > 0)
    return {
      kind: "wrong",
      sentence: "it takes a deployment and a gateway: write sluice compare NAMESPACE/NAME --url http://127.0.0.1:8877",
    };
  const asked = await askComparison({ url, adminToken }, named, objectNamespace);
  if (asked.kind === "failed") return asked;
  const { compared } = asked;
  const done = (printed: string, form: "people" | "plain" = "plain"): Outcome => ({
    kind: "done",
    text: printed,
    form,
    code: 0,
  });
  switch (output) {
    case "json":
    case "yaml":
      return done(printValue(compared, output));
    case "text":
    case "wide":
      return done(printComparison(compared, output === "wide"), output === "text" ? "people" : "plain");
  }
}
