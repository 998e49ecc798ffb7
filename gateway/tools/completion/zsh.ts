// Completion in zsh, by its function _arguments.
import { quoted, type Completed, type CompletedCommand, type CompletedOption } from "./completed.ts";

/** As a file `_sluice` of $fpath, or sourced after compinit. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  const described = commands.map(({ name, summary }) => `    ${quoted(`${name}:${escaped(summary)}`)}`);
  const cases = commands.map(({ name, options, words }) => {
    const specs = [
      ...options.flatMap(optionSpecs),
      quoted("(- *)--help[print the help]"),
      quoted(`*:argument:${action(words)}`),
    ];
    return `    ${name}) _arguments -s \\\n${specs.map((spec) => `      ${spec}`).join(" \\\n")} ;;`;
  });
  return `#compdef sluice
_sluice() {
  local -a commands
  commands=(
${described.join("\n")}
  )
  if ((CURRENT == 2)); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  ((CURRENT--))
  case $command in
${cases.join("\n")}
  esac
}
if [[ $funcstack[1] == _sluice ]]; then _sluice "$@"; else compdef _sluice sluice; fi
`;
}

function optionSpecs({ name, short, help, isList, value }: CompletedOption): readonly string[] {
  const rest = `[${escaped(help)}]${value === null ? "" : `:${escaped(value.placeholder)}:${action(value.completed)}`}`;
  const long = `${isList ? "*" : ""}--${name}${value === null ? "" : "="}${rest}`;
  return [quoted(long), ...(short === "" ? [] : [quoted(`${isList ? "*" : ""}-${short}+${rest}`)])];
}

function action(completed: Completed): string {
  if (completed === "files") return "_files";
  if (completed === "directories") return "_files -/";
  return completed === "any" || completed.length === 0 ? " " : `(${completed.join(" ")})`;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\:[\]]/g, String.raw`\$&`);
}
