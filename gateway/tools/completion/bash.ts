// Completion in bash, by nothing but its builtins: the package bash-completion need not be there.
import { quoted, type Completed, type CompletedCommand } from "./completed.ts";

/** Bash takes `--option=value` apart at "=", which is a word of its own there. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  const options = commands.map(
    ({ name, options, words }) =>
      `    ${name}) options=${quoted(options.map((option) => `--${option.name}`).join(" "))} words=(${generator(words)}) ;;`,
  );
  const values = new Map<string, string[]>();
  for (const { name: command, options: own } of commands)
    for (const { name, short, value } of own) {
      if (value === null) continue;
      const patterns = values.get(generator(value.completed)) ?? [];
      // Commands have options of one name with other values.
      for (const option of [`--${name}`, ...(short === "" ? [] : [`-${short}`])])
        patterns.push(quoted(`${command} ${option}`));
      values.set(generator(value.completed), patterns);
    }
  const cases = [...values].map(([from, patterns]) => `    ${patterns.join("|")}) words=(${from}) ;;`);
  return `# bash completion of sluice
_sluice() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} options='' words=(-W '') reply
  if [[ $current == = ]]; then current=''
  elif [[ $previous == = ]]; then previous=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    words=(-W ${quoted(commands.map(({ name }) => name).join(" "))})
  else
    case \${COMP_WORDS[1]} in
${options.join("\n")}
    esac
    case "\${COMP_WORDS[1]} $previous" in
${cases.join("\n")}
    *) [[ $current == -* ]] && words=(-W "$options --help") ;;
    esac
  fi
  while IFS= read -r reply; do COMPREPLY+=("$reply"); done < <(compgen "\${words[@]}" -- "$current")
}
complete -o filenames -F _sluice sluice
`;
}

/** Arguments of compgen. */
function generator(completed: Completed): string {
  if (completed === "files") return "-f";
  if (completed === "directories") return "-d";
  return `-W ${quoted(completed === "any" ? "" : completed.join(" "))}`;
}
