// The arguments of `sluice serve` as it decodes them.
import { readCommandLine } from "../../../gateway/options/command-line.ts";
import { serveConfig, type ServeConfig } from "../../../gateway/options/config.ts";
import { serveOptions } from "../../../gateway/options/serve-options.ts";

export function decodeServe(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): ServeConfig | { readonly kind: "help" } {
  const parsed = readCommandLine(serveOptions, argv, environment);
  return parsed.kind === "parsed" ? serveConfig(parsed, environment) : parsed;
}
