// The Grants file: what an operator permits a namespace beyond what it owns (routing rule 4). Wrong content stops the start: a Grant that is
// not what its writer meant would open or close traffic without a word.
import { readFile } from "node:fs/promises";
import { visible } from "../../routing/text/visible.ts";
import { parseHostGlob } from "../../k8s/translate/meaning/grant.ts";
import type { Grant } from "../../k8s/translate/model/translation.ts";

export type GrantsOutcome =
  | { readonly kind: "grants"; readonly grants: readonly Grant[] }
  | { readonly kind: "failed"; readonly sentence: string };

const lists = ["prefixes", "hosts", "grpcNames", "upstreams"] as const;
const switches = ["regex", "precedence", "open", "endpointSlices", "anonymous", "gateway"] as const;

/** What is wrong with a text of a list, and what to write: one that is empty, or wider than it looks, would give what nobody meant. */
const faults: Readonly<Record<(typeof lists)[number], (text: string) => string | null>> = {
  prefixes: (text) => {
    if (!text.startsWith("/")) return "which is not a path: write one that begins with /";
    return /^\/seldon\/[^/]+$/.test(text)
      ? `which covers every namespace whose name begins with it: write "${text}/"`
      : null;
  },
  hosts: (text) =>
    text === "" || /^[^[]*:/.test(text) || parseHostGlob(text) === null
      ? "which is not a host: write a name without a port; one * may stand at its beginning or end"
      : null,
  grpcNames: (text) => (text === "" ? "which is empty: write the name of a deployment" : null),
  upstreams: (text) =>
    text === "" || /^.+\*./.test(text)
      ? "which is not a host: write a name or an address; one * may stand at its beginning or end"
      : null,
};

/** Reads and decodes a Grants file: YAML or JSON, `grants:` with a list of Grants. One clear line on failure. */
export async function readGrants(file: string): Promise<GrantsOutcome> {
  let text;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    return {
      kind: "failed",
      sentence: `the Grants file ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"}): write --grants FILE with a readable file`,
    };
  }
  const { load } = await import("js-yaml");
  let document: unknown;
  try {
    document = load(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n", 1)[0] : String(error);
    return { kind: "failed", sentence: `the Grants file ${file} is not YAML: ${reason}` };
  }
  return decodeGrants(document, file);
}

/** Decodes the content of a Grants file; `file` is for the sentence. */
export function decodeGrants(document: unknown, file: string): GrantsOutcome {
  const entries = isRecord(document) ? document["grants"] : undefined;
  const stray = isRecord(document) ? Object.keys(document).find((key) => key !== "grants") : undefined;
  if (stray !== undefined)
    return {
      kind: "failed",
      sentence: `the Grants file ${file} has ${shown(stray)} beside grants, where it has no effect: indent it like the other lines of its Grant, or remove it`,
    };
  if (!Array.isArray(entries))
    return {
      kind: "failed",
      sentence: `the Grants file ${file} has no list: write "grants:" and below it "- namespace: NS"`,
    };
  const grants: Grant[] = [];
  for (const [index, entry] of entries.entries()) {
    const grant = grantOf(entry);
    if (typeof grant === "string")
      return { kind: "failed", sentence: `the Grants file ${file}, grants[${index}]: ${grant}` };
    grants.push(grant);
  }
  return { kind: "grants", grants };
}

function grantOf(entry: unknown): Grant | string {
  if (!isRecord(entry)) return 'is not a mapping: write "namespace: NS" and what is granted';
  const { namespace } = entry;
  if (typeof namespace !== "string" || namespace === "") return 'has no namespace: write "namespace: NS"';
  if (!/^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/.test(namespace))
    return `${shown(namespace)} is not the name of a namespace: write lower-case letters, digits and -, at most 63`;
  const known: readonly string[] = ["namespace", ...lists, ...switches];
  const unknown = Object.keys(entry).find((key) => !known.includes(key));
  if (unknown !== undefined) return `${shown(unknown)} is not a field of a Grant: write one of ${known.join(", ")}`;
  for (const name of lists) {
    if (!Object.hasOwn(entry, name)) continue;
    const value = entry[name];
    // A list whose lines were lost: of hosts it would be all.
    if (value === null || (Array.isArray(value) && value.length === 0))
      return `${name} is empty: write a list of texts, or remove it`;
    if (!Array.isArray(value) || value.some((item) => typeof item !== "string"))
      return `${name} is not a list of texts`;
    for (const text of value as readonly string[]) {
      const wrong = /[\s\p{Cc}]/u.test(text) ? "which contains white space: remove it" : faults[name](text);
      if (wrong !== null) return `${name} holds ${shown(text)}, ${wrong}`;
    }
  }
  for (const name of switches) {
    if (Object.hasOwn(entry, name) && typeof entry[name] !== "boolean") return `${name} is neither true nor false`;
  }
  const list = (name: (typeof lists)[number]): readonly string[] => (entry[name] ?? []) as readonly string[];
  return {
    namespace,
    prefixes: list("prefixes"),
    hosts: list("hosts"),
    grpcNames: list("grpcNames"),
    upstreams: list("upstreams"),
    regex: entry["regex"] === true,
    precedence: entry["precedence"] === true,
    open: entry["open"] === true,
    endpointSlices: entry["endpointSlices"] === true,
    anonymous: entry["anonymous"] === true,
    gateway: entry["gateway"] === true,
  };
}

/** What somebody wrote, quoted for a line of a terminal. */
function shown(text: string): string {
  return JSON.stringify(visible(text.slice(0, 100)));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
