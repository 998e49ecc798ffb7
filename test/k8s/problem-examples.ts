// The examples of Problem codes as manifests, and what `sluice check` says of them.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dump, load } from "js-yaml";
import { validObjects, type Example } from "../../k8s/problems/entry.ts";
import { isRecord } from "../../k8s/translate/values/value.ts";
import type { Problem } from "../../routing/text/problem.ts";
import { runTool } from "../gateway/tools/run-tool.ts";

/** An example that is not in words only. */
export type Written = Exclude<Example, { kind: "situation" }>;

/** What is around an example: other objects that it does not have, and that the operator reads otherwise. */
export const background: ReadonlySet<string> = new Set([
  "nothing-read",
  "no-endpoint-slices",
  "no-such-service",
  "no-policy",
  "differs",
]);

/** The text of the manifests; null: the example is in words only. */
export function manifestOf(example: Example): string | null {
  if (example.kind === "situation") return null;
  if (example.kind === "file") return example.text;
  const object = load(validObjects[example.object]);
  for (const line of example.lines) {
    const [, path, value] = /^((?:\["[^"]*"\]|[^\s"])+): (.*)$/.exec(line) ?? [];
    if (path === undefined) throw new Error(`no path in ${line}`);
    const steps = [...path.matchAll(/\["([^"]*)"\]|\[(\d+)\]|([^.[\]]+)/g)].map(
      ([, quoted, index, word]) => quoted ?? index ?? word!,
    );
    put(object, steps, load(value!));
  }
  return dump(object);
}

function put(parent: unknown, [step, ...below]: readonly string[], value: unknown): void {
  if (!isRecord(parent) && !Array.isArray(parent)) throw new Error(`nothing can stand at ${step!}`);
  const target = parent as Record<string, unknown>;
  if (below.length === 0) target[step!] = value;
  else put((target[step!] ??= {}), below, value);
}

/** What `sluice check` lists for an example that is not in words only. */
export async function problemsOf(example: Written): Promise<readonly Problem[]> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-example-"));
  try {
    const write = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const { options, policy, grants } = example.beside;
    const argv = [write("manifest.yaml", manifestOf(example)!), "-o", "json", ...(options?.split(" ") ?? [])];
    if (policy !== undefined) argv.push("--policy", write("policy.yaml", policy));
    if (grants !== undefined) argv.push("--grants", write("grants.yaml", grants));
    const { out, err } = await runTool("check", ...argv);
    if (err !== "") throw new Error(err);
    return (JSON.parse(out) as { readonly problems: readonly Problem[] }).problems;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
