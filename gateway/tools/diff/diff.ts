// `sluice diff`: which requests would go elsewhere between two folders, or between a cluster and a folder.
import { command, type Outcome, type Use } from "../../options/command.ts";
import { choice, flag } from "../../options/option.ts";
import { manifestOptions, readServed, withoutCluster, type Served } from "../manifests.ts";
import { printValue } from "../output.ts";
import { isNothingRead, plural } from "../read-words.ts";
import { compareServed, type Comparison } from "./compare.ts";
import { markdownComparison, printComparison } from "./print.ts";

const text = `Reads two sets of manifests as a gateway would and compares their Routes, not their text: which deployments appear and vanish, which shares move, which
timeouts, headers, limits and callers change. With --cluster the objects of the cluster are the old ones; write --mappings with it if the folder has Mappings.
Which Endpoints are ready is no difference.
Exits 0 when it has compared them, 1 when it cannot read one of them, or with --exit-code when something differs or is not compared, 2 on wrong use.
`;

const options = {
  output: {
    ...choice(["text", "markdown", "json", "yaml"], "form of the output; markdown for a merge request"),
    short: "o",
  },
  exitCode: flag("exit 1 when something differs, or an error keeps it from being compared"),
  ...manifestOptions,
};

export const diff = command({
  forms: ["OLD NEW [options]", "--cluster NEW [options]"],
  text,
  options,
  words: "files",
  run,
});

async function run(use: Use<typeof options>): Promise<Outcome> {
  const { values, written, positionals } = use;
  if (positionals.length !== (values.cluster ? 1 : 2))
    return {
      kind: "wrong",
      sentence: "it takes an old and a new folder: write sluice diff OLD NEW, or sluice diff --cluster NEW",
    };
  const [old, next] = values.cluster ? [null, positionals[0]!] : [positionals[0]!, positionals[1]!];
  const before = old === null ? await readServed(use, []) : await readServed({ values, written }, [old]);
  if (before.kind !== "served") return before;
  const after = await readServed(withoutCluster({ values, written }), [next]);
  if (after.kind !== "served") return after;
  const warnings = [...new Set([...errorsOf(old ?? "the cluster", before.served), ...errorsOf(next, after.served)])];
  const comparison = compareServed(before.served, after.served, after.settings);
  // What is not compared may differ.
  const maybeDiffers = comparison.differences.length > 0 || warnings.length > 0;
  const isUnread = [before.served, after.served].some(
    (served) => isNothingRead(served) && errorsOf("", served).length > 0,
  );
  const code = isUnread || (values.exitCode && maybeDiffers) ? 1 : 0;
  return { kind: "done", text: printed[values.output](comparison, warnings), form: "plain", code };
}

/** What cannot be read is no part of what is compared. */
function errorsOf(name: string, { problems }: Served): readonly string[] {
  const errors = problems.filter(({ level, code }) => level === "error" && code !== "nothing-read").length;
  const them = errors === 1 ? "it" : "them";
  return errors === 0
    ? []
    : [
        `${name} has ${plural(errors, "Problem")} at level error, and what is not served is not compared: sluice check prints ${them}`,
      ];
}

const printed = {
  text: printComparison,
  markdown: markdownComparison,
  json: (comparison: Comparison, warnings: readonly string[]): string =>
    printValue({ ...comparison, warnings }, "json"),
  yaml: (comparison: Comparison, warnings: readonly string[]): string =>
    printValue({ ...comparison, warnings }, "yaml"),
};
