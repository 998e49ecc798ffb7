// `sluice completion`: a script for a shell, from the declarations of all commands.
import { command, type Command, type NamedCommand } from "../../options/command.ts";
import { bashScript } from "./bash.ts";
import { completedOf } from "./completed.ts";
import { fishScript } from "./fish.ts";
import { zshScript } from "./zsh.ts";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript };
const shells = Object.keys(scripts);

/** `commands`: all of them, read when it runs. */
export function completionCommand(commands: readonly NamedCommand[]): Command {
  return command({
    forms: [shells.join("|")],
    text: `Prints a script that completes commands, options and their values. To use it in the shell that runs:
  bash  source <(sluice completion bash)
  zsh   source <(sluice completion zsh)       after compinit
  fish  sluice completion fish | source
`,
    options: {},
    words: shells,
    run: async ({ positionals: [shell = "", ...more] }) => {
      if (!Object.hasOwn(scripts, shell) || more.length > 0)
        return { kind: "wrong", sentence: `it takes the name of a shell: write ${shells.join(" or ")}` };
      const text = scripts[shell as keyof typeof scripts](await completedOf(commands));
      return { kind: "done", text, code: 0, form: "plain" };
    },
  });
}
