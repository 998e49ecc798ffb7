// A text that is not YAML, of which there is no last good form: the documents that configure the gateway and that it seems to hold. Each closes what it would have
// closed.
import type { UnknownRecord } from "../values/value.ts";
import { meantKind } from "./ambassador-kinds.ts";

export interface MeantDocument {
  readonly kind: "Host" | "TLSContext" | "Module";
  /** "": it has none. */
  readonly name: string;
  /** Each key of its lines, with the texts below it. */
  readonly object: UnknownRecord;
}

/** Documents of one text, at most. */
const maxDocuments = 64;

export function documentsMeantIn(text: string): readonly MeantDocument[] {
  return text.split(/^---/m).flatMap(documentMeantIn).slice(0, maxDocuments);
}

function documentMeantIn(part: string): readonly MeantDocument[] {
  const values = new Map<string, string[]>();
  let below: string[] = [];
  // A text within JSON has its line breaks escaped.
  const lines = part
    .replaceAll("\\n", "\n")
    .replaceAll(/[\\"']/g, "")
    .split(/[\n{},[\]]/);
  for (const line of lines.map((one) => one.replace(/^[\s-]+/, ""))) {
    const [, key, value = line] = /^(\w+)\s*:(.*)$/.exec(line) ?? [];
    if (key !== undefined) {
      below = values.get(key) ?? [];
      values.set(key, below);
    }
    if (value.trim() !== "") below.push(value.trim());
  }
  return (values.get("kind") ?? []).flatMap((written) => {
    const kind = meantKind(written);
    if (kind !== "Host" && kind !== "TLSContext" && kind !== "Module") return [];
    return { kind, name: values.get("name")?.[0] ?? "", object: Object.fromEntries(values) };
  });
}
