// `sluice version`.
import { command } from "../options/command.ts";

export const version = command({
  forms: [""],
  text: "Prints the version.\n",
  options: {},
  words: [],
  run: async ({ positionals }) => {
    if (positionals.length > 0) return { kind: "wrong", sentence: "it takes no arguments: write sluice version" };
    const { default: description } = await import("../../package.json", { with: { type: "json" } });
    return { kind: "done", text: `sluice ${description.version}\n`, code: 0, form: "plain" };
  },
});
