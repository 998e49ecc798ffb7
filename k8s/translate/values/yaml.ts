// YAML text of tenants: annotation values, within bounds that no text can turn into time (routing rule 15).
import { CORE_SCHEMA, EVENT_ID, YAMLException, constructFromEvents, parseEvents, type Event } from "js-yaml";

/** Bounds of one annotation. */
export const yamlBounds = {
  bytes: 64 * 1024,
  documents: 32,
  /** Maps and lists inside each other. */
  depth: 16,
  /** Lines and characters that begin or end a value: each costs the parser about a microsecond, so they are counted before it starts. */
  marks: 8192,
} as const;

export type YamlResult =
  | { readonly kind: "documents"; readonly documents: readonly unknown[] }
  | { readonly kind: "refused"; readonly reason: string };

/** Documents of a YAML text, core schema, empty ones left out. Never throws; `reason` follows "the text". */
export function parseYaml(text: string): YamlResult {
  if (text.length > yamlBounds.bytes || Buffer.byteLength(text) > yamlBounds.bytes)
    return refused(`has more than ${yamlBounds.bytes / 1024} KiB`);
  if (countMarks(text) > yamlBounds.marks) return refused(`has more than ${yamlBounds.marks} lines and values`);
  try {
    const events = parseEvents(text, { maxDepth: 2 * yamlBounds.depth });
    if (events.some(({ type }) => type === EVENT_ID.ALIAS))
      return refused("uses an alias (*name), which is not allowed here; write the value out");
    if (depthOf(events) > yamlBounds.depth) return refused(`is nested deeper than ${yamlBounds.depth}`);
    const documents = events.filter(({ type }) => type === EVENT_ID.DOCUMENT).length;
    if (documents > yamlBounds.documents)
      return refused(`has ${documents} documents, more than ${yamlBounds.documents}`);
    const values = constructFromEvents(events, { source: text, schema: CORE_SCHEMA, maxAliases: 0 });
    return { kind: "documents", documents: values.filter((value) => value !== null && value !== undefined) };
  } catch (error) {
    // js-yaml may throw others than its own on hostile input (its documentation says to catch all).
    if (!(error instanceof YAMLException)) return refused("is not valid YAML");
    const place =
      error.mark === undefined
        ? ""
        : ` at line ${(error.mark?.line ?? 0) + 1}, column ${(error.mark?.column ?? 0) + 1}`;
    return refused(`is not valid YAML (${error.reason}${place})`);
  }
}

/** The parser's own `maxDepth` counts differently in flow and block style. */
function depthOf(events: readonly Event[]): number {
  let open = 0;
  let deepest = 0;
  for (const { type } of events) {
    if (type === EVENT_ID.POP) open -= 1;
    else if (type === EVENT_ID.DOCUMENT || type === EVENT_ID.MAPPING || type === EVENT_ID.SEQUENCE)
      deepest = Math.max(deepest, ++open);
  }
  // The document is the outermost.
  return deepest - 1;
}

const flowMarks = new Set(Array.from("\n\r,[]{}&*!?|>%", (character) => character.charCodeAt(0)));

/** Line ends and indicators; `:` and `-` count where white space follows, as in `a: b` and `- a`. One pass, no parser. */
function countMarks(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (flowMarks.has(code)) count += 1;
    else if ((code === 0x3a || code === 0x2d) && !(text.charCodeAt(i + 1) > 0x20)) count += 1;
  }
  return count;
}

function refused(reason: string): YamlResult {
  return { kind: "refused", reason };
}
