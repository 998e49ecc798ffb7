// All that a Translation says, in batches. Upstreams come first: what names them is written once then, with the state that they have.
import type { Translation, TranslationChange } from "../../../k8s/translate/model/translation.ts";

const none: TranslationChange = Object.freeze({
  mappings: [],
  removedMappings: [],
  upstreams: [],
  removedUpstreams: [],
  endpoints: [],
  flipped: [],
});

/** `size`: Mappings, or Upstreams, of a batch. */
export function* batchesOf(
  { upstreams, endpoints, mappings }: Pick<Translation, "upstreams" | "endpoints" | "mappings">,
  size: number,
): Iterable<TranslationChange> {
  for (const some of inPieces(upstreams.values(), size)) yield { ...none, upstreams: some };
  for (const some of inPieces(endpoints.values(), size)) yield { ...none, endpoints: some };
  for (const some of inPieces(mappings.values(), size)) yield { ...none, mappings: some };
}

function* inPieces<V>(values: Iterable<V>, size: number): Iterable<readonly V[]> {
  let piece: V[] = [];
  for (const value of values) {
    piece.push(value);
    if (piece.length < size) continue;
    yield piece;
    piece = [];
  }
  if (piece.length > 0) yield piece;
}
