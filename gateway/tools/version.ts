// `sluice version`.
import { fileURLToPath } from "node:url";
import { command } from "../options/command.ts";
import { commitOf } from "../packing/commit.ts";
import { build, type Build } from "../shared/build.ts";

export const version = command({
  forms: [""],
  text: "Prints the version, the commit, the build (a digest of the packed code) and the Node that runs it.\n",
  options: {},
  words: [],
  run: async ({ positionals }) => {
    if (positionals.length > 0) return { kind: "wrong", sentence: "it takes no arguments: write sluice version" };
    const known =
      build.digest === null
        ? { ...build, commit: await commitOf(fileURLToPath(new URL("../..", import.meta.url))) }
        : build;
    return { kind: "done", text: `${versionLine(known)}\n`, code: 0, form: "plain" };
  },
});

/** `sluice 0.1.0 (commit 0123456789ab, build 0123456789abcdef, Node 26.10.0)`. */
function versionLine({ version, commit, digest }: Build): string {
  const short = commit?.replace(/(?<=^.{12})[0-9a-f]+/, "").replace("-changed", " with changes") ?? "unknown";
  const from = digest === null ? "from sources" : `build ${digest}`;
  return `sluice ${version} (commit ${short}, ${from}, Node ${process.versions.node})`;
}
