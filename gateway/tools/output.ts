// -o: the form in which a command prints what it found. JSON and YAML hold the same value.
import { dump } from "js-yaml";
import { visibleLines } from "../../routing/text/visible.ts";
import { choice, type Option } from "../options/option.ts";
import type { TextForm } from "../options/command.ts";

export type Output = "text" | "wide" | "json" | "yaml";

/** `-o` of a command that has no wide text. */
export const outputOption = { output: formsOf(["text", "json", "yaml"], "") };

/** `-o` with `wide`, which means `wide`. */
export function wideOutputOption(wide: string): { readonly output: Option<Output> } {
  return { output: formsOf<Output>(["text", "wide", "json", "yaml"], `; wide: ${wide}`) };
}

function formsOf<const T extends Output>(forms: readonly [T, ...T[]], more: string): Option<T> {
  return { ...choice(forms, `form of the output${more}`), short: "o" };
}

export function isValue(output: Output): output is "json" | "yaml" {
  return output === "json" || output === "yaml";
}

/** Text is coloured on a terminal, everything else never. */
export function textFormOf(output: Output): TextForm {
  return output === "text" ? "people" : "plain";
}

/** Ends with a newline. Characters that a terminal obeys stand in it as escapes, which readers of both forms take for what they are. */
export function printValue(value: unknown, output: "json" | "yaml"): string {
  const json = JSON.stringify(value, null, 2);
  if (output === "json") return `${json}\n`;
  // Without what JSON leaves out. An escape is one between double quotes only.
  return dump(JSON.parse(json), {
    noRefs: true,
    lineWidth: -1,
    ...(visibleLines(json) === json ? {} : { forceQuotes: true, quoteStyle: "double" }),
  });
}
