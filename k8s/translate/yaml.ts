// YAML text of tenants: annotation values, within bounds that no text can turn into time (design §4.15).
import { CORE_SCHEMA, EVENT_ID, YAMLException, constructFromEvents, parseEvents } from 'js-yaml';

/** Bounds of one annotation. */
export const yamlBounds = {
  bytes: 64 * 1024,
  documents: 32,
  depth: 16,
  /** Maps, lists and scalars of the whole text. */
  nodes: 4096,
} as const;

export type YamlResult = { readonly kind: 'documents'; readonly documents: readonly unknown[] } | { readonly kind: 'refused'; readonly reason: string };

/** Documents of a YAML text, core schema, empty ones left out. Never throws; `reason` follows "the text". */
export function parseYaml(text: string): YamlResult {
  if (text.length > yamlBounds.bytes || Buffer.byteLength(text) > yamlBounds.bytes) return refused(`has more than ${yamlBounds.bytes / 1024} KiB`);
  try {
    const events = parseEvents(text, { maxDepth: yamlBounds.depth });
    let documents = 0;
    let nodes = 0;
    for (const { type } of events) {
      if (type === EVENT_ID.ALIAS) return refused('uses an alias (*name), which is not allowed here; write the value out');
      if (type === EVENT_ID.DOCUMENT) documents += 1;
      else if (type !== EVENT_ID.POP) nodes += 1;
    }
    if (documents > yamlBounds.documents) return refused(`has ${documents} documents, more than ${yamlBounds.documents}`);
    if (nodes > yamlBounds.nodes) return refused(`has more than ${yamlBounds.nodes} values`);
    const values = constructFromEvents(events, { source: text, schema: CORE_SCHEMA, maxAliases: 0 });
    return { kind: 'documents', documents: values.filter((value) => value !== null && value !== undefined) };
  } catch (error) {
    // js-yaml may throw others than its own on hostile input (its documentation says to catch all).
    if (!(error instanceof YAMLException)) return refused('is not valid YAML');
    const place = error.mark === undefined ? '' : ` at line ${(error.mark?.line ?? 0) + 1}, column ${(error.mark?.column ?? 0) + 1}`;
    return refused(`is not valid YAML (${error.reason}${place})`);
  }
}

function refused(reason: string): YamlResult {
  return { kind: 'refused', reason };
}
